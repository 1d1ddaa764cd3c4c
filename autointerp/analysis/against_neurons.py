"""How strongly features follow single earlier neurons: shares and quantiles a dictionary, beside shifted tokens."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autointerp.metrics.intervals import wilson_interval

WEAK = 0.3
"""Scaling Monosemanticity, §features vs neurons: 82% of its features have no neuron above this."""
PUBLISHED_SHARE = 0.82

QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class Weak:
    """The share of *n* features whose highest |r| is at most ``WEAK``, with Wilson's 95% interval; None without any.

    ``quantiles``: of the highest |r|, at ``QUANTILES``; empty without any feature.
    """

    share: float | None
    low: float | None
    high: float | None
    n: int
    quantiles: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class AgainstNeurons:
    """One dictionary against the neurons before it.

    ``own``: of its features; ``shifted``: of the same features with their tokens moved, which is what the highest of
    so many correlations reaches by chance. Both are over the features with status ``measured``; the others are
    counted in ``left_out``, by status.
    """

    dictionary: str
    n_features: int
    n_tokens: int
    n_neurons: int
    own: Weak
    shifted: Weak
    left_out: tuple[tuple[str, int], ...]


def against_neurons(rows: pd.DataFrame) -> tuple[AgainstNeurons, ...]:
    """Return what the table ``neurons`` says of each dictionary, narrow ones first."""
    found = [_of_dictionary(str(name), mine) for name, mine in rows.groupby("dictionary")]
    return tuple(sorted(found, key=lambda one: (one.n_features, one.dictionary)))


def _of_dictionary(name: str, rows: pd.DataFrame) -> AgainstNeurons:
    measured = rows[rows["status"] == "measured"]
    others = rows.loc[rows["status"] != "measured", "status"].value_counts()
    return AgainstNeurons(
        dictionary=name,
        n_features=len(rows),
        n_tokens=int(rows["n_tokens"].iloc[0]),
        n_neurons=int(rows["n_neurons"].iloc[0]),
        own=_weak(measured["correlation"]),
        shifted=_weak(measured["shifted"]),
        left_out=tuple(_counted(others)),
    )


def _counted(others: "pd.Series[int]") -> Iterator[tuple[str, int]]:
    yield from sorted((str(status), int(n)) for status, n in others.items())


def _weak(correlations: "pd.Series[float]") -> Weak:
    strengths = correlations.dropna().abs().to_numpy(np.float64)
    n = len(strengths)
    if n == 0:
        return Weak(None, None, None, 0, ())
    share = float((strengths <= WEAK).mean())
    low, high = wilson_interval(share, n) or (None, None)
    return Weak(share, low, high, n, tuple(float(q) for q in np.quantile(strengths, QUANTILES)))
