"""What is done by schedule, as a page: strips of firings, reasons, baselines, the judge's drift."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from dashboard_builders import open_app, toy_home, write_run
from report_builders import make_run

from autointerp.dashboard.building import build_snapshot
from autointerp.dashboard.pages.flows import N_FIRINGS, why_not
from autointerp.pipeline.firings import Firing, keep_firing, register, written
from autointerp.pipeline.schedules import Deployment
from autointerp.store.parts import write_part

NIGHTLY = Deployment(name="nightly", flow="evaluate", config="a.toml", interval_s=3600)
RESUME = "autointerp flow run nightly"
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


def firing(hour: int, state: str, reason: str = "", **more: object) -> Firing:
    return Firing("nightly", "evaluate", written(BEGIN + timedelta(hours=hour)), state, reason, **more)  # type: ignore[arg-type]


@pytest.fixture
def scheduled(tmp_path: Path) -> Path:
    """A home whose deployment was due forty times; the last one is incomplete, the one before made toy-1."""
    home = toy_home(tmp_path)
    register(home, NIGHTLY, at=BEGIN)
    for hour in range(38):
        keep_firing(home, firing(hour, "done", usd=0.5, tokens=100, run="gone-1"))
    keep_firing(home, firing(38, "done", usd=0.5, tokens=100, run="toy-1"))
    keep_firing(
        home, firing(39, "incomplete", "the server <b>went</b> away", tokens=7, resume="autointerp flow run nightly")
    )
    build_snapshot(home)
    return home


def test_the_last_firings_are_a_strip(scheduled: Path) -> None:
    """Thirty firings, oldest first, each with its state; one whose run is here leads to it; sums are theirs."""
    with open_app(scheduled) as client:
        page, data = client.get("/flows").text, client.get("/flows.json").json()
    (one,) = data["deployments"]
    assert len(one["marks"]) == N_FIRINGS == 30
    assert [mark["state"] for mark in one["marks"]] == ["done"] * 29 + ["incomplete"]
    assert [mark["href"] for mark in one["marks"]] == [""] * 28 + ["/runs/toy-1", ""]
    assert (one["usd"], one["tokens"]) == (29 * 0.5, 29 * 100 + 7)
    assert page.count('role="listitem"') == 30
    assert data["n_firings"] == 40


def test_it_says_why_it_did_not_run(scheduled: Path) -> None:
    """The reason of the last firing and the command that goes on stand on the page, as text and not as markup."""
    with open_app(scheduled) as client:
        page = client.get("/flows").text
    assert "Why it did not run: incomplete: the server &lt;b&gt;went&lt;/b&gt; away" in page
    assert "<code>autointerp flow run nightly</code>" in page
    assert "<b>went" not in page


@pytest.mark.parametrize(
    ("state", "hours_later", "why"),
    [
        ("done", 0.5, ""),
        ("done", 1.1, ""),
        ("done", 3, "due since 2026-11-01T01:00:00Z and not noted: nobody serves it; start `autointerp flow serve`"),
        ("skipped", 0.1, "skipped: nothing changed"),
        ("running", 0.9, ""),
    ],
)
def test_what_was_not_noted_was_not_served(state: str, hours_later: float, why: str) -> None:
    """A deployment that is long due and has no firing is not served; one that is just due may still begin."""
    last = firing(0, state, "nothing changed" if state == "skipped" else "")
    assert why_not(NIGHTLY, [last], at=BEGIN + timedelta(hours=hours_later)) == why


def test_an_empty_home_says_how_to_begin(tmp_path: Path) -> None:
    """Without schedules, anchors and baselines the page says what would make each."""
    home = toy_home(tmp_path)
    build_snapshot(home)
    with open_app(home) as client:
        page = client.get("/flows").text
    for words in ("autointerp flow serve flows.toml", "[anchors]", "autointerp runs baseline set NAME RUN"):
        assert words in page


def test_drift_is_drawn_from_anchors(tmp_path: Path) -> None:
    """Each run's share of anchors answered rightly stands in the table, and its mark in the chart leads to the run."""
    home = toy_home(tmp_path)
    write_run(home, make_run(widths=(512, 1024), n_scored=4), name="toy-2", created="2026-11-22T10:00:00Z")
    for run, n_right in (("toy-1", 9), ("toy-2", 6)):
        guesses = [float(i < n_right) for i in range(10)]
        rows = {
            "evaluation": run, "judge": "oracle:", "anchor": [f"a{i}" for i in range(10)], "item": "d:0", "truth": 1.0,
            "guess": guesses, "kind": "logprob", "reason": "", "model": "m", "fingerprint": "f",
        }  # fmt: skip
        write_part(home / "runs" / run, "anchors", "oracle", pd.DataFrame(rows))
    build_snapshot(home)
    with open_app(home) as client:
        page, data = client.get("/flows").text, client.get("/flows.json").json()
    assert [(row["run"], row["value"], row["n"]) for row in data["drift"]] == [("toy-1", 0.9, 10), ("toy-2", 0.6, 10)]
    assert set(re.findall(r'href="(/runs/toy-\d)"', page.partition("<svg")[2].partition("</svg>")[0])) == {
        "/runs/toy-1",
        "/runs/toy-2",
    }
