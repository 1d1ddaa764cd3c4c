"""Stored answers by window: what a judge said of each label, beside what the other labels made it say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autointerp.core.types import FeatureId, FloatArray

TOKEN_SCORERS = ("simulation", "simulation_json", "spearman")
"""Their items are tokens, ``doc:start:position``; tokens of one window were answered together."""
MISPLACED = ":misplaced"
NAME = ["dictionary", "feature", "scorer", "variant", "judge"]


@dataclass(frozen=True, slots=True)
class Judged:
    """One label's answers under one scorer, variant and judge, on the items that all labels were read on.

    ``truth``, ``guess``: of each item, shape [n_items]. ``windows``: the number of its window, from 0.
    ``rivals``: the same judge's guesses with other features' labels, shape [n_rivals, n_items].
    """

    feature: FeatureId
    explanation: str
    explainer: str
    scorer: str
    variant: str
    judge: str
    truth: FloatArray
    guess: FloatArray
    windows: NDArray[np.int64]
    rivals: FloatArray


def judged_labels(predictions: pd.DataFrame, explanations: pd.DataFrame) -> Iterator[Judged]:
    """Yield every real label that shares items with other features' labels, by name of the feature, then by label."""
    asked = explanations[explanations["explanation"].isin(predictions["explanation"].unique())]
    writers = dict(zip(asked["explanation"], asked["explainer"], strict=True))
    used = predictions["guess"].notna() & predictions["control"].isin(["none", "shuffled"])
    # Plain objects: thousands of small groups are cut out, and a column of Arrow strings is slow to cut.
    read = predictions.loc[used, [*NAME, "explanation", "control", "draw", "item", "truth", "guess"]].astype(
        {"explanation": object, "control": object, "item": object}
    )
    for names, group in read.groupby(NAME, sort=True):
        dictionary, feature, scorer, variant, judge = map(str, names)
        is_own = (group["control"] == "none").to_numpy()
        places, rivals = _rivals(group[~is_own])
        for explanation, own in group[is_own].groupby("explanation", sort=True) if len(rivals) else ():
            shared = own[[item in places for item in own["item"]]]
            if len(shared):
                yield Judged(
                    feature=FeatureId(dictionary, int(feature)),
                    explanation=str(explanation),
                    explainer=str(writers.get(explanation, "")),
                    scorer=scorer,
                    variant=variant,
                    judge=judge,
                    truth=shared["truth"].to_numpy(np.float64),
                    guess=shared["guess"].to_numpy(np.float64),
                    windows=_numbers([window_of(item, scorer) for item in shared["item"]]),
                    rivals=rivals[:, [places[item] for item in shared["item"]]],
                )


def _rivals(answers: pd.DataFrame) -> tuple[dict[str, int], FloatArray]:
    """Return the column of each item that was read in every draw, and the guesses, shape [n_draws, n_items]."""
    items, column = np.unique(answers["item"].to_numpy(object), return_inverse=True)
    draws, row = np.unique(answers["draw"].to_numpy(np.int64), return_inverse=True)
    table = np.full((len(draws), len(items)), np.nan)
    table[row, column] = answers["guess"].to_numpy(np.float64)
    is_whole = ~np.isnan(table).any(axis=0)
    return {str(item): place for place, item in enumerate(items[is_whole])}, table[:, is_whole]


def _numbers(names: Sequence[str]) -> NDArray[np.int64]:
    """Return the place of each name among the distinct ones, sorted, shape [n]."""
    _, number = np.unique(np.array(names, dtype=object), return_inverse=True)
    return number.astype(np.int64)


def window_of(item: str, scorer: str) -> str:
    """Return the window an item is part of, ``doc:start``.

    >>> window_of("web:3:64:7", "simulation"), window_of("web:3:64:misplaced", "fuzzing")
    ('web:3:64', 'web:3:64')
    """
    return item.rpartition(":")[0] if scorer in TOKEN_SCORERS else item.removesuffix(MISPLACED)
