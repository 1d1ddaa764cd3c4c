"""Rank correlation: Spearman with ties and importance weights, plain and over resamples of clusters."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from autointerp.core.types import FloatArray
from autointerp.metrics.correlation import CONSTANT, is_constant


def spearman(truth: ArrayLike, guess: ArrayLike, weight: ArrayLike | None = None) -> float | None:
    """Return Spearman's rho in [-1, 1]; None when either side is constant or nothing has weight.

    Pearson's r of weighted mid-ranks: a value's rank is the weight below it and half the weight at it.
    Without weights this is Spearman 1904 with mean ranks for ties.
    """
    t, g = np.asarray(truth, dtype=np.float64), np.asarray(guess, dtype=np.float64)
    weights = np.ones(t.shape) if weight is None else np.asarray(weight, dtype=np.float64)
    has_weight = weights > 0
    if is_constant(t[has_weight]) or is_constant(g[has_weight]):
        return None
    found = _correlate(_mid_ranks(t, weights[None]), _mid_ranks(g, weights[None]), weights[None])[0]
    return None if np.isnan(found) else float(found)


def spearman_of_resamples(
    truth: Sequence[ArrayLike], guess: Sequence[ArrayLike], weight: Sequence[float], counts: FloatArray
) -> FloatArray:
    """Return rho for every resample of clusters, shape [B]; NaN where it is undefined.

    Args:
        truth: K clusters of true values.
        guess: K clusters of guesses, of the same lengths.
        weight: Of each cluster, K numbers >= 0.
        counts: How often each cluster stands in each resample, shape [B, K].
    """
    lengths = [np.size(cluster) for cluster in truth]
    weights = np.repeat(counts * np.asarray(weight, dtype=np.float64), lengths, axis=1)
    return _correlate(_mid_ranks(np.concatenate(truth), weights), _mid_ranks(np.concatenate(guess), weights), weights)


def _mid_ranks(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the mid-ranks of the values [T] under each row of weights [B, T], shape [B, T]."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(values[order]) > 0])
    mass = np.add.reduceat(weights[:, order], starts, axis=1)
    ranks: FloatArray = np.cumsum(mass, axis=1) - mass / 2
    group = np.empty(len(values), dtype=np.int64)
    group[order] = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(values)]))
    return ranks[:, group]


def _correlate(x: FloatArray, y: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the weighted Pearson correlation of each row, shape [B]; NaN where a side does not vary."""
    total = weights.sum(axis=1, keepdims=True)
    shares = weights / np.where(total > 0, total, 1.0)
    dx, dy = (side - (shares * side).sum(axis=1, keepdims=True) for side in (x, y))
    vx, vy = (shares * dx * dx).sum(axis=1), (shares * dy * dy).sum(axis=1)
    # Ranks lie between 0 and the total weight: a variance below this share of its square is rounding.
    defined = (vx > CONSTANT * total[:, 0] ** 2) & (vy > CONSTANT * total[:, 0] ** 2)
    product = np.where(defined, vx * vy, 1.0)
    return np.where(defined, np.clip((shares * dx * dy).sum(axis=1) / np.sqrt(product), -1.0, 1.0), np.nan)
