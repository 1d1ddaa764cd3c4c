"""Precision, recall and F1 of a rare feature's label from few answers: a model of the yes rate, stratum by stratum."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaln

from autointerp.core.draws import generator
from autointerp.core.types import FloatArray

N_DRAWS = 2000
# Of one yes rate's distribution around the curve: Beta with this first parameter: about a factor of 1.8 either way.
SHAPE = 3.0
PRIOR = 0.2
"""Power of the mean false fire in the prior: 0, flat in its logarithm, believes in none at all; 0.5 is
Jeffreys's and believes in too much. This and ``SHAPE`` were chosen by trying a few values on the very
label that ``benchmarks/scorers.py`` has its bars for; its other labels show what that is worth: from
100 answers F1 leans by 0.08 to 0.24 towards what the prior expects."""
LEVELS = np.linspace(np.log(1e-7), np.log(0.99), 60)
"""Log yes rates of the tiles at rank share 1%."""
SLOPES = np.linspace(0.0, 2.0, 21)


@dataclass(frozen=True, slots=True)
class Stratum:
    """Silent tiles of like rank: the *share* of all silent tiles, and *n_yes* of *n_asked* answers."""

    share: float
    n_asked: int = 0
    n_yes: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1 or not 0 <= self.n_yes <= self.n_asked:
            msg = f"stratum: share {self.share} must lie in (0, 1] and {self.n_yes} yes in 0..{self.n_asked}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Estimated:
    """A figure in [0, 1] with its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PopulationFigures:
    """What a label is worth on all text, at the true base rate."""

    precision: Estimated
    recall: Estimated
    false_fire: Estimated
    f1: Estimated


def false_fire_draws(strata: Sequence[Stratum], draw: np.random.Generator, n_draws: int = N_DRAWS) -> FloatArray:
    """Return posterior draws of the yes rate of each stratum, shape [n_draws, n_strata], in [0, 1].

    The rate falls as a power of the rank share, rate = level * (rank / 1%)^-slope, level and slope on a
    grid; each stratum's own rate is Beta around the curve (shape ``SHAPE``), so that a
    stratum with answers of its own goes its own way and one without leans on its neighbours. A plain
    weighted mean has no answer for the many tiles that are hardly ever asked about: one yes among them
    counts for thousands.

    Args:
        strata: From the likeliest to the least likely; their shares sum to 1.
        draw: Where the randomness comes from.
        n_draws: How many.
    """
    asked = np.array([stratum.n_asked for stratum in strata], dtype=np.float64)
    yes = np.array([stratum.n_yes for stratum in strata], dtype=np.float64)
    shares = np.array([stratum.share for stratum in strata])
    curve = _curves(shares)
    a, b = SHAPE, SHAPE * (1 / curve - 1)
    log_likelihood = (betaln(a + yes, b + asked - yes) - betaln(a, b)).sum(axis=1)
    log_prior = PRIOR * np.log(curve @ shares)
    chance = np.exp(log_likelihood + log_prior - (log_likelihood + log_prior).max())
    picked = draw.choice(len(chance), size=n_draws, p=chance / chance.sum())
    return draw.beta(a + yes, b[picked] + asked - yes)


def _curves(shares: FloatArray) -> FloatArray:
    """Return the yes rate of each stratum for every level and slope, shape [n_levels * n_slopes, n_strata]."""
    edges = np.cumsum(shares)
    middle = np.sqrt(np.maximum(edges - shares, edges / 10) * edges)
    slope, level = np.meshgrid(SLOPES, LEVELS)
    log_rate = level.reshape(-1, 1) - slope.reshape(-1, 1) * np.log(middle / 0.01)
    return np.minimum(np.exp(log_rate), 0.95)


def population_figures(
    strata: Sequence[Stratum],
    *,
    n_hits: int,
    n_firing: int,
    window_density: float,
    seed: int,
    key: tuple[object, ...] = (),
) -> PopulationFigures:
    """Return precision, recall, false fire and F1: means of the posterior, and its middle 95%.

    Recall from Beta(hits + 1/2, misses + 1/2); false fire from ``false_fire_draws``, each stratum
    counted by its share. The posterior mean is the estimate of least squared error, and the interval
    stays open where a sample holds no error at all.

    Args:
        strata: Of silent tiles, see ``false_fire_draws``.
        n_hits: Firing tiles answered yes, of a fair sample of *n_firing*.
        n_firing: Firing tiles asked about.
        window_density: Share of all tiles that fire, in (0, 1).
        seed: With *key*, decides the draws.
        key: Plain values that name the label.
    """
    draw = generator(seed, "population_figures", *key)
    recall = draw.beta(n_hits + 0.5, n_firing - n_hits + 0.5, size=N_DRAWS)
    shares = np.array([stratum.share for stratum in strata])
    false_fire = false_fire_draws(strata, draw) @ shares
    hits, alarms = window_density * recall, (1 - window_density) * false_fire
    return PopulationFigures(
        precision=_estimated(hits / (hits + alarms)),
        recall=_estimated(recall),
        false_fire=_estimated(false_fire),
        f1=_estimated(2 * hits / (hits + alarms + window_density)),
    )


def _estimated(draws: FloatArray) -> Estimated:
    low, high = np.quantile(draws, [0.025, 0.975])
    return Estimated(float(draws.mean()), float(low), float(high))
