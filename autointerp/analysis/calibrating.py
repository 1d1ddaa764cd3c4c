"""Mean recall and false fire of a dictionary's labels, set right for the errors its judge made on the zoo."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autointerp.analysis.certificates import Certificate
from autointerp.analysis.names import has_names
from autointerp.analysis.summary import Line
from autointerp.analysis.values import MEASURE
from autointerp.trust.calibration import Anchors, Calibrated, calibrate_mean

RATES = ("recall", "false_fire")
"""Shares of yes on windows where the feature fires, and where it is silent: proportions, as AUROC and F1 are not."""


@dataclass(frozen=True, slots=True)
class SetRight:
    """One line of ``RATES``: the mean share of yes as answered (``line.mean``) and set right by the judge's anchors."""

    line: Line
    right: Calibrated
    anchors: Anchors


def set_right(
    lines: Sequence[Line], values: pd.DataFrame, certificates: Sequence[Certificate], *, seed: int = 0
) -> tuple[SetRight, ...]:
    """Return the lines of shares whose judge has error rates with their numbers on record for the very scorer.

    Args:
        lines: The summary; other metrics are left out.
        values: ``analysis.values.feature_values`` of the same scores.
        certificates: What the zoo says of judges.
        seed: Decides the draws of the intervals.
    """
    shares = [line for line in lines if line.metric in RATES and line.mean.n]
    known = {(c.judge, c.scorer): c.anchors for c in certificates if c.anchors is not None}
    return tuple(
        SetRight(line, calibrate_mean(_shares(line, values), anchors, seed=seed, key=_name(line)), anchors)
        for line in sorted(shares, key=_place)
        if (anchors := known.get((line.judge, line.scorer))) is not None
    )


def _shares(line: Line, values: pd.DataFrame) -> np.ndarray:
    """Return the share of each scored feature."""
    names = dict(zip(("dictionary", *MEASURE, "control"), (*_name(line), "none"), strict=True))
    return values.loc[has_names(values, names), "value"].dropna().to_numpy(np.float64)


def _place(line: Line) -> tuple[object, ...]:
    """Return narrow dictionaries first, recall before false fire."""
    names = line.dictionary, line.explainer, line.scorer, line.variant, line.judge
    return line.width or 0, *names, RATES.index(line.metric)


def _name(line: Line) -> tuple[str, ...]:
    return line.dictionary, line.explainer, line.scorer, line.variant, line.metric, line.judge
