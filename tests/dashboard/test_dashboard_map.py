"""A dictionary's page with its map: marks lead to features, the table and the JSON say the same, and it stays light."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dashboard_builders import Client, open_app, toy_home
from report_builders import HOSTILE

from autointerp.dashboard.building import build_snapshot
from autointerp.report.charts.neighbourhood import SAYS_NOTHING
from autointerp.store.parts import write_part

PAGE = "/dictionaries/toy-l12/512"


def write_places(home: Path, *, n: int, dictionary: str = "toy-l12/512") -> None:
    draws = np.random.default_rng(0)
    places = {"dictionary": dictionary, "feature": range(n), "x": draws.normal(size=n), "y": draws.normal(size=n)}
    write_part(home / "runs" / "toy-1", "neighbourhoods", dictionary, pd.DataFrame(places))


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    home = toy_home(tmp_path_factory.mktemp("mapped"))
    write_places(home, n=2_000)
    build_snapshot(home)
    with open_app(home) as client:
        yield client


def test_the_map_leads_to_its_features(mapped: Client) -> None:
    """Scored features are links, each to a page that is there; the JSON has every place; the page is light."""
    page = mapped.get(PAGE, accept_encoding="identity").text
    assert SAYS_NOTHING in page
    inside = page.partition('<section id="map">')[2].partition("</section>")[0]
    hrefs = set(re.findall(r'<a href="([^"]+)"', inside))
    assert len(hrefs) == 4
    assert all(mapped.get(href).status == 200 for href in hrefs)
    places = mapped.get(f"{PAGE}.json").json()["places"]
    assert len(places) == 2_000
    assert sum(one["value"] is not None for one in places) == 4
    assert len(mapped.get(PAGE, accept_encoding="gzip").body) <= 150_000
    assert len(re.findall(r"<\w", page)) <= 3_000


def test_without_a_map_there_is_none(mapped: Client) -> None:
    """A dictionary that was not mapped has no empty section."""
    assert 'id="map"' not in mapped.get("/dictionaries/toy-l12/1024").text
    assert mapped.get("/dictionaries/toy-l12/1024.json").json()["places"] == []


@pytest.mark.parametrize("settings", [{"scored": False}, {"hostile": True}, {"explainers": ()}])
def test_a_map_of_anything_is_a_page(tmp_path: Path, settings: dict[str, object]) -> None:
    """Without a score, with hostile labels, without labels: drawn, and nothing of them acts."""
    home = toy_home(tmp_path, **settings)
    write_places(home, n=12)
    build_snapshot(home)
    with open_app(home) as client:
        found = client.get(PAGE)
    assert found.status == 200
    assert '<section id="map">' in found.text
    assert "<script>alert" not in found.text
    assert HOSTILE not in found.text
