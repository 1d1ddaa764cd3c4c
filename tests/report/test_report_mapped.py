"""Maps of directions: who stands on them, how they are drawn, and that they stay small and say what they cannot."""

import json
import re
import sys
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_builders import HOSTILE, Builder
from tiny_world import DEAD, WIDTHS, FinishedRun

from autointerp.core.errors import ConfigError
from autointerp.dashboard.filters import parse_filter
from autointerp.report.charts.neighbourhood import COLUMNS, MOST_LINKED, SAYS_NOTHING, SIDE, neighbourhood_map
from autointerp.report.data import page_data
from autointerp.report.linking import dashboard_at, linking_to
from autointerp.report.mapped import choose_placed, map_run
from autointerp.report.page import build_page
from autointerp.report.render import html_page
from autointerp.report.tables import RunTables
from autointerp.store.parts import read_table
from autointerp.store.schemas import TABLES

NARROW, WIDE = (f"tiny/{width}" for width in WIDTHS)
# Altair warns of its own dependencies while charts are drawn.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def features(n: int, *, drawn: int, dead: int = 0) -> pd.DataFrame:
    """Return *n* features: the first *drawn* were drawn, the last *dead* never fired."""
    status = ["pending"] * drawn + ["not_sampled"] * (n - drawn - dead) + ["dead"] * dead
    density = [0.01] * (n - dead) + [0.0] * dead
    return pd.DataFrame({"feature": range(n), "density": density, "status": status})


def places(n: int, *, scored: int = 0, label: str = "a label", dictionary: str = "toy/4096") -> pd.DataFrame:
    """Return *n* places, the first *scored* with scores from 0.5 to 1."""
    draws = np.random.default_rng(0)
    values = np.concatenate([np.linspace(0.5, 1.0, scored), np.full(n - scored, np.nan)])
    return pd.DataFrame(
        {
            "dictionary": dictionary, "feature": np.arange(n), "x": draws.normal(0, 30, n),
            "y": draws.normal(0, 20, n), "value": values, "label": label,
        }
    )[COLUMNS]  # fmt: skip


def shapes(svg: str, fill: str) -> int:
    """Return how many squares of a colour are drawn."""
    return sum(path.count("M") for path in re.findall(rf'<path d="([^"]*)" fill="{fill}"', svg))


@given(st.integers(0, 60), st.integers(0, 20), st.integers(1, 80), st.integers(0, 3))
def test_all_drawn_ones_stand_on_the_map_and_no_dead_one(n: int, drawn: int, most: int, seed: int) -> None:
    """At most so many, each once, the drawn first; keyed, whatever the order of the rows."""
    table = features(n + drawn + 5, drawn=drawn, dead=5)
    found = choose_placed(table, "a/1", most=most, seed=seed)
    assert len(set(found.tolist())) == len(found) == min(most, n + drawn)
    assert (found < n + drawn).all()
    assert (found < drawn).sum() == min(drawn, most)
    turned = table.sample(frac=1, random_state=seed)
    assert choose_placed(turned, "a/1", most=most, seed=seed).tolist() == found.tolist()


@pytest.fixture(scope="module")
def copied(finished_run: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's folder in a home of its own."""
    return finished_run.copied(tmp_path_factory.mktemp("mapped"))


def test_a_run_is_mapped_and_again_the_same(copied: Path) -> None:
    """Every feature that fired has one place; a second time it is the same one; another dictionary is left alone."""
    found = map_run(copied)
    rows = read_table(copied, "neighbourhoods")
    assert [(one.dictionary, one.n_placed) for one in found] == list(rows.groupby("dictionary").size().items())
    assert DEAD not in rows.loc[rows["dictionary"] == NARROW, "feature"].tolist()
    assert all(one.n_drawn_placed == one.n_drawn == 3 for one in found)
    map_run(copied, dictionary=WIDE)
    pd.testing.assert_frame_equal(read_table(copied, "neighbourhoods"), rows)
    with pytest.raises(ConfigError, match="no dictionary 'tiny/9'"):
        map_run(copied, dictionary="tiny/9")


def test_the_command_says_what_the_map_cannot(
    copied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counts as JSON; in words the same, with what distances do not mean; too few for a map is said."""
    from autointerp.cli import main

    def run(*more: str) -> str:
        home = str(copied.parents[1])
        monkeypatch.setattr(sys, "argv", ["autointerp", "features", "map", str(copied), "--home", home, *more])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
        return capsys.readouterr().out

    found: list[dict[str, Any]] = json.loads(run("--json", "--most", "10"))
    assert [one["n_placed"] for one in found] == [10, 10]
    text = run("--most", "3", "--dictionary", WIDE)
    assert SAYS_NOTHING in text
    assert "3 of " in text
    assert "too few for one" in text
    assert NARROW not in text


def test_two_thousand_marks_are_small(build: Builder) -> None:
    """At most 300 kB and some 1,000 elements, whether few or all have scores and labels; every feature is drawn."""
    for scored in (0, 6, 2_000):
        drawn = neighbourhood_map(
            places(2_000, scored=scored, label="x" * 400),
            title="t", measure="detection, AUROC", chance=0.5, address=lambda f: f"/f/toy/4096/{f}?run=demo-8bf6e31c",
        )  # fmt: skip
        assert len(drawn.svg.encode()) <= 300_000
        assert len(re.findall(r"<\w", drawn.svg)) < 1_200
        assert drawn.svg.count("<a href=") == min(scored, MOST_LINKED)
        n_marks = sum(shapes(drawn.svg, colour) for colour in set(re.findall(r'fill="(#\w+)"', drawn.svg)))
        assert n_marks == 2_000
    del build


def test_marks_stand_where_the_features_do() -> None:
    """Squares lie within the picture, in the order of the places, larger with the score, and lead to their feature."""
    rows = places(9, scored=3).assign(x=np.arange(9.0), y=0.0)
    svg = neighbourhood_map(rows, title="t", measure="m", chance=None, address=lambda f: f"/f/{f}").svg
    squares = re.findall(r"M(\d+),(\d+)h(\d\d?)v(\d\d?)h-\d\d?Z", svg)  # the frame is larger
    assert len(squares) == 9
    assert all(0 <= int(x) <= SIDE and 0 <= int(y) <= SIDE for x, y, _, _ in squares)
    linked = re.findall(r'<a href="/f/(\d)"[^>]*><title>([^<]*)</title><path d="M(\d+),\d+h(\d+)', svg)
    assert [int(f) for f, _, _, _ in linked] == [0, 1, 2]
    sizes = [int(size) for _, _, _, size in linked]
    lefts = [int(x) for _, _, x, _ in linked]
    assert sizes == sorted(sizes)
    assert lefts == sorted(lefts)
    assert "toy/4096#2, 1.00: a label" in linked[2][1]


@pytest.mark.parametrize("n", [0, 1, 3])
def test_too_few_features_are_no_map(n: int) -> None:
    """Where all stand at one place nothing is drawn, and it says why."""
    drawn = neighbourhood_map(places(n).assign(x=0.0, y=0.0), title="t")
    assert "Nothing to draw" in drawn.svg
    assert f"{n} features at one place" in drawn.svg


@pytest.mark.parametrize("value", [0.5, np.nan])
def test_equal_and_missing_scores_are_drawn(value: float) -> None:
    """All the same, or none at all: a picture without a number that is none."""
    drawn = neighbourhood_map(places(5).assign(value=value), title="t", measure="m")
    assert "Nothing to draw" not in drawn.svg
    assert not re.search(r"\b(nan|NaN|None)\b", drawn.svg)
    assert SAYS_NOTHING in drawn.description
    assert ("Not one of them" in drawn.description) == bool(np.isnan(value))


def test_hostile_names_and_labels_are_only_shown() -> None:
    """A dictionary's name and a label reach the drawing as text, hidden characters shown, and bring no element."""
    rows = places(5, scored=5, label=HOSTILE, dictionary=HOSTILE)
    svg = neighbourhood_map(rows, title=HOSTILE, measure="m", address=lambda f: f'/f/"><script>{f}').svg
    assert "<script" not in svg
    assert "<img" not in svg
    assert "\u202e" not in svg
    assert "\x00" not in svg


def test_the_report_shows_maps_once_they_are_made(build: Builder) -> None:
    """None before; then one a dictionary with scores, the sentence, a table; four at most, the rest counted."""
    run = build(widths=(512, 1024, 2048, 4096, 8192), n_scored=4)
    names = {section["name"] for section in page_data(build_page(run))["sections"]}
    assert "neighbourhoods" not in names
    found = [(name, i, float(i), float(i % 3)) for name in run["dictionaries"]["dictionary"] for i in range(8)]
    table = pd.DataFrame(found, columns=TABLES["neighbourhoods"].names)
    page = build_page(RunTables({**run.tables, "neighbourhoods": table}, run.manifest))
    (section,) = [s for s in page_data(page)["sections"] if s["name"] == "neighbourhoods"]
    (figures,) = [block for block in section["blocks"] if block["kind"] == "figures"]
    assert len(figures["pictures"]) == 4
    for one in figures["pictures"]:
        assert "4 of them are scored" in one["description"]
        assert len(one["numbers"]) == 8
        assert one["rows"][-1][0] == "4 others"
    html = html_page(page)
    assert SAYS_NOTHING in html
    assert "1 wider" in html


def test_with_a_dashboard_scored_marks_lead_to_their_feature(build: Builder) -> None:
    """Each linked mark names one feature of its dictionary in the filter language; without a dashboard none does."""
    run = build(widths=(512,), n_scored=4)
    (name,) = run["dictionaries"]["dictionary"]
    placed = places(8, dictionary=str(name)).drop(columns=["value", "label"])
    mapped = RunTables({**run.tables, "neighbourhoods": placed}, run.manifest)
    linking = linking_to(dashboard_at("http://127.0.0.1:8765", "toy-1"), mapped)
    hrefs = re.findall(r'href="([^"]*feature%3A[^"]*)"', html_page(build_page(mapped, linking=linking)))
    found = {str(parse_filter(parse_qs(urlsplit(unescape(href)).query)["q"][0])) for href in hrefs}
    own = run["scores"][(run["scores"]["control"] == "none") & run["scores"]["value"].notna()]
    assert found == {f"run:toy-1 dictionary:{name} feature:{index}" for index in set(own["feature"]) & set(range(8))}
    assert "feature%3A" not in html_page(build_page(mapped))
