"""A planted feature's labels in the order they deserve, as certificates need them."""

from collections.abc import Sequence
from dataclasses import dataclass

from autointerp.core.types import FeatureId, Window
from autointerp.trust.planting import PlantSettings, population
from autointerp.trust.predicates import is_firing
from autointerp.trust.zoo import WORTHLESS, Rung, WindowLike, ZooFeature, f1_of


@dataclass(frozen=True, slots=True)
class Step:
    """One label of a ladder.

    ``explanation``: its key in the tables. ``f1``: its true worth in [0, 1]. ``fits``: the items
    (``doc:start``) on which the label's own meaning fires.
    """

    rung: str
    explanation: str
    f1: float
    fits: frozenset[str] = frozenset()

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
    tiles = population(feature, windows, settings)
    fires = frozenset(tile.item for tile in tiles if tile.is_firing)
    return Ladder(feature.feature, tuple(_step(feature, rung, tiles, fires) for rung in feature.rungs))


def _step(feature: ZooFeature, rung: Rung, tiles: Sequence[Window], fires: frozenset[str]) -> Step:
    is_same = rung.predicate == feature.predicate
    fits = fires if is_same else frozenset(t.item for t in tiles if is_firing(rung.predicate, t.tokens))
    # Where neither label nor feature fires anywhere the label is as good as none.
    f1 = f1_of(len(fits & fires), n_one=len(fits ^ fires)) or 0.0
    return Step(rung.rung, feature.labelled(rung).explanation.key, f1, fits)
