"""How well probabilities tell firing items from silent ones: on the items asked, and in the population."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autointerp.core.types import FloatArray

THRESHOLD = 0.5


def auroc(truth: ArrayLike, guess: ArrayLike, weight: ArrayLike | None = None) -> float | None:
    """Return P(a firing item is guessed higher than a silent one), ties counted half, in [0, 1].

    None when either kind has no weight. The Mann-Whitney statistic (Hanley and McNeil 1982), with
    items weighted within their kind.

    Args:
        truth: 1 where the feature fires, else 0, shape [N].
        guess: Any ordering of the items, shape [N].
        weight: Weights >= 0, shape [N]; none means 1 each.
    """
    fires, guesses = _is_firing(truth), np.asarray(guess, dtype=np.float64)
    weights = np.ones_like(guesses) if weight is None else np.asarray(weight, dtype=np.float64)
    up, down = weights[fires], weights[~fires]
    if up.sum() <= 0 or down.sum() <= 0:
        return None
    order = np.argsort(guesses[~fires])
    silent, below = guesses[~fires][order], np.concatenate([[0.0], np.cumsum(down[order])])
    left = below[np.searchsorted(silent, guesses[fires], side="left")]
    right = below[np.searchsorted(silent, guesses[fires], side="right")]
    return float(np.clip(up @ (left + right) / 2 / up.sum() / down.sum(), 0.0, 1.0))


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares answered yes (guess >= 0.5) and on how many items each rests.

    ``recall`` of firing items, ``false_fire`` of silent ones, in [0, 1], None without such items.
    ``n_firing``, ``n_silent``: effective numbers (Kish 1965: (sum w)^2 / sum w^2), so that a few
    heavy items do not pass for many.
    """

    recall: float | None
    false_fire: float | None
    n_firing: float
    n_silent: float


def answer_rates(truth: ArrayLike, guess: ArrayLike, weight: ArrayLike | None = None) -> Rates:
    """Return the weighted shares answered yes; arguments as for ``auroc``."""
    fires, yes = _is_firing(truth), np.asarray(guess, dtype=np.float64) >= THRESHOLD
    weights = np.ones(fires.shape) if weight is None else np.asarray(weight, dtype=np.float64)
    return Rates(
        recall=_weighted_share(yes[fires], weights[fires]),
        false_fire=_weighted_share(yes[~fires], weights[~fires]),
        n_firing=effective_number(weights[fires]),
        n_silent=effective_number(weights[~fires]),
    )


def balanced_accuracy(truth: ArrayLike, guess: ArrayLike) -> float | None:
    """Return (recall + 1 - false_fire) / 2 of the items as asked, in [0, 1]; None without both kinds."""
    rates = answer_rates(truth, guess)
    if rates.recall is None or rates.false_fire is None:
        return None
    return (rates.recall + 1 - rates.false_fire) / 2


def population_precision(recall: float, false_fire: float, window_density: float) -> float | None:
    """Return the share of firing tiles among those answered yes; None when nothing is.

    wd r / (wd r + (1 - wd) f), Bayes at the true base rate of firing tiles (PROTOCOLS, section 3).

    >>> round(population_precision(0.9, 0.1, 0.001), 3)
    0.009
    """
    yes = window_density * recall + (1 - window_density) * false_fire
    return window_density * recall / yes if yes > 0 else None


def population_f1(recall: float, false_fire: float, window_density: float) -> float | None:
    """Return 2 TP / (2 TP + FP + FN) at the true base rate; 0 when nothing is answered yes.

    None when the density is 0, for then there is nothing to find.
    """
    if window_density <= 0:
        return None
    hits = window_density * recall
    return 2 * hits / (hits + (1 - window_density) * false_fire + window_density)


def always_yes_f1(window_density: float) -> float:
    """Return the F1 of answering yes to every tile, 2 wd / (1 + wd): what a worthless label can have."""
    return 2 * window_density / (1 + window_density)


def effective_number(weights: ArrayLike) -> float:
    """Return (sum w)^2 / sum w^2, from 0 to N (Kish 1965); 0 without weight."""
    array = np.asarray(weights, dtype=np.float64)
    scaled = array / array.max() if array.size and array.max() > 0 else array
    squares = float(scaled @ scaled)
    return float(scaled.sum()) ** 2 / squares if squares > 0 else 0.0


def _is_firing(truth: ArrayLike) -> NDArray[np.bool_]:
    return np.asarray(truth, dtype=np.float64) > 0


def _weighted_share(yes: NDArray[np.bool_], weights: FloatArray) -> float | None:
    """Return the share of the weight that is answered yes; None when there is no weight."""
    total = weights.sum()
    return float(np.clip(weights[yes].sum() / total, 0.0, 1.0)) if total > 0 else None
