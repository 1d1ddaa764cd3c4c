"""Which features a page shows: drawn at random first, then the extremes of one named measure."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from autointerp.analysis.summary import NEVER_ASKED
from autointerp.analysis.values import feature_values, is_main, measure_name
from autointerp.core.draws import draw
from autointerp.core.types import FeatureId

N_RANDOM, N_BEST, N_WORST = 4, 2, 2
N_RANKED = 4
"""Features a dictionary shows; more would hide the page's first screens, fewer invite conclusions from one."""


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
    real = sorted({str(e) for e in explanations["explainer"] if not str(e).startswith("control:")})
    return "examples" if "examples" in real else next(iter(real), "")


def choose_features(
    features: pd.DataFrame, scores: pd.DataFrame, explanations: pd.DataFrame, *, order: list[str], seed: int = 0
) -> Choice:
    """Return the features to show of each dictionary in *order*.

    Random ones are drawn from all that were asked about, scored or not: leaving failures out would
    flatter the labels. Best and worst are by the first main measure of the main explainer.
    """
    asked = features[~features["status"].isin(NEVER_ASKED)]
    found = [_ids(d, asked.loc[asked["dictionary"] == d, "feature"]) for d in order]
    random = [f for ids in found for f in draw(ids, N_RANDOM, seed=seed, key=str)]
    values, measure = ranking_values(scores, explanations)
    ranked = [_ids(d, values.loc[values["dictionary"] == d, "feature"]) for d in order]
    best = [f for ids in ranked for f in ids[:N_BEST]]
    # With few scored features one feature must not be both among the best and the worst.
    worst = [f for ids in ranked for f in ids[max(N_BEST, len(ids) - N_WORST) :][::-1]]
    disagreed, disagreement = _disagreements(scores, explanations, order)
    writer = main_explainer(explanations)
    return Choice(tuple(random), tuple(best), tuple(worst), measure, writer, disagreed, disagreement)


def _ids(dictionary: str, indices: "pd.Series[int]") -> list[FeatureId]:
    return [FeatureId(dictionary, int(index)) for index in indices]


def _disagreements(
    scores: pd.DataFrame, explanations: pd.DataFrame, order: list[str]
) -> tuple[tuple[FeatureId, ...], str]:
    """Return the features of which two main measures say most differently, by rank within a dictionary, and which two.

    Of more than two measures the first two by name, of one judge; nothing with fewer than N_RANKED features.
    """
    values = feature_values(scores, explanations)
    values = values[(values["explainer"] == main_explainer(explanations)) & values["value"].notna()]
    names = [*zip(values["scorer"], values["variant"], values["metric"], values["judge"], strict=True)]
    two = [key for key in sorted(set(names)) if is_main(*map(str, key[:3]))][:2]
    if len(two) < 2:
        return (), ""
    ranks = [_ranks(values[np.array([name == key for name in names], dtype=bool)]) for key in two]
    gaps = (ranks[0] - ranks[1]).dropna().abs().sort_values(ascending=False, kind="stable")
    found = [
        FeatureId(d, int(f)) for name in order for d, f in [*gaps.index[gaps.index.get_level_values(0) == name]][:2]
    ]
    return tuple(found), " and ".join(measure_name(*map(str, key[:3])) for key in two)


def _ranks(values: pd.DataFrame) -> "pd.Series[float]":
    """Return each feature's rank within its dictionary, as a share; of dictionaries with enough features."""
    groups = values.groupby("dictionary")["value"]
    ranks = groups.rank(pct=True)[groups.transform("size") >= N_RANKED]
    return pd.Series(ranks.to_numpy(), pd.MultiIndex.from_frame(values.loc[ranks.index, ["dictionary", "feature"]]))


def ranking_values(scores: pd.DataFrame, explanations: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the values of the first main measure of the main explainer, best first, and its name; "" without any."""
    values = feature_values(scores, explanations)
    values = values[(values["explainer"] == main_explainer(explanations)) & values["value"].notna()]
    names = [*zip(values["scorer"], values["variant"], values["metric"], values["judge"], strict=True)]
    main = next((key for key in sorted(set(names), reverse=True) if is_main(*map(str, key[:3]))), None)
    if main is None:
        return values.iloc[:0], ""
    chosen = values[np.array([name == main for name in names], dtype=bool)]
    ranked = chosen.sort_values(["value", "feature"], ascending=[False, True])
    return ranked, measure_name(*map(str, main[:3]))
