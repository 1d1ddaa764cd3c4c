"""A mean over features with its bootstrap interval: the one place where an interval is computed."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autointerp.core.draws import generator

Floats = NDArray[np.float64]

RESAMPLES = 2000
FEW_FEATURES = 10
"""Below this many features a percentile bootstrap interval is itself a rough guess, and too narrow
(Efron and Tibshirani 1993, section 13.3)."""

LARGE = 5_000
"""Above this many features intervals are those of the normal law: they are the bootstrap's to a tenth of their
width (tested), as two bootstraps are, and a bootstrap over a million features takes minutes."""

Z = 1.959964
"""Of 95%, both sides."""

CELLS_AT_ONCE = 4_000_000
"""Drawn indices held in memory at once (32 MB); larger bootstraps go in pieces."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over *n* features; ``low`` and ``high`` bound 95% and are None when n < 2."""

    value: float | None
    low: float | None
    high: float | None
    sd: float | None
    n: int

    def __post_init__(self) -> None:
        if (self.value is None) != (self.n == 0) or (self.low is None) != (self.high is None):
            msg = f"an estimate of {self.n} features cannot be {self.value} [{self.low}, {self.high}]"
            raise ValueError(msg)

    @property
    def half_width(self) -> float | None:
        """Half the length of the interval, in units of the score."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    @property
    def is_above_zero(self) -> bool:
        """Whether the whole interval lies above 0; False without an interval."""
        return self.low is not None and self.low > 0

    @property
    def is_below_zero(self) -> bool:
        """Whether the whole interval lies below 0; False without an interval."""
        return self.high is not None and self.high < 0


NOTHING = Estimate(None, None, None, None, 0)


def estimate_mean(
    values: Floats, *, seed: int, about: tuple[object, ...], weights: Floats | None = None, resamples: int = RESAMPLES
) -> Estimate:
    """Return the (weighted) mean over features with a 95% percentile bootstrap interval.

    The sampling unit is the feature: whole features are drawn with replacement (Efron and Tibshirani
    1993, §13.3). With few features such an interval is too narrow; pages say so below 10. Above ``LARGE``
    features the interval is mean ± 1.96 standard errors (of a ratio of sums, where there are weights).

    Args:
        values: One finite number a feature, shape [n].
        seed: Seed of the run.
        about: What is estimated; together with the seed it decides the draws.
        weights: >= 0, shape [n]; features of weight 0 are left out. Equal weights when None.
        resamples: Bootstrap draws.
    """
    shares = np.ones_like(values) if weights is None else weights
    values, shares = values[shares > 0], shares[shares > 0]
    n = len(values)
    if n == 0:
        return NOTHING
    mean = float(np.average(values, weights=shares))
    if n == 1:
        return Estimate(mean, None, None, None, 1)
    if shares.sum() ** 2 / (shares**2).sum() > LARGE:  # effectively (Kish 1965): some weights may outweigh all others
        margin = Z * float(np.sqrt(((shares * (values - mean)) ** 2).sum()) / shares.sum())
        return Estimate(mean, mean - margin, mean + margin, float(values.std(ddof=1)), n)
    low, high = np.quantile(_resampled_means(values, shares, seed, about, resamples), [0.025, 0.975])
    return Estimate(mean, float(low), float(high), float(values.std(ddof=1)), n)


def _resampled_means(values: Floats, weights: Floats, seed: int, about: tuple[object, ...], resamples: int) -> Floats:
    """Return the mean of each bootstrap draw, shape [resamples]."""
    draws = generator(seed, "bootstrap", *about)
    n = len(values)
    size = max(1, CELLS_AT_ONCE // n)
    pieces = [draws.integers(n, size=(min(size, resamples - done), n)) for done in range(0, resamples, size)]
    return np.concatenate([(values[p] * weights[p]).sum(1) / weights[p].sum(1) for p in pieces])


def redrawn_means(values: Floats, draws: np.random.Generator, *, resamples: int = RESAMPLES) -> Floats:
    """Return the mean of each bootstrap sample of the values, shape [resamples]; of many values the normal law's."""
    n = len(values)
    if n > LARGE:
        means: Floats = values.mean() + values.std() / np.sqrt(n) * draws.standard_normal(resamples)
        return means
    size = max(1, CELLS_AT_ONCE // n)
    sizes = [min(size, resamples - done) for done in range(0, resamples, size)]
    return np.concatenate([values[draws.integers(n, size=(k, n))].mean(axis=1) for k in sizes])


def n_for_half_width(sd: float | None, *, half_width: float = 0.05) -> int | None:
    """Return how many features bring a 95% interval of the mean to this half-width, or None without an SD.

    Normal approximation: n = (1.96 * sd / half_width)^2, at least 2.

    >>> n_for_half_width(0.3)
    139
    """
    return None if sd is None else max(2, math.ceil((Z * sd / half_width) ** 2))
