"""How well guessed activations follow true ones: Pearson, R2 and deviation scores, quantising and calibration."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autointerp.core.types import FloatArray

# A spread below this share of the largest value is rounding noise: correlating it would give a
# constant judge a random number where it deserves `undefined`.
CONSTANT = 1e-9


def is_constant(values: ArrayLike) -> bool:
    """Return whether the values, shape [T], do not vary beyond rounding; an empty array is constant."""
    array = np.asarray(values, dtype=np.float64)
    return array.size == 0 or bool(np.ptp(array) <= CONSTANT * np.abs(array).max())


def pearson(truth: ArrayLike, guess: ArrayLike) -> float | None:
    """Return Pearson's r in [-1, 1], pooled over all tokens [T]; None when either side is constant.

    The ``ev_correlation_score`` of Bills et al. 2023 (there NaN where it is None here).

    Raises:
        ValueError: The two have different lengths.
    """
    x, y = _centred(truth), _centred(guess)
    if x.shape != y.shape:
        msg = f"{x.size} true values but {y.size} guesses"
        raise ValueError(msg)
    if is_constant(truth) or is_constant(guess):
        return None
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def quantise_activations(activations: ArrayLike, *, peak: float, scale: int = 10) -> NDArray[np.int64]:
    """Return floor(scale * activation / peak) clipped to 0..scale, shape [T]; zeros when peak <= 0.

    Bills et al. 2023, ``normalize_activations``, where scale = 10; 9 for one-digit tokens.
    """
    array = np.asarray(activations, dtype=np.float64)
    if peak <= 0:
        return np.zeros(array.shape, dtype=np.int64)
    return np.clip(np.floor(scale * array / peak), 0, scale).astype(np.int64)


def expected_value(probabilities: ArrayLike) -> float | None:
    """Return sum k * P(k) / sum P(k) over the digits k = 0..scale, shape [scale + 1]; None when all are 0.

    Bills et al. 2023, section "simulate": the rest of the vocabulary is left out before normalising.
    """
    array = np.asarray(probabilities, dtype=np.float64)
    total = array.sum()
    return float(np.arange(array.size) @ array / total) if total > 0 else None


def uncentred_r2(truth: ArrayLike, guess: ArrayLike) -> float | None:
    """Return 1 - sum (t - g)^2 / sum t^2, at most 1; None when the truth is all zero.

    ``rsquared_score_from_sequences`` of automated-interpretability 0.0.24: the mean is not taken off.
    """
    t, g = np.asarray(truth, dtype=np.float64), np.asarray(guess, dtype=np.float64)
    total = float(t @ t)
    return 1.0 - float((t - g) @ (t - g)) / total if total > 0 else None


def absolute_deviation_score(truth: ArrayLike, guess: ArrayLike) -> float | None:
    """Return 1 - sum |t - g| / sum |t|, at most 1; None when the truth is all zero.

    ``absolute_dev_explained_score_from_sequences`` of automated-interpretability 0.0.24.
    """
    t, g = np.asarray(truth, dtype=np.float64), np.asarray(guess, dtype=np.float64)
    total = float(np.abs(t).sum())
    return 1.0 - float(np.abs(t - g).sum()) / total if total > 0 else None


def linear_calibration(truth: ArrayLike, guess: ArrayLike) -> tuple[float, float] | None:
    """Return (slope, intercept) of the least-squares line from guess to truth; None for a constant guess.

    Fitted on the data that are scored it turns r into |r|: fit it elsewhere.
    """
    if is_constant(guess):
        return None
    g, t = np.asarray(guess, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    deviation = g - g.mean()
    slope = float(deviation @ (t - t.mean()) / (deviation @ deviation))
    return slope, float(t.mean() - slope * g.mean())


def percentile_calibration(truth: ArrayLike, guess: ArrayLike, query: ArrayLike) -> FloatArray:
    """Return the true value of the same rank for each queried guess, shape [Q], interpolated, ends held.

    ``PercentileNeuronSimulator`` of automated-interpretability 0.0.24.
    """
    values: FloatArray = np.interp(np.asarray(query, dtype=np.float64), np.sort(guess), np.sort(truth))
    return values


def pearson_of_resamples(truth: Sequence[ArrayLike], guess: Sequence[ArrayLike], counts: FloatArray) -> FloatArray:
    """Return Pearson's r for every resample of clusters, shape [B]; NaN where it is undefined.

    Args:
        truth: K clusters of true values.
        guess: K clusters of guesses, of the same lengths.
        counts: How often each cluster stands in each resample, shape [B, K].
    """
    x, y = _centred(np.concatenate(truth)), _centred(np.concatenate(guess))
    columns = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1)
    starts = np.cumsum([0, *(np.size(cluster) for cluster in truth[:-1])])
    n, sx, sy, sxx, syy, sxy = (counts @ np.add.reduceat(columns, starts, axis=0)).T
    vx, vy = sxx - sx * sx / n, syy - sy * sy / n
    defined = (vx > CONSTANT * sxx) & (vy > CONSTANT * syy)
    product = np.where(defined, vx * vy, 1.0)
    return np.where(defined, np.clip((sxy - sx * sy / n) / np.sqrt(product), -1.0, 1.0), np.nan)


def _centred(values: ArrayLike) -> FloatArray:
    """Return deviations from the mean divided by the largest, shape [T], so that tiny values do not underflow."""
    array = np.asarray(values, dtype=np.float64)
    scale = np.abs(array).max(initial=0.0)
    array = array / scale if scale > 0 else array
    return array - array.mean() if array.size else array
