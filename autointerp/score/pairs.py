"""Simulation windows: two adjacent tiles of 32 tokens joined into one window of 64."""

from collections.abc import Iterable
from dataclasses import dataclass

from autointerp.core.draws import draw
from autointerp.core.types import Evidence, Sample, Window
from autointerp.score.settings import ScoreSettings

TILE = 32
TOP_AND_RANDOM, RANDOM_ONLY = "top_and_random", "random_only"


@dataclass(frozen=True, slots=True)
class Pair:
    """A window of 64 tokens (32 where the other half was not sampled) and the variants it counts for.

    ``weight``: the inclusion weight of the tile that was drawn; its other half stands for nothing.
    """

    window: Window
    weight: float
    variants: tuple[str, ...]


def choose_pairs(evidence: Evidence, settings: ScoreSettings) -> list[Pair]:
    """Return the held-out pairs to simulate, each once, by name.

    n_top pairs that hold a tile of stratum ``top`` and n_random that hold one of ``random``, by keyed
    draw. A pair may be both: leaving it out of ``random_only`` would make that variant rarer than it is.
    """
    top = _draw_pairs(evidence, "top", settings.n_top, settings.seed)
    random = _draw_pairs(evidence, "random", settings.n_random, settings.seed)
    tiles = {(s.window.doc, s.window.start): s.window for s in evidence.held_out}
    return [
        Pair(
            window=_join(tiles, sample.window),
            weight=sample.weight,
            variants=(TOP_AND_RANDOM, RANDOM_ONLY) if place in random else (TOP_AND_RANDOM,),
        )
        for place, sample in sorted((random | top).items(), key=lambda found: found[0])
    ]


def _draw_pairs(evidence: Evidence, stratum: str, n: int, seed: int) -> dict[tuple[str, int], Sample]:
    """Return *n* pairs that hold a tile of the stratum: from (document, pair number) to that tile."""
    found: dict[tuple[str, int], Sample] = {}
    for sample in sorted(_of_stratum(evidence.held_out, stratum), key=lambda s: s.window.start):
        found.setdefault((sample.window.doc, sample.window.start // (2 * TILE)), sample)
    feature = str(evidence.feature)
    return {place: found[place] for place in draw(found, n, seed=seed, key=lambda p: ("simulation", feature, *p))}


def _of_stratum(samples: Iterable[Sample], stratum: str) -> list[Sample]:
    return [sample for sample in samples if sample.stratum == stratum]


def _join(tiles: dict[tuple[str, int], Window], drawn: Window) -> Window:
    """Return the tile with the other half of its pair, in the order of the text; alone where that is missing."""
    start = drawn.start - drawn.start % (2 * TILE)
    first, second = tiles.get((drawn.doc, start)), tiles.get((drawn.doc, start + TILE))
    if drawn.start % TILE or first is None or second is None or len(first.tokens) != TILE:
        return drawn
    return Window(drawn.doc, start, first.tokens + second.tokens, first.activations + second.activations)
