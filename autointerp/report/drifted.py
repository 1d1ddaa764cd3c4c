"""What anchors say of judges over a home's runs: the frame of the chart of drift, and the alarm of a gate."""

from itertools import pairwise
from pathlib import Path

import pandas as pd

from autointerp.analysis.attributing import changes_between
from autointerp.analysis.drift import Evaluation, JudgeAlarm, drift_over_runs, judge_alarm
from autointerp.pipeline.finding import list_runs
from autointerp.report.text import visible
from autointerp.store.manifest import read_manifest
from autointerp.store.parts import part_paths, read_table


def alarm_against(run: Path, baseline: Path) -> tuple[JudgeAlarm | None, int]:
    """Return the alarm against the run's judge from the baseline on, and in how many evaluations it was asked."""
    evaluations, anchors = anchored(run.absolute().parents[1], since=baseline, until=run)
    judge = str(read_manifest(run).get("judge", ""))
    n = anchors.loc[anchors["judge"] == judge, "evaluation"].nunique()
    return judge_alarm(evaluations, anchors, judge), int(n)


def drift_frame(home: Path) -> pd.DataFrame:
    """Return every judge's accuracy on anchors in every run of the home: what the chart of drift is drawn from."""
    return drift_over_runs(*anchored(home))


def anchored(
    home: Path, *, since: Path | None = None, until: Path | None = None
) -> tuple[list[Evaluation], pd.DataFrame]:
    """Return the runs in which anchors were asked, in the order of time, and their answers together."""
    created = {run: str(read_manifest(run).get("created", "")) for run in list_runs(home) if part_paths(run, "anchors")}
    first, last = (str(read_manifest(end).get("created", "")) if end else "" for end in (since, until))
    inside = [run for run, at in created.items() if (not first or at >= first) and (not last or at <= last)]
    ordered = sorted(inside, key=lambda run: (created[run], run.name))
    tables = [read_table(run, "anchors") for run in ordered]
    changed = ["", *(_changed(a, b) for a, b in pairwise(ordered))][: len(ordered)]
    evaluations = [Evaluation(run.name, created[run], text) for run, text in zip(ordered, changed, strict=True)]
    empty = read_table(home / "runs" / "none", "anchors")
    return evaluations, pd.concat([empty, *tables], ignore_index=True) if tables else empty


def _changed(a: Path, b: Path) -> str:
    return visible("; ".join(str(change) for change in changes_between(read_manifest(a), read_manifest(b))))
