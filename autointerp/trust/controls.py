"""Labels that deserve no credit, and how many features may be believed at once."""

from collections.abc import Mapping
from math import log

import numpy as np
from numpy.typing import ArrayLike

from autointerp.core.draws import draw_key
from autointerp.core.types import Explanation, FeatureId, FloatArray

N_NEAREST = 5
# A dead feature has density 0; it is as far from the others as one firing once in a million million tokens.
FLOOR = 1e-12


def blank_explanation(feature: FeatureId) -> Explanation:
    """Return the label that says nothing."""
    return Explanation(feature, "", "control:blank", "none")


def shuffled_explanation(
    feature: FeatureId,
    labels: Mapping[FeatureId, Explanation],
    densities: Mapping[FeatureId, float],
    *,
    seed: int,
    draw: int = 0,
    n_nearest: int = N_NEAREST,
) -> Explanation | None:
    """Return another feature's label in this one's name; None when there is no other to take.

    A keyed draw among the *n_nearest* labelled features of the same dictionary by log density, so
    that a rare feature is not compared with a common one's label. Never the feature itself, never
    its own text (case and blanks aside). Draws 0, 1, ... give different labels.

    Args:
        feature: Whose place the label takes; it must have a density, and may lack a label.
        labels: The labels there are, one a feature.
        densities: Firing share of tokens of every labelled feature.
        seed: With feature and candidate, decides the draw.
        draw: Number of the repetition, from 0.
        n_nearest: How many candidates stand for choice.
    """
    donors = _nearest(feature, labels, densities)
    near = sorted(donors[:n_nearest], key=lambda donor: draw_key(seed, "shuffled", str(feature), str(donor)))
    order = [*near, *donors[n_nearest:]]
    if draw >= len(order):
        return None
    other = labels[order[draw]]
    return Explanation(
        feature, other.text, "control:shuffled", other.model, other.prompt_version, question=other.question
    )


def _nearest(
    feature: FeatureId, labels: Mapping[FeatureId, Explanation], densities: Mapping[FeatureId, float]
) -> list[FeatureId]:
    """Return one feature for each other text of the dictionary, nearest log density first."""
    own = _plain(labels[feature].text) if feature in labels else ""
    place = log(max(densities[feature], FLOOR))
    order = sorted(
        (other for other in labels if other.dictionary == feature.dictionary),
        key=lambda other: (abs(log(max(densities[other], FLOOR)) - place), other),
    )
    found: dict[str, FeatureId] = {}
    for other in order:
        found.setdefault(_plain(labels[other].text), other)
    return [other for text, other in found.items() if text not in (own, "")]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def benjamini_hochberg(p_values: ArrayLike) -> FloatArray:
    """Return adjusted p values, shape [N]: those <= q are a set with expected false share <= q.

    Benjamini and Hochberg 1995, for independent or positively dependent tests.

    Raises:
        ValueError: A p value lies outside [0, 1].
    """
    from scipy.stats import false_discovery_control  # a second to load, which who only reads need not wait

    array = np.asarray(p_values, dtype=np.float64)
    adjusted: FloatArray = false_discovery_control(array) if array.size else array
    return adjusted
