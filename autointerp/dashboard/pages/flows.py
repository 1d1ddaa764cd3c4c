"""What is done by schedule: what is due next, what became of the last ones, and whether the judge is still the same."""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from autointerp.dashboard import links
from autointerp.dashboard.shelf import Reader
from autointerp.dashboard.views import Asked, Sheet, View
from autointerp.pipeline.baselining import Baseline, list_baselines
from autointerp.pipeline.firings import Firing, all_firings, now, registered, written
from autointerp.pipeline.schedules import Deployment, next_due
from autointerp.report.drifted import drift_frame

N_FIRINGS, N_ROWS = 30, 200
"""Firings of a deployment shown as a strip; rows of the table of all."""
MOST_RUNS = 60
"""Runs in the chart of drift: the newest."""
COLUMNS = (
    "deployment",
    "flow",
    "due",
    "state",
    "reason",
    "started",
    "ended",
    "n_tries",
    "run",
    "resume",
    "usd",
    "tokens",
)
SIGNS = {"done": "●", "incomplete": "◐", "failed": "✕", "missed": "○", "skipped": "⤼", "running": "▶", "waiting": "…"}
"""A sign a state: read without colour."""
LATE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Mark:
    """One firing in a strip."""

    sign: str
    state: str
    words: str
    href: str


@dataclass(frozen=True, slots=True)
class Line:
    """One deployment: when it is due, its last firings, oldest first, and why it did not run, if it should have."""

    name: str
    flow: str
    rule: str
    next: str
    marks: tuple[Mark, ...]
    usd: float | None
    tokens: int
    why: str
    command: str


def page(reader: Reader, _asked: Asked) -> View:
    """Return every deployment of the home, its last firings, locked baselines and the judge's drift."""
    firings = all_firings(reader.home)
    served = [one.deployment for one in registered(reader.home).values()]
    runs = {str(row["run"]) for row in reader.rows("SELECT run FROM runs")}
    chart, drift = reader.snapshot.once("drift", lambda: _drift(reader.home))
    return View(
        title="Flows",
        template="flows.html.jinja",
        data={
            "deployments": [_line(one, firings, runs, at=now()) for one in served],
            "firings": [_row(firing) for firing in firings[:N_ROWS]],
            "n_firings": len(firings),
            "baselines": [_baseline(one, runs) for one in list_baselines(reader.home)],
            "drift": drift,
        },
        extra={"chart": chart, "signs": SIGNS, "runs": runs},
        sheet=lambda: Sheet(COLUMNS, ([_row(firing)[name] for name in COLUMNS] for firing in firings)),
    )


def _row(firing: Firing) -> dict[str, object]:
    return {name: getattr(firing, name) for name in COLUMNS}


def _line(rule: Deployment, firings: list[Firing], runs: set[str], *, at: datetime) -> Line:
    mine = [firing for firing in firings if firing.deployment == rule.name]
    last = deque((_mark(firing, runs) for firing in reversed(mine)), maxlen=N_FIRINGS)
    soon = next_due(rule, after=at)
    known = [firing.usd for firing in mine[:N_FIRINGS] if firing.usd is not None]
    return Line(
        name=rule.name,
        flow=rule.flow,
        rule=rule.rule,
        next=written(soon) if soon else "by hand",
        marks=tuple(last),
        usd=sum(known) if known else None,
        tokens=sum(firing.tokens or 0 for firing in mine[:N_FIRINGS]),
        why=why_not(rule, mine, at=at),
        command=mine[0].resume if mine and mine[0].is_open else "",
    )


def _mark(firing: Firing, runs: set[str]) -> Mark:
    words = " · ".join(filter(None, [firing.due, firing.state, firing.reason, firing.text]))
    return Mark(SIGNS[firing.state], firing.state, words, links.run(firing.run) if firing.run in runs else "")


def why_not(rule: Deployment, firings: list[Firing], *, at: datetime) -> str:
    """Return why a deployment did not run when it last should have; "" where it did, or runs.

    ``firings``: its own, the latest first.
    """
    if firings and firings[0].state in ("incomplete", "failed", "missed", "skipped"):
        return f"{firings[0].state}: {firings[0].reason or 'no reason was noted'}"
    since = firings[0].moment if firings else None
    soon = next_due(rule, after=since) if since else None
    if soon and soon + timedelta(seconds=rule.jitter_s) + LATE < at.astimezone(UTC):
        return f"due since {written(soon)} and not noted: nobody serves it; start `autointerp flow serve`"
    return ""


def _baseline(one: Baseline, runs: set[str]) -> dict[str, str]:
    href = links.run(one.run) if one.run in runs else ""
    return {"name": one.name, "run": one.run, "set_at": one.set_at, "content": one.content[:12], "href": href}


def _drift(home: Path) -> tuple[Markup, list[dict[str, object]]]:
    """Return the judge's accuracy on anchors over the newest runs, as a chart and as rows."""
    frame = drift_frame(home)
    shown = frame[frame["run"].isin(list(dict.fromkeys(frame["run"]))[-MOST_RUNS:])]
    if shown.empty:
        return Markup(""), []
    from autointerp.report.charts.drift import drift_over_runs

    title = "Share of known-truth anchors answered rightly, by run"
    drawn = drift_over_runs(shown, title=title, link=lambda term: links.run(term.removeprefix("run:")))
    rows = shown.astype(object).where(pd.notna(shown), None).to_dict("records")
    return drawn.svg, [{str(name): value for name, value in row.items()} for row in rows]
