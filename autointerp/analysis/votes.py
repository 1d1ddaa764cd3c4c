"""Shares of equal answers, kappa and the correlation of errors from counts by feature, and their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from autointerp.core.types import FloatArray
from autointerp.metrics.intervals import Interval, bootstrap_interval


@dataclass(frozen=True, slots=True)
class Ranged:
    """A number with its 95% interval; ``low`` and ``high`` are None where there is none to be had."""

    value: float
    low: float | None
    high: float | None


class Statistic(Protocol):
    """From counts of cells, shape [B, n_cells], to values, shape [B], NaN where undefined."""

    def __call__(self, cells: FloatArray, /) -> FloatArray: ...


def by_feature(rows: pd.DataFrame, cells: np.ndarray, n_cells: int) -> FloatArray:
    """Return counts of each cell by feature, shape [n_features, n_cells]; *cells* has one number a row."""
    feature = rows.groupby(["dictionary", "feature"]).ngroup().to_numpy(np.int64)
    counts = np.zeros((len(set(feature.tolist())), n_cells))
    np.add.at(counts, (feature, cells), 1)
    return counts


def over_features(tables: FloatArray, statistic: Statistic, seed: int, about: Sequence[str]) -> Interval | None:
    """Return the bootstrap interval over features; None with fewer than 3, or where all draws are alike."""
    return bootstrap_interval(len(tables), lambda counts: statistic(counts @ tables), seed=seed, key=tuple(about))


def ranged(value: float | None, interval: Interval | None) -> Ranged | None:
    """Return the number with its interval, None where there is no number."""
    return None if value is None else Ranged(value, *limits(interval))


def share_of_yes(cells: FloatArray) -> FloatArray:
    """Return the share of yes, shape [B], from counts of (no, yes)."""
    found: FloatArray = cells[:, 1] / cells.sum(axis=1)
    return found


def raw_agreement(cells: FloatArray) -> FloatArray:
    """Return the share of equal answers, shape [B], from counts of (no no, no yes, yes no, yes yes)."""
    found: FloatArray = (cells[:, 0] + cells[:, 3]) / cells.sum(axis=1)
    return found


def cohen_kappa(cells: FloatArray) -> FloatArray:
    """Return Cohen's kappa, shape [B], NaN where both give one answer throughout (Cohen 1960)."""
    one, two = _shares(cells)
    chance = one * two + (1 - one) * (1 - two)
    return _ratio(raw_agreement(cells) - chance, 1 - chance)


def phi(cells: FloatArray) -> FloatArray:
    """Return the correlation of two columns of 0 and 1, shape [B], NaN where one of them does not vary."""
    one, two = _shares(cells)
    both = cells[:, 3] / cells.sum(axis=1)
    return _ratio(both - one * two, np.sqrt(one * (1 - one) * two * (1 - two)))


def limits(found: Interval | None) -> tuple[float | None, float | None]:
    """Return the two ends, None both without an interval."""
    return found if found is not None else (None, None)


def _shares(cells: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the share of yes of either, each of shape [B]."""
    n = cells.sum(axis=1)
    return (cells[:, 2] + cells[:, 3]) / n, (cells[:, 1] + cells[:, 3]) / n


def _ratio(top: FloatArray, bottom: FloatArray) -> FloatArray:
    found: FloatArray = np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 1e-12)
    return found
