"""Whether two scorers put the same features on top: Spearman over features, never an average of the two."""

from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np
import pandas as pd

from autointerp.analysis.estimates import CELLS_AT_ONCE, LARGE, RESAMPLES, Floats, Z
from autointerp.analysis.values import headline_values, measure_name
from autointerp.core.draws import generator

MIN_FEATURES = 4
"""With three features any order has a probability of 1/6: no interval is worth printing."""

MOST_TIED = 0.9
"""Share of equal values above which ranks say too little for a formula."""

SIDE = ["scorer", "variant", "metric"]
Side: TypeAlias = "tuple[str, pd.Series[float]]"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Rank correlation of two measures over the *n* features both have scored; ``note`` says why it is None."""

    dictionary: str
    explainer: str
    judge: str
    first: str
    second: str
    rho: float | None
    low: float | None
    high: float | None
    n: int
    note: str = ""


def spearman(x: Floats, y: Floats) -> float | None:
    """Return Spearman's rho with mid-ranks for ties, or None for fewer than 2 pairs or a constant side."""
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    from scipy.stats import rankdata  # a second to load, which who only reads need not wait

    return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])


def agreements(values: pd.DataFrame, *, seed: int = 0) -> tuple[Agreement, ...]:
    """Return every pair of headline measures, per dictionary, explainer and judge; controls left out.

    *values*: of ``feature_values``.
    """
    values = headline_values(values)
    return tuple(
        _agree(str(d), str(e), str(j), first, second, seed)
        for (d, e, j), group in (values.groupby(["dictionary", "explainer", "judge"]) if len(values) else [])
        for first, second in combinations(_by_measure(group), 2)
    )


def _by_measure(group: pd.DataFrame) -> list[Side]:
    """Return each measure's name and its values by feature, in the order of names."""
    sides = [(measure_name(*map(str, key)), rows.set_index("feature")["value"]) for key, rows in group.groupby(SIDE)]
    return sorted(sides, key=lambda side: side[0])


def _agree(dictionary: str, explainer: str, judge: str, one: Side, other: Side, seed: int) -> Agreement:
    (first, x_of), (second, y_of) = one, other
    x, y = pd.concat([x_of, y_of], axis=1, join="inner").to_numpy(np.float64).T
    rho, n = spearman(x, y), len(x)
    if rho is None or n < MIN_FEATURES:
        note = "one side is constant" if n >= MIN_FEATURES else f"{n} features, at least {MIN_FEATURES} needed"
        return Agreement(dictionary, explainer, judge, first, second, None, None, None, n, note)
    low, high = _interval(x, y, rho, seed, (dictionary, explainer, judge, first, second))
    return Agreement(dictionary, explainer, judge, first, second, rho, low, high, n)


def _interval(x: Floats, y: Floats, rho: float, seed: int, about: tuple[object, ...]) -> tuple[float, float]:
    """Return the 95% bootstrap interval over features; draws in which a side is constant are left out.

    Above ``LARGE`` features that of Fisher's transformation with the variance of Bonett and Wright 2000 (Psychometrika
    65:23): (1 + rho^2 / 2) / (n - 3), but where nearly all of a side are tied, of which that knows nothing.
    """
    if len(x) > LARGE and max(map(_commonest, (x, y))) <= MOST_TIED:
        rho = np.clip(rho, -1 + 1e-12, 1 - 1e-12)
        margin = Z * np.sqrt((1 + rho**2 / 2) / (len(x) - 3))
        return float(np.tanh(np.arctanh(rho) - margin)), float(np.tanh(np.arctanh(rho) + margin))
    from scipy.stats import rankdata

    draws, size = generator(seed, "spearman", *about), max(1, CELLS_AT_ONCE // len(x))
    found = []
    for done in range(0, RESAMPLES, size):
        picks = draws.integers(len(x), size=(min(size, RESAMPLES - done), len(x)))
        found.append(_row_correlations(rankdata(x[picks], axis=1), rankdata(y[picks], axis=1)))
    low, high = np.nanquantile(np.concatenate(found), [0.025, 0.975])
    return float(low), float(high)


def _commonest(values: Floats) -> float:
    """Return the share of the commonest value."""
    return float(np.unique(values, return_counts=True)[1].max() / len(values))


def _row_correlations(x: Floats, y: Floats) -> Floats:
    """Return Pearson's r of each row, shape [n_draws]; NaN where a side is constant."""
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    r: Floats = np.divide((x * y).sum(axis=1), scale, out=np.full(len(x), np.nan), where=scale > 0)
    return r


def agreement(values: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Return ``agreements`` as a frame, one row a pair."""
    rows = [{name: getattr(a, name) for name in Agreement.__slots__} for a in agreements(values, seed=seed)]
    return pd.DataFrame(rows, columns=list(Agreement.__slots__))
