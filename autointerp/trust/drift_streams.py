"""Made-up judges that answer anchors night after night, and are swapped: known answers for the test of drift."""

from dataclasses import dataclass

import numpy as np

from autointerp.core.draws import generator
from autointerp.core.types import FloatArray
from autointerp.trust.drifting import Bools, DriftSettings, chances, normal_score, turned_now


@dataclass(frozen=True, slots=True)
class MadeJudge:
    """A judge of a certain accuracy; ``noise``: how often it answers an anchor otherwise than it mostly does.

    At ``noise`` = 1 - accuracy all anchors are alike: each is answered right with that probability, and what an
    anchor was answered before says nothing more than the accuracy does.
    """

    accuracy: float = 0.85
    noise: float = 0.05


@dataclass(frozen=True, slots=True)
class Swap:
    """What a swap does: ``change`` of the accuracy; ``kept``: of anchors the new judge mostly answers as the old.

    Those not kept are drawn anew, at the new accuracy.
    """

    change: float = -0.1
    kept: float = 0.5


def stream(
    judge: MadeJudge, swap: Swap | None, *, n_streams: int, n_anchors: int, n_rounds: int, swap_at: int, seed: int
) -> Bools:
    """Return which anchors are answered right in each round, shape [n_streams, n_rounds, n_anchors].

    Args:
        judge: Who answers.
        swap: What the judge becomes; None: it stays.
        n_streams: Repeats.
        n_anchors: Asked in each round, the same ones.
        n_rounds: Evaluations.
        swap_at: The first round that the other judge answers.
        seed: Decides the draws.
    """
    draw = generator(seed, "stream", judge.accuracy, judge.noise, n_anchors, n_rounds, swap_at, repr(swap))
    places = _spread(draw.random((n_streams, n_anchors)))
    old = _chance_right(places, judge.accuracy, judge.noise)
    right = draw.random((n_streams, n_rounds, n_anchors))
    if swap is None:
        return right < old[:, None]
    is_kept = draw.random(places.shape) < swap.kept
    accuracy = judge.accuracy + swap.change
    others = _spread(np.where(is_kept, places, draw.random(places.shape)))
    new = _chance_right(others, accuracy, _noise(judge, accuracy))
    is_after = np.arange(n_rounds)[None, :, None] >= swap_at
    return right < np.where(is_after, new[:, None], old[:, None])


def _spread(places: FloatArray) -> FloatArray:
    """Return the places in their order at even distances in (0, 1): then the accuracy is met by so few anchors, too."""
    ranks: FloatArray = (places.argsort(axis=1).argsort(axis=1) + 0.5) / places.shape[1]
    return ranks


def _noise(judge: MadeJudge, accuracy: float) -> float:
    """Return the noise after a swap: of a judge to whom all anchors are alike it moves with the accuracy."""
    is_alike = np.isclose(judge.noise, 1 - judge.accuracy)
    return 1 - accuracy if is_alike else min(judge.noise, 1 - accuracy)


def _chance_right(places: FloatArray, accuracy: float, noise: float) -> FloatArray:
    """Return how likely each anchor is answered right; on the share that gives the accuracy it mostly is."""
    share = 1.0 if np.isclose(noise, 0.5) else (accuracy - noise) / (1 - 2 * noise)
    return np.where(places < share, 1 - noise, noise)


def wealth_of_streams(right: Bools, *, seed: int, settings: DriftSettings | None = None) -> FloatArray:
    """Return what ``drifting.wealth_by_round`` returns, of many streams at once, shape [n_streams, n_rounds]."""
    settings = settings or DriftSettings()
    n_streams, n_rounds, n_anchors = right.shape
    jitter = generator(seed, "jitter", *right.shape).random((n_rounds, 2, n_streams))
    bets = np.asarray(settings.bets)
    before = np.zeros((n_streams, n_anchors), np.int64)
    wealths, found = np.zeros((n_streams, len(bets))), np.zeros((n_streams, n_rounds))
    for number in range(n_rounds):
        now, asked = right[:, number], np.full_like(before, number)
        wrong, turned = chances(now, before, asked)
        scores = np.stack(
            [
                normal_score(~now, wrong, jitter[number, 0]),
                normal_score(turned_now(now, before, asked), turned, jitter[number, 1]),
            ],
            axis=-1,
        )
        gains = np.exp(scores @ bets.T - (bets**2).sum(axis=1) / 2)
        wealths = (wealths + n_anchors / settings.horizon) * gains
        found[:, number] = wealths.mean(axis=1)
        before = before + now
    return found
