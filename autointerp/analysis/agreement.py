"""Whether two scorers put the same features on top: Spearman over features, never an average of the two."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd

from autointerp.analysis.estimates import CELLS_AT_ONCE, LARGE, RESAMPLES, Floats, Z
from autointerp.analysis.names import Ints, groups
from autointerp.analysis.values import headline_values, measure_name
from autointerp.core.draws import generator

MIN_FEATURES = 4
"""With three features any order has a probability of 1/6: no interval is worth printing."""

MOST_TIED = 0.9
"""Share of equal values above which ranks say too little for a formula."""

SIDE = ["scorer", "variant", "metric"]


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


@dataclass(frozen=True)
class _Side:
    """The values of one measure by feature, features ascending; ``order`` sorts the values."""

    name: str
    features: Ints
    values: Floats
    order: Ints

    @cached_property
    def ties(self) -> Ints:
        """Where each run of equal values begins in their order, and where the last one ends."""
        ordered = self.values[self.order]
        begins = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
        return np.concatenate([[0], begins, [len(ordered)]])

    @cached_property
    def ranks(self) -> Floats:
        """Mid-ranks; by the order, which is made once for all pairs of a side: sorting is nearly all of the work."""
        ranks = np.empty(len(self.values))
        ranks[self.order] = np.repeat((self.ties[:-1] + self.ties[1:] + 1) / 2, np.diff(self.ties))
        return ranks

    @property
    def commonest(self) -> float:
        """Share of the commonest value."""
        return float(np.diff(self.ties).max() / len(self.values))

    def over(self, features: Ints) -> "_Side":
        """Return what it has of these features, all of which it must have."""
        if len(features) == len(self.features):
            return self
        at = np.searchsorted(self.features, features)
        place = np.full(len(self.features), -1)
        place[at] = np.arange(len(at))
        order = place[self.order]
        return _Side(self.name, features, self.values[at], order[order >= 0])


def _rank_correlation(x: Floats, y: Floats) -> float | None:
    return None if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0 else float(np.corrcoef(x, y)[0, 1])


def agreements(values: pd.DataFrame, *, seed: int = 0) -> tuple[Agreement, ...]:
    """Return every pair of headline measures, per dictionary, explainer and judge; controls left out.

    *values*: of ``feature_values``.
    """
    sides: dict[tuple[str, str, str], list[_Side]] = {}
    for (dictionary, explainer, judge, *side), rows in groups(
        headline_values(values), ["dictionary", "explainer", "judge", *SIDE]
    ):
        sides.setdefault((dictionary, explainer, judge), []).append(_side(measure_name(*side), rows))
    return tuple(
        _agree(*key, first, second, seed)
        for key, mine in sides.items()
        for first, second in combinations(sorted(mine, key=_name), 2)
    )


def _side(name: str, rows: pd.DataFrame) -> _Side:
    features, values = rows["feature"].to_numpy(np.int64), rows["value"].to_numpy(np.float64)
    by_feature = np.argsort(features, kind="stable")
    values = values[by_feature]
    return _Side(name, features[by_feature], values, np.argsort(values))


def _name(side: _Side) -> str:
    return side.name


def _agree(dictionary: str, explainer: str, judge: str, one: _Side, other: _Side, seed: int) -> Agreement:
    is_same = np.array_equal(one.features, other.features)
    both = one.features if is_same else np.intersect1d(one.features, other.features, assume_unique=True)
    x, y, n = one.over(both), other.over(both), len(both)
    rho = _rank_correlation(x.ranks, y.ranks)
    if rho is None or n < MIN_FEATURES:
        note = "one side is constant" if n >= MIN_FEATURES else f"{n} features, at least {MIN_FEATURES} needed"
        return Agreement(dictionary, explainer, judge, one.name, other.name, None, None, None, n, note)
    low, high = _interval(x, y, rho, seed, (dictionary, explainer, judge, one.name, other.name))
    return Agreement(dictionary, explainer, judge, one.name, other.name, rho, low, high, n)


def _interval(x: _Side, y: _Side, rho: float, seed: int, about: tuple[object, ...]) -> tuple[float, float]:
    """Return the 95% bootstrap interval over features; draws in which a side is constant are left out.

    Above ``LARGE`` features that of Fisher's transformation with the variance of Bonett and Wright 2000 (Psychometrika
    65:23): (1 + rho^2 / 2) / (n - 3), but where nearly all of a side are tied, of which that knows nothing.
    """
    n = len(x.values)
    if n > LARGE and max(x.commonest, y.commonest) <= MOST_TIED:
        rho = np.clip(rho, -1 + 1e-12, 1 - 1e-12)
        margin = Z * np.sqrt((1 + rho**2 / 2) / (n - 3))
        return float(np.tanh(np.arctanh(rho) - margin)), float(np.tanh(np.arctanh(rho) + margin))
    from scipy.stats import rankdata  # a second to load, which who only reads need not wait

    draws, size = generator(seed, "spearman", *about), max(1, CELLS_AT_ONCE // n)
    found = []
    for done in range(0, RESAMPLES, size):
        picks = draws.integers(n, size=(min(size, RESAMPLES - done), n))
        found.append(_row_correlations(rankdata(x.values[picks], axis=1), rankdata(y.values[picks], axis=1)))
    low, high = np.nanquantile(np.concatenate(found), [0.025, 0.975])
    return float(low), float(high)


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
