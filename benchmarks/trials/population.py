"""How near F1 comes to the truth for a rare feature, from 100 and from 1,000 judged windows.

A million windows, of which 0.1% fire; the label fits 80% of those and 0.05% of the others. Silent
windows come ranked by something that does not know the label's truth (a cheap judge, nearness to the
label): Gaussian with the AUROC that is stated, for windows that fit against those that do not.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from autointerp.core.draws import generator
from autointerp.core.types import FloatArray
from autointerp.metrics.classification import population_f1
from autointerp.metrics.population import Estimated, Stratum, population_figures
from autointerp.sampling.ranked import geometric_shares, share_answers
from autointerp.trust.population import Asked, Next, next_questions
from trials.figure import Figure, at_least, at_most, report

N_WINDOWS, DENSITY, RECALL, FALSE_FIRE = 1_000_000, 1e-3, 0.8, 5e-4
N_ROUNDS = 4
RANKINGS = (0.5, 0.9, 0.98, 0.995)
BARS = {100: 0.16, 1000: 0.06}
HEADLINE = 0.995
OTHER_FALSE_FIRES = (5e-5, 5e-3)
"""A label ten times purer and one ten times less pure: what is tuned to one truth fails at another."""


@dataclass(frozen=True)
class World:
    """Strata of silent windows, and the share of each that the label fits."""

    shares: FloatArray
    rates: FloatArray

    @property
    def f1(self) -> float:
        return population_f1(RECALL, float(self.shares @ self.rates), DENSITY) or 0.0


def world_ranked(auroc: float, false_fire: float = FALSE_FIRE) -> World:
    """Return the strata of a ranking of this AUROC, for a label with this false-fire share."""
    shares = geometric_shares()
    edges = norm.isf(np.concatenate([[0.0], np.cumsum(shares)[:-1], [1.0]]))
    fitting = np.diff(norm.sf(edges - norm.ppf(auroc) * np.sqrt(2)))
    return World(shares, np.minimum(1.0, false_fire * fitting / shares))


def judge_windows(world: World, budget: int, *, key: tuple[object, ...]) -> Asked:
    """Return the answers to *budget* windows, a quarter of them at a time, each round placed by those before."""
    draw = generator(0, "population trial", *key)
    rooms = np.round(world.shares * N_WINDOWS * (1 - DENSITY)).astype(int)
    asked = Asked(0, 0, tuple(Stratum(share) for share in world.shares))
    for number in range(N_ROUNDS):
        asked = _answered(asked, _placed(asked, budget // N_ROUNDS, rooms, key=(*key, number)), world, draw)
    return asked


def _placed(asked: Asked, n: int, rooms: FloatArray, *, key: tuple[object, ...]) -> Next:
    """Return where the next answers go; at first by size alone, a third of them to firing windows."""
    n_firing_left = round(N_WINDOWS * DENSITY) - asked.n_firing
    left = [int(room) - stratum.n_asked for room, stratum in zip(rooms, asked.strata, strict=True)]
    if asked.n_firing == 0:
        sizes = np.sqrt([stratum.share for stratum in asked.strata])
        first, *others = share_answers(n, [0.5 * sizes.sum(), *sizes], [n_firing_left, *left])
        return Next(first, tuple(others))
    return next_questions(
        asked, n, window_density=DENSITY, n_firing_left=n_firing_left, n_silent_left=left, seed=0, key=key
    )


def _answered(asked: Asked, placed: Next, world: World, draw: np.random.Generator) -> Asked:
    strata = tuple(
        Stratum(stratum.share, stratum.n_asked + n, stratum.n_yes + int(draw.binomial(n, rate)))
        for stratum, n, rate in zip(asked.strata, placed.n_silent, world.rates, strict=True)
    )
    hits = int(draw.binomial(placed.n_firing, RECALL))
    return Asked(asked.n_hits + hits, asked.n_firing + placed.n_firing, strata)


def estimates(world: World, budget: int, n_repeats: int) -> list[Estimated]:
    """Return the F1 of each repeat."""
    found = []
    for repeat in range(n_repeats):
        asked = judge_windows(world, budget, key=(budget, round(world.f1, 6), repeat))
        figures = population_figures(
            asked.strata,
            n_hits=asked.n_hits,
            n_firing=asked.n_firing,
            window_density=DENSITY,
            seed=repeat,
        )
        found.append(figures.f1)
    return found


def uniform_rmse(budget: int, n_repeats: int) -> float:
    """Return the error of plain uniform sampling, counting 2 TP / (2 TP + FP + FN); 0 without any."""
    draw = generator(0, "uniform", budget)
    chances = [DENSITY * RECALL, DENSITY * (1 - RECALL), (1 - DENSITY) * FALSE_FIRE]
    tp, fn, fp, _ = draw.multinomial(budget, [*chances, 1 - sum(chances)], size=n_repeats).T
    f1 = 2 * tp / np.maximum(1, 2 * tp + fp + fn)
    truth = population_f1(RECALL, FALSE_FIRE, DENSITY) or 0.0
    return float(np.sqrt(((f1 - truth) ** 2).mean()))


def figures(n_repeats: int) -> list[Figure]:
    """Return RMSE and coverage by budget and ranking; bars hold at the ranking ``HEADLINE``."""
    found = [report(f"population_rmse_uniform_at_{budget}", uniform_rmse(budget, 20_000)) for budget in BARS]
    for auroc in RANKINGS:
        world = world_ranked(auroc)
        # The bars hold for all repeats at the headline; elsewhere a quarter of them shows the trend.
        repeats = n_repeats if auroc == HEADLINE else max(20, n_repeats // 4)
        for budget, bar in BARS.items():
            found += _of_world(
                world,
                f"ranking_{auroc:g}",
                budget,
                estimates(world, budget, repeats),
                bar=bar if auroc == HEADLINE else None,
            )
    for false_fire in OTHER_FALSE_FIRES:
        world = world_ranked(HEADLINE, false_fire)
        for budget in BARS:
            found += _of_world(
                world, f"false_fire_{false_fire:g}", budget, estimates(world, budget, max(20, n_repeats // 4))
            )
    return found


def _of_world(
    world: World, what: str, budget: int, found: list[Estimated], *, bar: float | None = None
) -> list[Figure]:
    errors = np.array([one.value for one in found]) - world.f1
    name, rmse = f"at_{budget}_{what}", float(np.sqrt((errors**2).mean()))
    coverage = float(np.mean([one.low <= world.f1 <= one.high for one in found]))
    name_of_rmse = f"population_rmse_{name}"
    return [
        report(name_of_rmse, rmse) if bar is None else at_most(name_of_rmse, rmse, bar),
        report(f"population_bias_{name}", errors.mean()),
        at_least(f"population_coverage_{name}", coverage, 0.93),
        report(f"population_width_{name}", np.mean([one.high - one.low for one in found])),
    ]
