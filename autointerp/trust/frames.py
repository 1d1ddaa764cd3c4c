"""Which tiles of a side are drawn, in which stratum, with which weight."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from autointerp.core.draws import draw, draw_key
from autointerp.core.types import Sample, Window
from autointerp.trust.templates import TILE

N_BUCKETS = 10
Key = tuple[int, str, str]
"""Seed, feature and side: what decides the draws."""


@dataclass(frozen=True, slots=True)
class SideSizes:
    """How many tiles to draw for a side.

    ``near`` are silent ones on which a too broad, too narrow or sibling label fires: without them a
    too broad label looks exact. ``random`` are drawn from all tiles, beside the others.
    """

    top: int
    firing: int
    silent: int
    near: int
    random: int = 0


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Tiles drawn with their strata, and the probability with which any tile of the side is drawn."""

    tiles: tuple[tuple[Window, str], ...]
    chance: Mapping[str, float]


def draw_side(
    tiles: Sequence[Window], sizes: SideSizes, is_near: Callable[[Window], bool], key: Key
) -> tuple[Sample, ...]:
    """Return the samples of one side; weight = 1 / P(the tile is in any of the frames).

    The weights of all distinct tiles add up, in expectation, to the number of tiles. A tile drawn by
    two frames stands twice with one weight. The other half of a ``top`` or ``random`` tile's pair is
    added as ``neighbour`` with weight 0.
    """
    firing = _draw_firing([tile for tile in tiles if tile.is_firing], sizes, key)
    silent = _draw_silent([tile for tile in tiles if not tile.is_firing], sizes, is_near, key)
    random = _draw(tiles, sizes.random, key, "random")
    share = len(random) / len(tiles) if tiles else 0.0
    chance = {**firing.chance, **silent.chance}
    drawn = [*firing.tiles, *silent.tiles, *((tile, "random") for tile in random)]
    samples = [Sample(tile, stratum, 1 / (1 - (1 - chance[tile.item]) * (1 - share))) for tile, stratum in drawn]
    return (*samples, *_neighbours(samples, tiles))


def _draw(tiles: Sequence[Window], k: int, key: Key, frame: str) -> list[Window]:
    seed, *names = key
    return draw(tiles, k, seed=seed, key=lambda tile: (*names, frame, tile.item))


def _draw_firing(tiles: Sequence[Window], sizes: SideSizes, key: Key) -> _Drawn:
    """Return the top tiles, ties broken by keyed draw, then an even number from each bucket of the rest."""
    seed, *names = key
    order = sorted(tiles, key=lambda t: (-t.peak, draw_key(seed, *names, "top", t.item)))
    top, rest = order[: sizes.top], order[sizes.top :]
    peak = max((tile.peak for tile in tiles), default=0.0)
    buckets: defaultdict[int, list[Window]] = defaultdict(list)
    for tile in rest:
        buckets[_bucket(tile, peak)].append(tile)
    numbers = share_out(sizes.firing, {j: len(bucket) for j, bucket in buckets.items()})
    drawn = {j: _draw(bucket, numbers[j], key, "firing") for j, bucket in buckets.items()}
    strata = [(t, "top") for t in top] + [(t, f"firing:{j}") for j in sorted(drawn) for t in drawn[j]]
    n_peak, n_top = Counter(t.peak for t in tiles), Counter(t.peak for t in top)

    def chance(tile: Window) -> float:
        # Tiles of one peak stand an equal chance to be among the top ones.
        by_top = n_top[tile.peak] / n_peak[tile.peak]
        j = _bucket(tile, peak)
        return by_top + (1 - by_top) * (numbers[j] / len(buckets[j]) if j in numbers else 0.0)

    return _Drawn(tuple(strata), {tile.item: chance(tile) for tile in tiles})


def _draw_silent(tiles: Sequence[Window], sizes: SideSizes, is_near: Callable[[Window], bool], key: Key) -> _Drawn:
    """Return near tiles, then tiles drawn from all silent ones that are left."""
    pool = [tile for tile in tiles if is_near(tile)]
    near = _draw(pool, sizes.near, key, "near")
    taken, near_items = {tile.item for tile in near}, {tile.item for tile in pool}
    left = [tile for tile in tiles if tile.item not in taken]
    silent = _draw(left, sizes.silent, key, "silent")
    by_near = len(near) / len(pool) if pool else 0.0
    by_silent = len(silent) / len(left) if left else 0.0

    def chance(tile: Window) -> float:
        first = by_near if tile.item in near_items else 0.0
        return first + (1 - first) * by_silent

    strata = [(t, "silent:near") for t in near] + [(t, "silent:random") for t in silent]
    return _Drawn(tuple(strata), {tile.item: chance(tile) for tile in tiles})


def _bucket(tile: Window, peak: float) -> int:
    """Return which tenth of the way from 0 to *peak* the tile's peak falls in, 0..9."""
    return min(N_BUCKETS - 1, int(N_BUCKETS * tile.peak / peak))


def share_out(k: int, sizes: Mapping[int, int]) -> dict[int, int]:
    """Return how many of *k* each bucket gives: as even as sizes allow, the highest bucket first.

    >>> share_out(5, {0: 1, 9: 10})
    {0: 1, 9: 4}
    """
    given = dict.fromkeys(sizes, 0)
    for _ in range(min(k, sum(sizes.values()))):
        open_ones = [j for j in sizes if given[j] < sizes[j]]
        given[min(open_ones, key=lambda j: (given[j], -j))] += 1
    return given


def _neighbours(samples: Sequence[Sample], tiles: Sequence[Window]) -> Iterator[Sample]:
    """Yield the tiles that complete a 64-token window and were not drawn themselves."""
    paired = [s for s in samples if s.stratum in ("top", "random")]
    pairs = {(s.window.doc, s.window.start // (2 * TILE)) for s in paired}
    there = {s.window.item for s in samples}
    for tile in tiles:
        if (tile.doc, tile.start // (2 * TILE)) in pairs and tile.item not in there:
            yield Sample(tile, "neighbour", 0.0)
