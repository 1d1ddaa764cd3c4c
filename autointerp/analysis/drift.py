"""Drift of a judge over evaluations: its accuracy on known-truth anchors, and the alarm when it answers otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autointerp.analysis.figures import number
from autointerp.core.draws import uniform
from autointerp.metrics.intervals import wilson_interval
from autointerp.trust.drifting import Alarm, DriftSettings, Round, find_alarm

YES = 0.5
DRIFT_COLUMNS = ["run", "created", "judge", "value", "low", "high", "chance", "n", "changed"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One run as a point of time; ``changed``: what differs from the one before, "" where nothing does."""

    name: str
    created: str
    changed: str = ""


@dataclass(frozen=True, slots=True)
class JudgeAlarm:
    """A judge that answers known-truth anchors otherwise than it did.

    ``run``: after which the alarm rang; ``since``: the likeliest first run of the change; accuracies before it and
    from it on. ``systems``: what the provider called the judge before and since, where that differs.
    """

    judge: str
    run: str
    since: str
    before: float
    after: float
    n_before: int
    n_after: int
    wealth: float
    systems: tuple[str, str] | None

    def text(self) -> str:
        """Return the alarm as one sentence that names the judge."""
        change = f"{number(self.before)} of {self.n_before} right before, {number(self.after)} of {self.n_after} since"
        behind = "" if self.systems is None else f"; behind its name {self.systems[0]} became {self.systems[1]}"
        return f"the judge {self.judge} answers known-truth anchors otherwise since {self.since} ({change}{behind})"


def drift_over_runs(evaluations: Sequence[Evaluation], anchors: pd.DataFrame) -> pd.DataFrame:
    """Return the judge's accuracy in each evaluation with its 95% interval, ``DRIFT_COLUMNS``; n anchors read.

    Args:
        evaluations: In the order of time.
        anchors: The tables ``anchors`` of all of them.
    """
    rows = [
        (e.name, e.created, str(judge), float(right.mean()), *(wilson_interval(float(right.mean()), len(right)) or ()),
         0.5, len(right), e.changed)
        for e in evaluations
        for judge, right in _right_by_judge(anchors[anchors["evaluation"] == e.name])
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=DRIFT_COLUMNS)


def judge_alarm(
    evaluations: Sequence[Evaluation], anchors: pd.DataFrame, judge: str, *, settings: DriftSettings | None = None
) -> JudgeAlarm | None:
    """Return the alarm against one judge, or None.

    Args:
        evaluations: In the order of time, from the one that counts as unchanged.
        anchors: The tables ``anchors`` of all of them.
        judge: Its configured name.
        settings: The test.
    """
    read = anchors[(anchors["judge"] == judge) & anchors["guess"].notna()]
    named = [e for e in evaluations if (read["evaluation"] == e.name).any()]
    answers = [read[read["evaluation"] == e.name].drop_duplicates("anchor") for e in named]
    found = find_alarm(rounds_of(answers), settings)
    return None if found is None else _alarm(judge, named, answers, found)


def rounds_of(answers: Sequence[pd.DataFrame]) -> list[Round]:
    """Return each evaluation's answers beside those before it, by anchor."""
    rounds, before = [], pd.DataFrame({"n": [], "right": []}, dtype=int)
    for one in answers:
        right = pd.Series(_is_right(one).to_numpy(), index=pd.Index(one["anchor"]))
        past = before.reindex(right.index).fillna(0).astype(int)
        name = str(one["evaluation"].iloc[0])
        rounds.append(
            Round(
                right.to_numpy(bool),
                past["right"].to_numpy(np.int64),
                past["n"].to_numpy(np.int64),
                (uniform(0, "drift", name, "wrong"), uniform(0, "drift", name, "turned")),
            )
        )
        now = pd.DataFrame({"n": 1, "right": right.astype(int)})
        before = before.add(now, fill_value=0).astype(int)
    return rounds


def _alarm(judge: str, named: Sequence[Evaluation], answers: Sequence[pd.DataFrame], found: Alarm) -> JudgeAlarm:
    # A change cannot be dated before there was anything to differ from.
    since = max(found.since, 1)
    before, after = pd.concat(answers[:since]), pd.concat(answers[since : found.at + 1])
    return JudgeAlarm(
        judge=judge,
        run=named[found.at].name,
        since=named[since].name,
        before=float(_is_right(before).mean()),
        after=float(_is_right(after).mean()),
        n_before=len(before),
        n_after=len(after),
        wealth=found.wealth,
        systems=_systems(before, after),
    )


def _systems(before: pd.DataFrame, after: pd.DataFrame) -> tuple[str, str] | None:
    """Return what the provider called the judge before and after; None where that is the same."""
    names = tuple(
        ", ".join(sorted({f"{m} {f}".strip() for m, f in zip(*_named(one), strict=True)})) for one in (before, after)
    )
    return (names[0], names[1]) if names[0] != names[1] else None


def _named(answers: pd.DataFrame) -> tuple[list[str], list[str]]:
    filled = answers[["model", "fingerprint"]].fillna("").astype(str)
    return list(filled["model"]), list(filled["fingerprint"])


def _right_by_judge(answers: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    read = answers[answers["guess"].notna()]
    return [(str(judge), _is_right(rows)) for judge, rows in read.groupby("judge", sort=True)]


def _is_right(answers: pd.DataFrame) -> pd.Series:
    """Return whether each answer was right: a P(yes) of 0.5 and more is a yes."""
    return (answers["guess"].astype(float) >= YES) == (answers["truth"] > YES)
