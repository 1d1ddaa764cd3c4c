"""Whether a judge still answers as it did: known-truth anchors asked in every evaluation, tested as they come.

An anchor is compared with its own answers before, never with other anchors: a judge that is right on 85% of them
is nearly always right on the same ones, so that a changed judge shows in a few dozen answers that turned, where
its accuracy alone would take several hundred.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from autointerp.core.types import FloatArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

TINY = 1e-300
"""A p-value of 0 has no normal score."""


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """When an alarm is raised: with probability at most ``alpha`` in ``horizon`` answers of an unchanged judge.

    ``shifts``: by how many standard errors a round may have moved, on which is bet in equal shares; our choice.
    """

    alpha: float = 0.01
    horizon: int = 10_000
    shifts: tuple[float, ...] = (1.5, 3.0, 5.5)

    @property
    def bets(self) -> tuple[tuple[float, float], ...]:
        """(shift of the accuracy's score, shift of the turned answers' score) of each bet, one of them 0."""
        worse, better = [(s, 0.0) for s in self.shifts], [(-s, 0.0) for s in self.shifts]
        return (*worse, *better, *((0.0, s) for s in self.shifts))


@dataclass(frozen=True, slots=True)
class Round:
    """One evaluation's answers beside those before, shape [n_anchors] each.

    ``right``: now; ``before_right`` of ``before`` earlier answers to the same anchor. ``jitter`` in [0, 1) spreads
    ties, by a keyed draw, so that under no change the scores are exactly normal.
    """

    right: Bools
    before_right: Ints
    before: Ints
    jitter: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Alarm:
    """After which round the alarm rang, from 0 on, the round of the likeliest change, and whether it got worse.

    ``is_worse`` is None when answers turned both ways. ``wealth``: of the bets against "nothing changed"; the alarm
    rings at 1 / alpha.
    """

    at: int
    since: int
    is_worse: bool | None
    wealth: float


def find_alarm(rounds: Sequence[Round], settings: DriftSettings | None = None) -> Alarm | None:
    """Return the first alarm, or None: it stays quiet with probability 1 - alpha while nothing changes.

    Under "each anchor is answered as before" the newest of an anchor's answers is any of them with the same
    probability: so the number right has a known distribution given all of them, whatever the judge's accuracies
    are, and its score in each round is an independent standard normal (conformal prediction: Vovk, Gammerman and
    Shafer 2005, section 8.2). Wealth is bet on shifted scores from every round on; a bet begun in a round of n
    answers starts with n / horizon, so that the sum is on average N / horizon after N answers and reaches
    1 / alpha with probability at most alpha (Shin, Ramdas and Rinaldo 2022, "E-detectors").

    Args:
        rounds: In the order of time; the first has nothing before it and cannot tell.
        settings: The test.
    """
    settings = settings or DriftSettings()
    for at, (wealths, begun) in enumerate(_wealths(rounds, settings)):
        wealth = float(wealths.mean())
        if wealth >= 1 / settings.alpha:
            best = int(wealths.argmax())
            accuracy = settings.bets[best][0]
            return Alarm(at, int(begun[best]), accuracy > 0 if accuracy else None, wealth)
    return None


def wealth_by_round(rounds: Sequence[Round], settings: DriftSettings | None = None) -> FloatArray:
    """Return the wealth after each round, shape [n_rounds]: an alarm where it reaches 1 / alpha."""
    found = [wealths.mean() for wealths, _ in _wealths(rounds, settings or DriftSettings())]
    return np.array(found, dtype=np.float64)


def _wealths(rounds: Sequence[Round], settings: DriftSettings) -> Iterator[tuple[FloatArray, Ints]]:
    """Yield each bet's wealth after each round, shape [n_bets], and in which round the best of it was begun."""
    wealths = np.zeros(len(settings.bets))
    begun, best = np.zeros(len(settings.bets), np.int64), np.zeros(len(settings.bets))
    for number, one in enumerate(rounds):
        gains = growth(round_scores(one), settings)
        # Where a start anew is worth more than what was won, the change is dated here.
        is_new = best <= 1.0
        begun, best = np.where(is_new, number, begun), np.maximum(best, 1.0) * gains
        wealths = (wealths + len(one.right) / settings.horizon) * gains
        yield wealths, begun


def growth(scores: tuple[float, float], settings: DriftSettings) -> FloatArray:
    """Return by what each bet's wealth is multiplied in a round, shape [n_bets]: exp(shift z - shift² / 2)."""
    bets = np.asarray(settings.bets)
    grown: FloatArray = np.exp(bets @ np.asarray(scores) - (bets**2).sum(axis=1) / 2)
    return grown


def round_scores(one: Round) -> tuple[float, float]:
    """Return two scores, each standard normal while nothing changes: of answers gone wrong, and of answers turned.

    The two are not independent; no bet uses both.
    """
    wrong, turned = chances(one.right, one.before_right, one.before)
    is_turned = turned_now(one.right, one.before_right, one.before)
    first = normal_score(~one.right, wrong, one.jitter[0])
    return float(first), float(normal_score(is_turned, turned, one.jitter[1]))


def chances(right: Bools, before_right: Ints, before: Ints) -> tuple[FloatArray, FloatArray]:
    """Return the chance of each anchor's newest answer to be wrong, and to be a turned one, given all its answers."""
    n, n_right = before + 1, before_right + right
    wrong: FloatArray = (n - n_right) / n
    turned: FloatArray = np.where(2 * n_right == n, 0.0, np.minimum(n_right, n - n_right) / n)
    return wrong, turned


def turned_now(right: Bools, before_right: Ints, before: Ints) -> Bools:
    """Return which newest answers are other than most of the anchor's; none where right and wrong are equally many."""
    n, n_right = before + 1, before_right + right
    turned: Bools = np.where(2 * n_right == n, False, right != (2 * n_right > n))
    return turned


def normal_score(happened: Bools, chance: FloatArray, jitter: FloatArray | float) -> FloatArray:
    """Return the normal score of how many *happened*, high when many, shape [...].

    Exact: the sum's distribution is that of independent events of these chances; *jitter* breaks ties.

    Args:
        happened: Whether each event came about, shape [..., n].
        chance: Its probability, shape [..., n].
        jitter: Uniform in [0, 1), shape [...].
    """
    counts = poisson_binomial(chance)
    places = np.arange(counts.shape[-1])
    seen = happened.sum(axis=-1)[..., None]
    above, at = (counts * (places > seen)).sum(axis=-1), (counts * (places == seen)).sum(axis=-1)
    below = (counts * (places < seen)).sum(axis=-1)
    high, low = above + jitter * at, below + (1 - jitter) * at
    # Of the two tails the smaller: 1 - p has no digits left where p is nearly 1.
    score: FloatArray = np.where(high < low, -ndtri(np.maximum(high, TINY)), ndtri(np.maximum(low, TINY)))
    return score


def poisson_binomial(chance: FloatArray) -> FloatArray:
    """Return the distribution of how many of n independent events happen, shape [..., n + 1], from [..., n]."""
    n = chance.shape[-1]
    counts = np.zeros((*chance.shape[:-1], n + 1))
    counts[..., 0] = 1.0
    for i in range(n):
        p = chance[..., i, None]
        counts[..., 1 : i + 2] = counts[..., 1 : i + 2] * (1 - p) + counts[..., : i + 1] * p
        counts[..., 0] *= 1 - p[..., 0]
    return counts
