"""A judge's drift over runs: accuracies with intervals, and the alarm that names it."""

import numpy as np
import pandas as pd
import pytest

from autointerp.analysis.drift import DRIFT_COLUMNS, Evaluation, drift_over_runs, judge_alarm
from autointerp.metrics.intervals import wilson_interval

N = 100


def answers(evaluation: str, wrong: range, *, judge: str = "j", fingerprint: str = "fp1") -> pd.DataFrame:
    """Return N anchors answered right but for those in *wrong*; every second one is true."""
    truth = np.arange(N) % 2
    guess = np.where(np.isin(np.arange(N), list(wrong)), 1 - truth, truth) * 0.9
    return pd.DataFrame(
        {"evaluation": evaluation, "judge": judge, "anchor": [f"a{i}" for i in range(N)], "truth": truth.astype(float),
         "guess": guess, "model": "m", "fingerprint": fingerprint}
    )  # fmt: skip


def evaluations(n: int) -> list[Evaluation]:
    return [Evaluation(f"night-{i}", f"2026-11-{i + 1:02}T00:00:00Z") for i in range(n)]


STEADY = [answers(f"night-{i}", range(10)) for i in range(6)]


def test_accuracies_are_those_counted_by_hand() -> None:
    """One row a run and judge with Wilson's interval and chance; what could not be read counts nowhere."""
    unread = answers("night-1", range(20)).assign(guess=lambda f: f["guess"].where(f.index >= 50))
    found = drift_over_runs(evaluations(2), pd.concat([STEADY[0], unread]))
    assert list(found.columns) == DRIFT_COLUMNS
    assert found["value"].tolist() == [pytest.approx(0.9), 1.0]
    assert found["n"].tolist() == [N, 50]
    assert tuple(found[["low", "high"]].iloc[0]) == pytest.approx(wilson_interval(0.9, N))
    assert drift_over_runs([], STEADY[0]).empty
    assert drift_over_runs(evaluations(1), STEADY[0].iloc[:0]).empty


def test_the_alarm_names_the_judge_and_what_is_behind_its_name() -> None:
    """A judge that gets 25 of 100 other anchors wrong since a night is named, with that night and the systems."""
    swapped = answers("night-6", range(5, 40), fingerprint="fp2")
    other = [answers(f"night-{i}", range(3), judge="steady") for i in range(7)]
    table = pd.concat([*STEADY, swapped, *other])
    alarm = judge_alarm(evaluations(7), table, "j")
    assert alarm is not None
    assert (alarm.judge, alarm.run, alarm.since) == ("j", "night-6", "night-6")
    assert (alarm.before, alarm.after) == (pytest.approx(0.9), pytest.approx(0.65))
    assert alarm.text() == (
        "the judge j answers known-truth anchors otherwise since night-6 (0.90 of 600 right before, 0.65 of 100 since; "
        "behind its name m fp1 became m fp2)"
    )
    assert judge_alarm(evaluations(7), table, "steady") is None


def test_other_anchors_are_no_drift() -> None:
    """Anchors in other words have no past: a changed prompt rings nothing."""
    other = answers("night-6", range(60)).assign(anchor=[f"b{i}" for i in range(N)])
    assert judge_alarm(evaluations(7), pd.concat([*STEADY, other]), "j") is None


def test_runs_without_anchors_are_passed_over() -> None:
    """A run in between that asked none changes nothing; with one round alone there is no alarm."""
    table = pd.concat([STEADY[0], STEADY[2], answers("night-3", range(5, 60))])
    assert judge_alarm(evaluations(4), table, "j") is not None
    assert judge_alarm(evaluations(1), STEADY[0], "j") is None
    assert judge_alarm(evaluations(1), STEADY[0].iloc[:0], "j") is None
