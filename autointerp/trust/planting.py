"""Evidence for a planted feature: real and templated windows, split by document, drawn with known weights."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from autointerp.core.types import SIDES, Evidence, TokenStat, Window
from autointerp.sampling.sides import side_of
from autointerp.trust.frames import SideSizes, draw_side
from autointerp.trust.predicates import is_firing
from autointerp.trust.templates import template_windows
from autointerp.trust.zoo import WORTHLESS, WindowLike, ZooFeature

SHOWN = SideSizes(top=10, firing=10, silent=10, near=10)
SELECT = SideSizes(top=2, firing=2, silent=2, near=2)
HELD_OUT = SideSizes(top=2, firing=4, silent=3, near=3)


@dataclass(frozen=True, slots=True)
class PlantSettings:
    """Sizes of the sides and when templated documents join; all numbers are our choice.

    A held-out side of 2 + 4 firing and 3 + 3 silent tiles makes 12 detection items; simulation needs
    ``random`` > 0 besides. Below ``min_available`` held-out firing tiles, or with fewer near ones
    than asked, ``n_template_docs`` documents of two tiles join the corpus. ``window_density``: what the
    firing tiles are said to be of all; None means as counted (see ``ladders.at_density``).
    """

    seed: int = 0
    shown: SideSizes = SHOWN
    select: SideSizes = SELECT
    held_out: SideSizes = HELD_OUT
    min_available: int = 20
    n_template_docs: int = 120
    window_density: float | None = None

    def sizes(self, side: str) -> SideSizes:
        """Return the sizes of ``shown``, ``select`` or ``held_out``."""
        return {"shown": self.shown, "select": self.select, "held_out": self.held_out}[side]


def plant(feature: ZooFeature, windows: Sequence[WindowLike], settings: PlantSettings | None = None) -> Evidence:
    """Return evidence about a planted feature; its activations are those of its predicate on each tile.

    Densities, peak and ``n_available`` are counted over everything drawn from: the windows and, where
    they joined, the templated documents.

    Args:
        feature: What to plant.
        windows: Tiles of 32 tokens, start a multiple of 32; other activations they carry are ignored.
        settings: Sizes and seed.
    """
    settings = settings or PlantSettings()
    return plant_among(feature, population(feature, windows, settings), settings)


def plant_among(feature: ZooFeature, tiles: Sequence[Window], settings: PlantSettings) -> Evidence:
    """Return evidence drawn from the feature's whole *population*, for callers that have counted it already."""
    by_side = _by_side(tiles, settings.seed)
    firing = [tile for tile in tiles if tile.is_firing]
    n_tokens = sum(len(tile.tokens) for tile in tiles)
    drawn = {
        side: draw_side(by_side[side], settings.sizes(side), _is_near(feature), (settings.seed, feature.name, side))
        for side in SIDES
    }
    return Evidence(
        feature=feature.feature,
        density=sum(a > 0 for tile in firing for a in tile.activations) / n_tokens if n_tokens else 0.0,
        window_density=settings.window_density or (len(firing) / len(tiles) if tiles else 0.0),
        peak=max((tile.peak for tile in firing), default=0.0),
        n_available=sum(tile.is_firing for tile in by_side["held_out"]),
        token_stats=_token_stats(by_side["shown"]),
        n_shown_tokens=sum(len(tile.tokens) for tile in by_side["shown"]),
        shown=drawn["shown"],
        select=drawn["select"],
        held_out=drawn["held_out"],
    )


def population(
    feature: ZooFeature, windows: Iterable[WindowLike], settings: PlantSettings | None = None
) -> tuple[Window, ...]:
    """Return the tiles the feature lives on: the windows with its activations, and templates where needed."""
    settings = settings or PlantSettings()
    tiles = tuple(Window(w.doc, w.start, w.tokens, feature.predicate.activations(w.tokens)) for w in windows)
    held_out = [tile for tile in tiles if side_of(tile.doc, seed=settings.seed) == "held_out"]
    n_near = sum(_is_near(feature)(tile) for tile in held_out)
    if sum(tile.is_firing for tile in held_out) >= settings.min_available and n_near >= settings.held_out.near:
        return tiles
    return tiles + template_windows(feature, settings.n_template_docs, seed=settings.seed)


def _by_side(tiles: Iterable[Window], seed: int) -> dict[str, list[Window]]:
    sides: dict[str, list[Window]] = {side: [] for side in SIDES}
    for tile in tiles:
        sides[side_of(tile.doc, seed=seed)].append(tile)
    return sides


def _is_near(feature: ZooFeature) -> Callable[[Window], bool]:
    """Return a test for silent tiles on which another meaningful label of the ladder fires."""
    meant = [rung.predicate for rung in feature.rungs if rung.rung not in WORTHLESS]
    others = [predicate for predicate in meant if predicate != feature.predicate]

    def test(tile: Window) -> bool:
        return not tile.is_firing and any(is_firing(other, tile.tokens) for other in others)

    return test


def _token_stats(tiles: Iterable[Window]) -> tuple[TokenStat, ...]:
    """Return the tokens the feature fires on, most often fired first."""
    seen: Counter[str] = Counter()
    fired: Counter[str] = Counter()
    total: defaultdict[str, float] = defaultdict(float)
    for tile in tiles:
        seen.update(tile.tokens)
        for token, activation in zip(tile.tokens, tile.activations, strict=True):
            fired[token] += activation > 0
            total[token] += activation
    found = sorted((token for token in fired if fired[token]), key=lambda token: (-fired[token], token))
    return tuple(TokenStat(token, seen[token], fired[token], total[token] / seen[token]) for token in found)
