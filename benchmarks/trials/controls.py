"""Do worthless labels pass? Simulated dictionaries, half of them noise, and what a token look-up already knows."""

from collections.abc import Sequence

import numpy as np

from autointerp.core.draws import generator
from autointerp.core.types import About, FeatureId, FloatArray, Question, Window, YesNo
from autointerp.score.lookup import lookup_reply
from autointerp.trust.controls import benjamini_hochberg
from autointerp.trust.swaps import N_SWAPS, excess, item_gains, swap_p_values
from trials.figure import Figure, at_least, at_most, report
from trials.zoo import Planted

N_FEATURES, N_ITEMS, N_FOREIGN = 60, 50, 3
LEVEL = 0.05
RIGHT = (0.8, 0.2)
"""Recall and false fire of a judge of 0.8 / 0.8 with a right label."""
TOKEN_KINDS = ("token",)


def dictionary_p_values(number: int, *, dense_share: float) -> tuple[FloatArray, FloatArray]:
    """Return p values of 30 right labels and of 30 labels of noise features, 25 firing and 25 silent items each.

    A label that has nothing to do with the items is said to fit a share of them, whether they fire or
    not: 20% to 40%, or, for a dense label on a dense noise feature, *dense_share*.
    """
    draw = generator(0, "dictionary", number, str(dense_share))
    truth = np.repeat([1.0, 0.0], N_ITEMS // 2)
    half = N_FEATURES // 2
    right = draw.random((half, N_ITEMS)) < np.where(truth > 0, *RIGHT)
    yes = draw.uniform(0.2, 0.4, size=(half, 1)) if dense_share == 0 else np.full((half, 1), dense_share)
    noise = draw.random((half, N_ITEMS)) < yes
    own = np.vstack([right, noise]).astype(np.float64)
    foreign = draw.random((N_FEATURES, N_FOREIGN, N_ITEMS)) < draw.uniform(0.2, 0.4, size=(N_FEATURES, N_FOREIGN, 1))
    gains = [item_gains(truth, a, b) for a, b in zip(own, foreign.astype(np.float64), strict=True)]
    p_values = swap_p_values(gains, seed=number, n_swaps=N_SWAPS)
    return p_values[:half], p_values[half:]


def false_share_and_power(n_dictionaries: int, *, dense_share: float = 0.0) -> tuple[float, float, float]:
    """Return the mean share of noise among the features called labelled, the power, and how often noise passes."""
    shares, power, passed = [], [], []
    for number in range(n_dictionaries):
        right, noise = dictionary_p_values(number, dense_share=dense_share)
        found = benjamini_hochberg(np.concatenate([right, noise])) <= LEVEL
        n_right, n_noise = found[: len(right)].sum(), found[len(right) :].sum()
        shares.append(n_noise / max(1, n_right + n_noise))
        power.append(n_right / len(right))
        passed.append(n_noise / len(noise))
    return float(np.mean(shares)), float(np.mean(power)), float(np.mean(passed))


def excess_lookup(planted: Planted) -> float | None:
    """Return how far the exact label under a perfect judge beats the token table on detection's items, in AUROC."""
    samples = planted.evidence.held_out
    truth = [float(sample.window.is_firing) for sample in samples]
    replies = [lookup_reply(planted.evidence, _question(planted.evidence.feature, s.window)) for s in samples]
    # The exact label under a perfect judge answers the truth.
    found = excess(truth, truth, [reply.probabilities[0][0] for reply in replies], seed=0, key=("lookup",))
    return found[0] if found else None


def _question(feature: FeatureId, window: Window) -> Question:
    return Question("", "", 1, YesNo(), about=About(feature, window.item, "", window))


def figures(planted: Sequence[Planted], n_dictionaries: int) -> list[Figure]:
    """Return the share of false discoveries, power, and what labels add to a token table by kind of feature."""
    false_share, power, passed = false_share_and_power(n_dictionaries)
    dense_share, _, dense_passed = false_share_and_power(max(10, n_dictionaries // 2), dense_share=0.8)
    tokens = [e for p in planted if p.feature.kind in TOKEN_KINDS and (e := excess_lookup(p)) is not None]
    others = [e for p in planted if p.feature.kind == "context" and (e := excess_lookup(p)) is not None]
    return [
        at_most("false_labelled_share", false_share, LEVEL),
        at_least("labelled_power", power, 0.9),
        report("noise_passes", passed),
        at_most("false_labelled_share_dense_noise", dense_share, LEVEL),
        at_most("dense_noise_passes", dense_passed, max(passed, LEVEL / 2)),
        *([at_most("excess_lookup_token_features", np.mean(tokens), 0.02)] if tokens else []),
        *([report("excess_lookup_context_features", np.mean(others))] if others else []),
    ]
