"""Stored answers by window: what a judge said of each label, beside what the other labels made it say."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autointerp.core.types import FeatureId

TOKEN_SCORERS = ("simulation", "simulation_json", "spearman")
"""Their items are tokens, ``doc:start:position``; tokens of one window were answered together."""
MISPLACED = ":misplaced"
NAME = ["dictionary", "feature", "scorer", "variant", "judge"]


@dataclass(frozen=True, slots=True)
class Judged:
    """One label's answers under one scorer, variant and judge.

    ``own``: a row an item that was read, columns item, window, truth, guess, weight. ``rivals``: the same judge's
    guesses with other features' labels, a column a draw, by item.
    """

    feature: FeatureId
    explanation: str
    explainer: str
    scorer: str
    variant: str
    judge: str
    own: pd.DataFrame
    rivals: pd.DataFrame


def judged_labels(predictions: pd.DataFrame, explanations: pd.DataFrame) -> Iterator[Judged]:
    """Yield every real label's answers, by dictionary, feature, scorer, variant, judge and label."""
    writers = dict(zip(explanations["explanation"], explanations["explainer"], strict=True))
    read = predictions[predictions["guess"].notna()]
    for names, group in read.groupby(NAME, sort=True):
        dictionary, feature, scorer, variant, judge = names
        rivals = group[group["control"] == "shuffled"].pivot_table(index="item", columns="draw", values="guess")
        for explanation, own in group[group["control"] == "none"].groupby("explanation", sort=True):
            yield Judged(
                feature=FeatureId(str(dictionary), int(str(feature))),
                explanation=str(explanation),
                explainer=str(writers.get(explanation, "")),
                scorer=str(scorer),
                variant=str(variant),
                judge=str(judge),
                own=own.assign(window=[window_of(str(item), str(scorer)) for item in own["item"]]),
                rivals=rivals,
            )


def window_of(item: str, scorer: str) -> str:
    """Return the window an item is part of, ``doc:start``.

    >>> window_of("web:3:64:7", "simulation"), window_of("web:3:64:misplaced", "fuzzing")
    ('web:3:64', 'web:3:64')
    """
    return item.rpartition(":")[0] if scorer in TOKEN_SCORERS else item.removesuffix(MISPLACED)


def aligned(judged: Judged) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the items that every label was read on, and the rivals' guesses there, shape [n_rivals, n_items]."""
    rivals = judged.rivals.dropna()
    own = judged.own[judged.own["item"].isin(rivals.index)]
    return own, rivals.reindex(own["item"]).to_numpy(np.float64).T
