"""What the zoo says of a judge, and which of a run's lines it covers."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

import pandas as pd

from autointerp.analysis.figures import number, ranged
from autointerp.trust.calibration import Anchors

GUESSING, AUROC_BAR, TAU_BAR = 0.50, 0.80, 0.50
"""Lower 95% bounds a certified judge has to reach (PROTOCOLS §4; settings there)."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """One judge and scorer on features whose truth is known; see ``trust``. None = not measured."""

    judge: str
    scorer: str
    metric: str
    n_features: int
    n_labels: int
    n_asked: int
    n_read: int
    tau: float | None
    tau_low: float | None
    tau_high: float | None
    auroc: float | None
    auroc_low: float | None
    auroc_high: float | None
    exact_first: float | None
    exact_above_neighbours: float | None
    sensitivity: float | None
    specificity: float | None
    certified: bool
    reason: str
    flip_rate: float | None = None
    n_flip: float | None = None
    n_fitting: float | None = None
    n_unfitting: float | None = None

    @property
    def flipped(self) -> str:
        """How many verdicts an order in the text turned, ``0.05 of 240``; "" where nobody asked."""
        return "" if self.flip_rate is None else f"{number(self.flip_rate)} of {self.n_flip or 0:.0f}"

    @property
    def anchors(self) -> Anchors | None:
        """The answers behind sensitivity and specificity; None where they or their numbers are not on record."""
        if self.sensitivity is None or self.specificity is None:
            return None
        n_fitting, n_unfitting = int(self.n_fitting or 0), int(self.n_unfitting or 0)
        if min(n_fitting, n_unfitting) < 1:
            return None
        hits, rejections = round(self.sensitivity * n_fitting), round(self.specificity * n_unfitting)
        return Anchors(hits, n_fitting, rejections, n_unfitting)


def read_certificates(frame: pd.DataFrame) -> tuple[Certificate, ...]:
    """Return the rows of the certificates table in the order judge, scorer, metric."""
    rows = [_certificate(row) for row in frame.to_dict("records")]
    return tuple(sorted(rows, key=lambda c: (c.judge, c.scorer, c.metric)))


def _certificate(row: Mapping[Hashable, Any]) -> Certificate:
    cells = {field.name: row.get(field.name) for field in fields(Certificate)}
    values: dict[str, Any] = {name: None if pd.isna(cell) else cell for name, cell in cells.items()}
    return Certificate(**values)


class Judged(Protocol):
    """What a judge has said by one scorer, variant and metric: a line of a table, or one score."""

    @property
    def scorer(self) -> str: ...
    @property
    def variant(self) -> str: ...
    @property
    def metric(self) -> str: ...
    @property
    def judge(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ScoreName:
    """What one score of a table is looked up by."""

    scorer: str
    variant: str
    metric: str
    judge: str

    @classmethod
    def of(cls, row: Mapping[Hashable, Any]) -> "ScoreName":
        """Return the name of a row of the table ``scores``."""
        return cls(str(row["scorer"]), str(row["variant"]), str(row["metric"]), str(row["judge"]))


def certificate_of(judged: Judged, certificates: Sequence[Certificate]) -> Certificate | None:
    """Return the certificate of this very judge, scorer, variant and metric, or None: it was never examined on it.

    Another variant's certificate does not count: a judge can pass where the windows are the strongest
    ones and fail on random ones.
    """
    metric = f"{judged.metric} ({judged.variant})" if judged.variant else judged.metric
    name = (judged.judge, judged.scorer, metric)
    return next((c for c in certificates if (c.judge, c.scorer, c.metric) == name), None)


def standing(judged: Judged, certificates: Sequence[Certificate]) -> str:
    """Return ``certified``, or ``uncertified`` with the reason in brackets."""
    found = certificate_of(judged, certificates)
    if found is None:
        return "uncertified (never examined)"
    return "certified" if found.certified else "uncertified (failed)"


def certificate_sentence(c: Certificate) -> str:
    """Return what the certificate means for the scores below it."""
    figures = f"AUROC {ranged(c.auroc, c.auroc_low, c.auroc_high)}, tau {ranged(c.tau, c.tau_low, c.tau_high)}"
    above = "" if c.exact_above_neighbours is None else f", {_above(c.exact_above_neighbours)}"
    counts = f"{c.n_labels} labels of {c.n_features} features, {c.n_read}/{c.n_asked} replies read"
    return f"{_finding(c)} ({figures}{above}; {counts})"


def _above(share: float) -> str:
    return f"the exact label above a broader and a narrower one in {share:.0%} of features"


def _finding(c: Certificate) -> str:
    who = f"With the scorer {c.scorer}, the judge {c.judge}"
    where = "on features whose truth is known"
    if c.auroc is None:
        return f"{who} could not be examined {where}: {c.reason or 'no reply could be used'}"
    if c.certified:
        return f"{who} tells right labels from wrong ones {where}"
    if c.auroc_low is None or c.auroc_high is None:
        return f"{who} was examined {where} on too few labels for an interval"
    if c.auroc_low <= GUESSING:
        can, but = _not_shown(c.auroc_high)
        return f"{who} {can} right labels from wrong ones{but}"
    bar = f"a lower bound of {number(AUROC_BAR)} for AUROC and {number(TAU_BAR)} for tau"
    found = f"{who} tells right labels from wrong ones {where} better than chance"
    return f"{found}, but was not shown to reach the bar: {bar}"


def _not_shown(high: float) -> tuple[str, str]:
    """Return verb and ending: the judge fails, or only too little was asked to see whether it does."""
    if high < AUROC_BAR:
        return "cannot tell", " well enough to be used, measured on features whose truth is known"
    return "was not shown to tell", " on features whose truth is known; too little was asked to decide"
