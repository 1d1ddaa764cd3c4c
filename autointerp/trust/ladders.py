"""A planted feature's labels in the order they deserve, as certificates need them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autointerp.core.types import FeatureId, Window
from autointerp.metrics.classification import population_f1
from autointerp.trust.planting import PlantSettings, population
from autointerp.trust.predicates import is_firing
from autointerp.trust.zoo import WORTHLESS, Rung, WindowLike, ZooFeature, f1_of


@dataclass(frozen=True, slots=True)
class Step:
    """One label of a ladder.

    ``explanation``: its key in the tables. ``f1``: its true worth in [0, 1]. ``fits``: the items
    (``doc:start``) on which the label's own meaning fires. ``recall``, ``false_fire``: shares of the
    feature's firing and silent tiles among them.
    """

    rung: str
    explanation: str
    f1: float
    fits: frozenset[str] = frozenset()
    recall: float = 0.0
    false_fire: float = 0.0

    @property
    def is_meaningful(self) -> bool:
        """Whether the label speaks about this feature at all, so that a judge's errors on it count."""
        return self.rung not in WORTHLESS


@dataclass(frozen=True, slots=True)
class Ladder:
    """A feature and its labels; exactly one step is ``exact``."""

    feature: FeatureId
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if [step.rung for step in self.steps].count("exact") != 1:
            msg = f"ladder of {self.feature}: needs exactly one exact label"
            raise ValueError(msg)

    @property
    def exact(self) -> Step:
        return next(step for step in self.steps if step.rung == "exact")


def ladder_of(feature: ZooFeature, windows: Sequence[WindowLike], settings: PlantSettings | None = None) -> Ladder:
    """Return the ladder with truth counted over the same tiles ``plant`` draws from."""
    ladder = ladder_among(feature, population(feature, windows, settings))
    chosen = settings.window_density if settings else None
    return ladder if chosen is None else at_density(ladder, chosen)


def ladder_among(feature: ZooFeature, tiles: Sequence[Window]) -> Ladder:
    """Return the ladder with truth counted over *tiles*, which carry the feature's activations."""
    fires = frozenset(tile.item for tile in tiles if tile.is_firing)
    return Ladder(feature.feature, tuple(_step(feature, rung, tiles, fires) for rung in feature.rungs))


def at_density(ladder: Ladder, window_density: float) -> Ladder:
    """Return the ladder as it is worth where a share *window_density* of all tiles fires.

    Firing tiles stand for that share of the population, silent ones for the rest: shares within
    either kind stay, so the truth is still counted and not sampled.
    """
    return Ladder(
        ladder.feature,
        tuple(
            replace(step, f1=population_f1(step.recall, step.false_fire, window_density) or 0.0)
            for step in ladder.steps
        ),
    )


def _step(feature: ZooFeature, rung: Rung, tiles: Sequence[Window], fires: frozenset[str]) -> Step:
    is_same = rung.predicate == feature.predicate
    fits = fires if is_same else frozenset(t.item for t in tiles if is_firing(rung.predicate, t.tokens))
    # Where neither label nor feature fires anywhere the label is as good as none.
    n_both, n_silent = len(fits & fires), len(tiles) - len(fires)
    return Step(
        rung=rung.rung,
        explanation=feature.labelled(rung).explanation.key,
        f1=f1_of(n_both, n_one=len(fits ^ fires)) or 0.0,
        fits=fits,
        recall=n_both / len(fires) if fires else 0.0,
        false_fire=(len(fits) - n_both) / n_silent if n_silent else 0.0,
    )
