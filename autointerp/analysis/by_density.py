"""Scores against firing density: means of features that fire alike often, by dictionary."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from autointerp.analysis.estimates import Estimate, Floats, estimate_mean
from autointerp.analysis.ladders import densities_of
from autointerp.analysis.names import as_categories, cut, kept, places_of
from autointerp.analysis.values import scored_values

COLUMNS = ["dictionary", "low", "high", "n", "mean", "mean_low", "mean_high", "chance", "control"]
PER_DECADE = 2
MOST_RESAMPLED = 2000
"""Features of one bin up to which an interval is by bootstrap; beyond, a normal one is the same and costs nothing."""


def score_by_density(values: pd.DataFrame, features: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Return the mean score of each half decade of density, columns ``COLUMNS``, narrow bins first.

    ``low`` <= density < ``high``, per token. ``control``: mean over the same features of what another feature's label
    got, NaN where none was asked; ``mean_low`` and ``mean_high`` bound 95%, NaN with a single feature. A feature that
    never fired has no bin.

    Args:
        values: Of ``feature_values``, of ONE measure and judge: own labels of one explainer, and controls.
        features: Their densities.
        seed: Decides the draws of the bootstrap.
    """
    own = scored_values(values)
    swapped = values[values["control"] == "shuffled"]
    others = np.append(swapped["value"].to_numpy(np.float64), np.nan)[places_of(own, swapped)]
    density = densities_of(own, features)
    placed = kept(own[["dictionary", "value", "chance"]].assign(density=density, swapped=others), density > 0)
    edges = _edges(placed["density"].to_numpy(np.float64))
    # What a bin counts is found by its very edges: a filter with these numbers finds the same features.
    bins = np.searchsorted(edges, placed["density"].to_numpy(np.float64), side="right") - 1
    order = {str(name): place for place, name in enumerate(values["dictionary"].unique())}
    names = as_categories(placed["dictionary"]).cat
    places = np.array([order.get(str(name), -1) for name in names.categories], dtype=np.int64)[names.codes.to_numpy()]
    groups = cut(placed.assign(bin=bins), places * len(edges) + bins)
    return pd.DataFrame([row for group in groups for row in _row(group, edges, seed)], columns=COLUMNS)


def _edges(densities: Floats) -> Floats:
    """Return half decades that hold all densities, rounded to three digits, shape [n_bins + 1]."""
    if not len(densities):
        return np.array([1e-9, 1.0])
    first = math.floor(math.log10(densities.min()) * PER_DECADE)
    last = math.floor(math.log10(densities.max()) * PER_DECADE) + 1
    edges = [float(f"{10 ** (place / PER_DECADE):.3g}") for place in range(first - 1, last + 2)]
    return np.array(edges)


def _row(group: pd.DataFrame, edges: Floats, seed: int) -> Iterator[tuple[object, ...]]:
    dictionary, place = str(group["dictionary"].iloc[0]), int(group["bin"].iloc[0])
    mean = _mean(group["value"].to_numpy(np.float64), seed, (dictionary, place))
    beside = group["swapped"].astype(float).mean(), group["chance"].astype(float).mean()
    low, high = (math.nan if end is None else end for end in (mean.low, mean.high))
    yield dictionary, edges[place], edges[place + 1], mean.n, mean.value, low, high, beside[1], beside[0]


def _mean(values: Floats, seed: int, about: tuple[object, ...]) -> Estimate:
    if len(values) <= MOST_RESAMPLED:
        return estimate_mean(values, seed=seed, about=("by density", *about))
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    half = 1.959964 * sd / math.sqrt(len(values))
    return Estimate(mean, mean - half, mean + half, sd, len(values))
