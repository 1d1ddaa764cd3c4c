"""The next windows to judge for a label's figures on all text: what was answered says where."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autointerp.core.draws import generator
from autointerp.metrics.classification import population_f1
from autointerp.metrics.population import Stratum, false_fire_draws
from autointerp.sampling.ranked import share_answers

N_DRAWS = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known so far: *n_hits* of *n_firing* firing tiles, and the strata of silent ones."""

    n_hits: int
    n_firing: int
    strata: tuple[Stratum, ...]


@dataclass(frozen=True, slots=True)
class Next:
    """How many more tiles to judge: firing ones, and silent ones of each stratum."""

    n_firing: int
    n_silent: tuple[int, ...]


def next_questions(
    asked: Asked,
    n: int,
    *,
    window_density: float,
    n_firing_left: int,
    n_silent_left: Sequence[int],
    seed: int,
    key: tuple[object, ...] = (),
) -> Next:
    """Return where *n* more answers narrow F1 most, from the answers so far and no truth of the label.

    Neyman's allocation over firing tiles and all strata of silent ones: worth = how far F1 moves with
    the share times the standard deviation of an answer, both at the posterior mean.
    """
    rates = false_fire_draws(asked.strata, generator(seed, "next_questions", *key), N_DRAWS)
    shares = np.array([stratum.share for stratum in asked.strata])
    recall, false_fire = (asked.n_hits + 0.5) / (asked.n_firing + 1), float(rates.mean(axis=0) @ shares)
    by_recall, by_false_fire = _slopes(recall, false_fire, window_density)
    # The mean over draws of an answer's variance: what is not known about a rate is worth asking too.
    spread = np.sqrt((rates * (1 - rates)).mean(axis=0))
    worth = [by_recall * float(np.sqrt(recall * (1 - recall))), *(by_false_fire * shares * spread)]
    n_firing, *n_silent = share_answers(n, worth, [n_firing_left, *n_silent_left])
    return Next(n_firing, tuple(n_silent))


def _slopes(recall: float, false_fire: float, window_density: float) -> tuple[float, float]:
    """Return by how much F1 moves with recall and with false fire, both >= 0."""
    step = 1e-6
    here = population_f1(recall, false_fire, window_density) or 0.0
    more_recall = population_f1(recall + step, false_fire, window_density) or 0.0
    # A step in proportion: false fire may be a millionth itself.
    alarm = false_fire * step
    more_alarms = population_f1(recall, false_fire + alarm, window_density) or 0.0
    return (more_recall - here) / step, (here - more_alarms) / alarm
