"""Which features a page shows: drawn at random first, then the extremes of one named measure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autointerp.analysis.estimates import Floats
from autointerp.analysis.names import Ints, has_names, kept, names_together, places_of
from autointerp.analysis.summary import NEVER_ASKED
from autointerp.analysis.values import is_main, measure_name
from autointerp.core.draws import draw, draw_key, draw_keys
from autointerp.core.types import FeatureId

NAMES = ["scorer", "variant", "metric", "judge"]
N_RANDOM, N_BEST, N_WORST, N_DISAGREED = 4, 2, 2, 2
"""Features a dictionary shows; more would hide the page's first screens, fewer invite conclusions from one."""

N_RANKED = 4
"""Scored features a dictionary needs before ranks in it are compared."""

MOST_KEYED = 10_000
"""Features that are hashed one by one; of more, so many are drawn first by keys made all at once."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Features by how they were chosen; ``measure`` names what best and worst refer to ("" = nothing scored).

    ``disagreed``: those whose rank by two scorers differs most, which two says ``disagreement``.
    """

    random: tuple[FeatureId, ...]
    best: tuple[FeatureId, ...]
    worst: tuple[FeatureId, ...]
    measure: str
    explainer: str = ""
    disagreed: tuple[FeatureId, ...] = ()
    disagreement: str = ""


def main_explainer(explanations: pd.DataFrame) -> str:
    """Return the explainer whose labels the windows are shown with: ``examples``, else the first by name, else ""."""
    real = sorted(e for e in map(str, explanations["explainer"].unique()) if not e.startswith("control:"))
    return "examples" if "examples" in real else next(iter(real), "")


def choose_features(
    features: pd.DataFrame, values: pd.DataFrame, *, writer: str, order: list[str], seed: int = 0
) -> Choice:
    """Return the features to show of each dictionary in *order*.

    Random ones are drawn from all that were asked about, scored or not: leaving failures out would
    flatter the labels. Best and worst are by the first main measure of the labels of *writer*. *values*: of
    ``feature_values``.
    """
    asked = features[~features["status"].isin(NEVER_ASKED)]
    found = [asked.loc[asked["dictionary"] == d, "feature"].to_numpy(np.int64) for d in order]
    random = [FeatureId(d, i) for d, indices in zip(order, found, strict=True) for i in _drawn(d, indices, seed)]
    ranking, measure = ranking_values(values, writer)
    ranked = [ranking.loc[ranking["dictionary"] == d, "feature"] for d in order]
    best = [f for d, indices in zip(order, ranked, strict=True) for f in _ids(d, indices[:N_BEST])]
    # With few scored features one feature must not be both among the best and the worst.
    worst = [
        f
        for d, indices in zip(order, ranked, strict=True)
        for f in _ids(d, indices[max(N_BEST, len(indices) - N_WORST) :][::-1])
    ]
    disagreed, disagreement = _disagreements(values, writer, order)
    return Choice(tuple(random), tuple(best), tuple(worst), measure, writer, disagreed, disagreement)


def _drawn(dictionary: str, indices: Ints, seed: int) -> list[int]:
    if len(indices) > MOST_KEYED:
        keys = draw_keys(draw_key(seed, "page", dictionary), indices.astype(np.uint64))
        indices = indices[np.argsort(keys, kind="stable")[:MOST_KEYED]]
    return draw(indices.tolist(), N_RANDOM, seed=seed, key=lambda index: str(FeatureId(dictionary, index)))


def _ids(dictionary: str, indices: "pd.Series[int]") -> list[FeatureId]:
    return [FeatureId(dictionary, int(index)) for index in indices]


def _disagreements(values: pd.DataFrame, writer: str, order: list[str]) -> tuple[tuple[FeatureId, ...], str]:
    """Return the features of which two main measures say most differently, by rank within a dictionary, and which two.

    Of more than two measures the first two by name, of one judge; nothing with fewer than N_RANKED features.
    """
    mine, keys = _main_measures(values, writer)
    keys = [key for key in keys if key[3] == keys[0][3]]
    if len(keys) < 2:
        return (), ""
    first, second = (_of(mine, key) for key in keys[:2])
    others = np.append(_ranks(second), np.nan)[places_of(first, second)]
    gaps = np.abs(_ranks(first) - others)
    found = []
    for name in order:
        at = np.flatnonzero((first["dictionary"] == name).to_numpy() & ~np.isnan(gaps))
        found += _ids(name, first["feature"].iloc[at[np.argsort(-gaps[at], kind="stable")[:N_DISAGREED]]])
    return tuple(found), " and ".join(measure_name(*key[:3]) for key in keys[:2])


def _ranks(values: pd.DataFrame) -> Floats:
    """Return each feature's rank within its dictionary, as a share, shape [n]; NaN in one with too few features."""
    groups = values.groupby("dictionary")["value"]
    is_enough = groups.transform("size") >= N_RANKED
    return groups.rank(pct=True).where(is_enough).to_numpy(np.float64)


def ranking_values(values: pd.DataFrame, writer: str) -> tuple[pd.DataFrame, str]:
    """Return the values of one explainer's labels by its first main measure, best first, and its name; "" without any.

    *values*: of ``feature_values``.
    """
    mine, keys = _main_measures(values, writer)
    if not keys:
        return mine.iloc[:0], ""
    ranked = _of(mine, keys[-1]).sort_values(["value", "feature"], ascending=[False, True])
    return ranked, measure_name(*keys[-1][:3])


def _main_measures(values: pd.DataFrame, writer: str) -> tuple[pd.DataFrame, list[tuple[str, ...]]]:
    """Return the scored values of an explainer's labels, and the measures among them that a verdict speaks of."""
    mine = kept(values, ((values["explainer"] == writer) & values["value"].notna()).to_numpy())
    keys = sorted(names_together(mine, NAMES))
    return mine, [key for key in keys if is_main(*key[:3])]


def _of(values: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    return values[has_names(values, dict(zip(NAMES, key, strict=True)))]
