"""95% intervals that stay open where a small sample is perfect, and the keyed bootstrap over clusters."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from autointerp.core.draws import generator
from autointerp.core.types import FloatArray
from autointerp.metrics.classification import Rates

Interval = tuple[float, float]

Z95 = 1.959963984540054
N_RESAMPLES = 1000


def wilson_interval(share: float, n: float) -> Interval | None:
    """Return Wilson's score interval of a proportion in [0, 1] from *n* items; None when n <= 0.

    Wilson 1927; *n* may be an effective number. 8 of 8 gives (0.676, 1).
    """
    if n <= 0:
        return None
    middle = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * np.sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n))
    return _around(share, middle - half, middle + half)


def auroc_interval(auroc: float, *, n_firing: float, n_silent: float) -> Interval | None:
    """Return the interval of an AUROC in [0, 1]; None when either kind has no item.

    The thetas whose Hanley-McNeil standard error reaches *auroc* (Newcombe 2006, Statistics in
    Medicine 25:559, method 5). 1.0 from 8 + 8 items gives about (0.73, 1), where DeLong gives (1, 1).
    """
    if n_firing <= 0 or n_silent <= 0:
        return None
    from scipy.optimize import brentq  # half a second to load, which those who only read scores need not wait

    def distance(theta: float) -> float:
        return (theta - auroc) ** 2 - Z95**2 * _auroc_variance(theta, n_firing, n_silent)

    low = 0.0 if auroc <= 0 else brentq(distance, 0.0, _inside(auroc))
    high = 1.0 if auroc >= 1 else brentq(distance, _inside(auroc), 1.0)
    return _around(auroc, low, high)


def balanced_accuracy_interval(rates: Rates) -> Interval | None:
    """Return the interval of (recall + 1 - false_fire) / 2; None without both kinds.

    The distances to the two Wilson limits, added as squares (Newcombe 1998, method 10, for a
    difference; a mean of two differs by the factor 1/2).
    """
    if rates.recall is None or rates.false_fire is None:
        return None
    hit = wilson_interval(rates.recall, rates.n_firing)
    false = wilson_interval(rates.false_fire, rates.n_silent)
    if hit is None or false is None:
        return None
    value = (rates.recall + 1 - rates.false_fire) / 2
    below = np.hypot(rates.recall - hit[0], false[1] - rates.false_fire) / 2
    above = np.hypot(hit[1] - rates.recall, rates.false_fire - false[0]) / 2
    return _around(value, value - below, value + above)


def rates_interval(
    rates: Rates, statistic: Callable[[float, float], float | None], *, seed: int, key: tuple[object, ...]
) -> Interval | None:
    """Return the interval of a statistic in [0, 1] of (recall, false_fire), such as precision or F1.

    Recall and false_fire are drawn from their Jeffreys posteriors Beta(k + 1/2, n - k + 1/2) (Brown,
    Cai and DasGupta 2001), which are not points when k is 0 or n; then percentiles. None without both.
    """
    if rates.recall is None or rates.false_fire is None:
        return None
    draw = generator(seed, "rates_interval", *key)
    recall = _jeffreys(draw, rates.recall, rates.n_firing)
    false_fire = _jeffreys(draw, rates.false_fire, rates.n_silent)
    values = [statistic(r, f) for r, f in zip(recall.tolist(), false_fire.tolist(), strict=True)]
    found = percentile_interval([np.nan if value is None else value for value in values])
    value = statistic(rates.recall, rates.false_fire)
    return found if found is None or value is None else _around(value, *found)


def bootstrap_interval(
    n_clusters: int, statistic: Callable[[FloatArray], FloatArray], *, seed: int, key: tuple[object, ...]
) -> Interval | None:
    """Return the percentile interval of a statistic when whole clusters are drawn again.

    None with fewer than 3 clusters, or where ``percentile_interval`` has none. With few clusters it is
    too narrow, not too wide (Efron and Tibshirani 1993, section 13.3).

    Args:
        n_clusters: K, the independent units: windows, documents or features, never tokens.
        statistic: From counts [B, K], how often each cluster is in each resample, to values [B], NaN
            where undefined.
        seed: With *key*, decides the draws.
        key: Plain values that name what is resampled.
    """
    if n_clusters < 3:
        return None
    draw = generator(seed, "bootstrap_interval", *key)
    shares = np.full(n_clusters, 1.0 / n_clusters)
    counts = draw.multinomial(n_clusters, shares, size=N_RESAMPLES).astype(np.float64)
    return percentile_interval(statistic(counts))


def percentile_interval(values: ArrayLike) -> Interval | None:
    """Return the 2.5% and 97.5% points of the defined values, shape [B], NaN left out.

    None when fewer than half are defined, or when they do not differ: a width of zero would say that
    the value is certain.
    """
    array = np.asarray(values, dtype=np.float64)
    defined = array[~np.isnan(array)]
    if defined.size == 0 or 2 * defined.size < array.size:
        return None
    low, high = (float(point) for point in np.quantile(defined, [0.025, 0.975]))
    return (low, high) if high - low > 1e-12 else None


def _auroc_variance(theta: float, n_firing: float, n_silent: float) -> float:
    """Return Hanley and McNeil's variance under exponential scores, both sizes replaced by their mean."""
    others = (n_firing + n_silent) / 2 - 1
    spread = 1 + others * (1 - theta) / (2 - theta) + others * theta / (1 + theta)
    return theta * (1 - theta) * spread / (n_firing * n_silent)


def _inside(share: float) -> float:
    """Return the share moved off 0 and 1, where the variance vanishes and hides the change of sign."""
    return min(max(share, 1e-9), 1 - 1e-9)


def _jeffreys(draw: np.random.Generator, share: float, n: float) -> FloatArray:
    """Return draws of a proportion, shape [N_RESAMPLES], given that *share* of *n* items were yes."""
    return draw.beta(share * n + 0.5, (1 - share) * n + 0.5, size=N_RESAMPLES)


def _around(value: float, low: float, high: float) -> Interval:
    """Return the limits as floats in [0, 1], moved where needed so that they hold the value."""
    return float(max(0.0, min(low, value))), float(min(1.0, max(high, value)))
