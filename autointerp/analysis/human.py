"""People against judges, against the truth and against each other, on the same windows of the same labels."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

import numpy as np
import pandas as pd

from autointerp.analysis.estimates import FEW_FEATURES
from autointerp.analysis.votes import by_feature, cohen_kappa, limits, over_features, raw_agreement, share_of_yes
from autointerp.metrics.intervals import Interval, wilson_interval
from autointerp.trust.panel import YES, panel_of

WINDOW_SCORERS = ("detection", "fuzzing")
"""Scorers that judge whole windows under the names a rater's windows have. Fuzzing showed its judge marks,
which no rater sees; its windows with misplaced marks are not among a rater's."""

QUESTION = ["dictionary", "feature", "explanation", "control", "item"]
"""What two must have answered to have answered the same."""


class Tables(Protocol):
    """Frames by table name; a mapping, or the tables of a report."""

    def __getitem__(self, table: str, /) -> pd.DataFrame: ...


@dataclass(frozen=True, slots=True)
class Pairing:
    """A rater and another one on the same windows: share of equal answers, Cohen's kappa, their share of yes.

    ``kind``: ``truth`` (does the feature fire?), ``judge`` or ``rater``; ``other`` names the judge or rater.
    ``control``: ``none`` for labels of the run, ``shuffled`` for another feature's. Windows count as they were
    sampled, unweighted. ``kappa`` is None when both gave one answer throughout; intervals are of 95%, over
    features, and None where ``note`` says why. That of ``raw`` is Wilson's on the number of features where
    there are fewer than 3 or all agree alike: wide, as it must be.
    """

    rater: str
    kind: str
    other: str
    scorer: str
    control: str
    raw: float
    raw_low: float | None
    raw_high: float | None
    kappa: float | None
    kappa_low: float | None
    kappa_high: float | None
    prevalence: float
    n_items: int
    n_features: int
    note: str


@dataclass(frozen=True, slots=True)
class Rater:
    """One person's answers; of a window answered twice the last counts.

    ``false_yes``: share of yes to another feature's label, None without such an answer; a rater who says yes to
    everything has 1. ``n_judged``: yes and no on windows that a judge answered with the same label.
    """

    rater: str
    n_answers: int
    n_unsure: int
    n_judged: int
    false_yes: float | None
    false_yes_low: float | None
    false_yes_high: float | None
    n_control: int
    n_control_features: int


@dataclass(frozen=True, slots=True)
class HumanAgreement:
    """All raters of a run, and each with everybody who answered the same."""

    raters: tuple[Rater, ...]
    pairings: tuple[Pairing, ...]


def agreement_of_run(tables: Tables, *, seed: int = 0) -> HumanAgreement:
    """Return how far people agree with the truth, with judges and with each other.

    Args:
        tables: At least ``ratings``, ``evidence`` and ``predictions``.
        seed: Decides the draws of the intervals.
    """
    standing = standing_answers(tables["ratings"])
    decided = standing[standing["answer"] != "unsure"].assign(yes=lambda rows: rows["answer"] == "yes")
    votes = _judge_votes(tables["predictions"])
    pairings = (*_with_truth(decided, tables["evidence"], seed), *_with_judges(decided, votes, seed))
    raters = tuple(_rater(str(name), rows, votes, seed) for name, rows in standing.groupby("rater"))
    return HumanAgreement(raters, (*pairings, *_with_raters(decided, seed)))


def standing_answers(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return the ratings without those given anew later by the same rater."""
    ordered = ratings.sort_values("time", kind="stable")
    return ordered.drop_duplicates(["rater", *QUESTION], keep="last")


# ---- against whom


def _with_truth(decided: pd.DataFrame, evidence: pd.DataFrame, seed: int) -> Iterator[Pairing]:
    """Yield each rater beside what fires; another feature's label has no truth of that kind."""
    windows = evidence[(evidence["side"] == "held_out") & (evidence["stratum"] != "neighbour")]
    fires = windows[["dictionary", "feature"]].assign(
        item=windows["doc"].astype(str) + ":" + windows["start"].astype(str),
        other_yes=[bool(np.max(activations) > 0) for activations in windows["activations"]],
    )
    own = decided[decided["control"] == "none"]
    both = own.merge(fires.drop_duplicates(["dictionary", "feature", "item"]), on=["dictionary", "feature", "item"])
    for rater, rows in both.groupby("rater"):
        yield _pairing(rows, (str(rater), "truth", "", "", "none"), seed)


def _with_judges(decided: pd.DataFrame, votes: pd.DataFrame, seed: int) -> Iterator[Pairing]:
    both = decided.merge(votes, on=QUESTION)
    for (rater, scorer, judge, control), rows in both.groupby(["rater", "scorer", "judge", "control"]):
        yield _pairing(rows, (str(rater), "judge", str(judge), str(scorer), str(control)), seed)


def _with_raters(decided: pd.DataFrame, seed: int) -> Iterator[Pairing]:
    for one, other in combinations(sorted(decided["rater"].unique()), 2):
        theirs = decided.loc[decided["rater"] == other, [*QUESTION, "yes"]].rename(columns={"yes": "other_yes"})
        both = decided[decided["rater"] == one].merge(theirs, on=QUESTION)
        for control, rows in both.groupby("control"):
            yield _pairing(rows, (str(one), "rater", str(other), "", str(control)), seed)


def _judge_votes(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return a row an answer that was read, columns ``QUESTION``, scorer, judge, other_yes."""
    read = predictions[predictions["scorer"].isin(WINDOW_SCORERS) & predictions["guess"].notna()]
    voted = read[[*QUESTION, "scorer", "judge"]].assign(other_yes=read["guess"].astype(float) >= YES)
    return voted.drop_duplicates([*QUESTION, "scorer", "judge"])


# ---- the numbers


def _pairing(rows: pd.DataFrame, about: tuple[str, str, str, str, str], seed: int) -> Pairing:
    """Return the agreement of columns ``yes`` and ``other_yes``, at least one row."""
    rater, kind, other, scorer, control = about
    one, two = rows["yes"].to_numpy(bool), rows["other_yes"].to_numpy(bool)
    pair = panel_of(one, {"one": one, "two": two}).pairs[0]
    tables = by_feature(rows, 2 * one + two, 4)
    raw = over_features(tables, raw_agreement, seed, ("raw", *about)) or wilson_interval(pair.raw, len(tables))
    kappa = None if pair.kappa is None else over_features(tables, cohen_kappa, seed, ("kappa", *about))
    return Pairing(
        rater, kind, other, scorer, control, pair.raw, *limits(raw), pair.kappa, *limits(kappa),
        pair.prevalence, pair.n_items, len(tables), _note(pair.kappa, kappa, len(tables)),
    )  # fmt: skip


def _rater(name: str, rows: pd.DataFrame, votes: pd.DataFrame, seed: int) -> Rater:
    decided = rows[rows["answer"] != "unsure"]
    foreign = decided[decided["control"] == "shuffled"]
    yes = (foreign["answer"] == "yes").to_numpy(bool)
    tables = by_feature(foreign, yes.astype(int), 2)
    share = float(yes.mean()) if len(yes) else None
    found = None if share is None else over_features(tables, share_of_yes, seed, ("false yes", name))
    found = found or (None if share is None else wilson_interval(share, len(tables)))
    judged = decided.merge(votes[QUESTION].drop_duplicates(), on=QUESTION)
    n_unsure = len(rows) - len(decided)
    return Rater(name, len(rows), n_unsure, len(judged), share, *limits(found), len(yes), len(tables))


def _note(kappa: float | None, interval: Interval | None, n_features: int) -> str:
    if kappa is None:
        return "both gave one answer throughout: no kappa"
    if interval is None:
        return "no interval of kappa from fewer than 3 features" if n_features < 3 else "kappa does not vary"
    return f"{n_features} features: the intervals are too narrow" if n_features < FEW_FEATURES else ""
