"""A hundred thousand features in two runs: what a page costs does not grow with them, and what it counts is right."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest
from dashboard_builders import Client, open_app
from made_up_runs import write_runs

from autointerp.dashboard.building import build_snapshot
from autointerp.dashboard.explorer import PAGE
from autointerp.dashboard.shelf import Reader
from autointerp.store.parts import read_table

N_FEATURES = 99_998
"""A hundred thousand, cut into shares of whole numbers."""

WIDEST = "toy/53333"
DETECTION = "run:toy-second detection:0.6..0.7"
SEARCH = f'dictionary:{WIDEST} label:"the w*"'
ASKED = {
    "/": 2,
    f"/features?q={quote(DETECTION)}": 2,
    "/features?q=sort:-detection": 2,
    f"/features?q={quote(SEARCH)}": 2,
    f"/f/{WIDEST}/7": 12,
    f"/dictionaries/{WIDEST}": 16,
    "/ladders/toy": 16,
    "/runs/toy-second": 8,
    "/compare?a=toy-first&b=toy-second": 32,
}
"""Pages, and the most queries that one may take: some for each measure, none for each feature."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Both runs and their snapshot; gone after the module, it is large."""
    home = tmp_path_factory.mktemp("large")
    assert sum(write_runs(home, 100_000).values()) == N_FEATURES
    build_snapshot(home)
    yield home
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[Client]:
    """Asks the application over them."""
    with open_app(home) as client:
        yield client


@pytest.fixture(scope="module")
def detection(home: Path) -> pd.DataFrame:
    """Scores of the second run by detection, read from its parts."""
    filters = [("scorer", "==", "detection"), ("control", "==", "none")]
    return read_table(home / "runs" / "toy-second", "scores", filters=filters)


@pytest.mark.parametrize("address", ASKED)
def test_a_page_costs_what_it_costs_for_few(client: Client, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more queries, at most 150 kB compressed and 3,000 elements, whatever the number of features."""
    asked = []
    rows, frame = Reader.rows, Reader.frame
    monkeypatch.setattr(Reader, "rows", lambda *given: asked.append(given) or rows(*given))
    monkeypatch.setattr(Reader, "frame", lambda *given: asked.append(given) or frame(*given))
    found = client.get(address, accept_encoding="gzip")
    assert found.status == 200
    assert len(found.body) <= 150_000
    assert 0 < len(asked) <= ASKED[address]
    assert len(re.findall(r"<[a-z]", client.get(address).text)) <= 3_000


def test_the_explorer_counts_what_the_parts_hold(client: Client, detection: pd.DataFrame) -> None:
    """As many rows as scores lie in the interval, a page of them at a time."""
    found = client.get(f"/features.json?q={quote(DETECTION)}").json()
    assert found["n"] == int(((detection["value"] >= 0.6) & (detection["value"] < 0.7)).sum())
    assert len(found["rows"]) == PAGE


def test_pages_follow_each_other_in_the_order_asked_for(client: Client, detection: pd.DataFrame) -> None:
    """Four pages hold the best two hundred, none twice and none left out."""
    seen, after = [], ""
    for _ in range(4):
        found = client.get(f"/features.json?q={quote('run:toy-second sort:-detection')}&after={after}").json()
        seen += [row["scores"]["detection"]["value"] for row in found["rows"]]
        after = found["after"]
    assert seen == np.sort(detection["value"].dropna().to_numpy())[::-1][: 4 * PAGE].tolist()


def test_the_sheet_has_every_row(client: Client) -> None:
    """The whole run as CSV, read in pieces, has a line for each of its labels."""
    n = client.get("/features.json?q=run:toy-second").json()["n"]
    assert client.get("/features.csv?q=run:toy-second").text.count("\n") == n + 1 == N_FEATURES + 1
