"""Which tiles of a side are sampled, from which frames, and with which inclusion weights."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autointerp.core.draws import draw_key, draw_keys

N_BUCKETS = 10

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Quota:
    """How many tiles each frame of one side gives: highest peaks, spread over strata, any, silent."""

    top: int = 0
    firing: int = 0
    random: int = 0
    silent: int = 0


@dataclass(frozen=True, slots=True)
class Pool:
    """A frame besides those of a quota: *n* of these silent tiles, drawn by key under this stratum."""

    stratum: str
    tiles: Indices
    n: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """One sampled tile: its index on the side, its stratum, and 1 / P(it is in the union of frames)."""

    tile: int
    stratum: str
    weight: float


def bucket_of(peaks: Floats, *, peak: float) -> Indices:
    """Return the linear bucket 0 .. 9 between 0 and *peak* of each tile's largest activation, shape [n].

    Scaling Monosemanticity's feature browser; a tile at the peak itself is in the last bucket.
    """
    return np.minimum((peaks / peak * N_BUCKETS).astype(np.int64), N_BUCKETS - 1)


def spread(counts: Indices, n: int) -> Indices:
    """Return how many to draw from each bucket: one round after another, the strongest bucket first.

    ``counts``: tiles in each bucket, shape [n_buckets]. The result never exceeds it and sums to
    min(n, counts.sum()).
    """
    take = np.zeros_like(counts)
    while take.sum() < min(n, counts.sum()):
        for bucket in range(len(counts) - 1, -1, -1):
            if take[bucket] < counts[bucket] and take.sum() < n:
                take[bucket] += 1
    return take


def _lowest(keys: NDArray[np.uint64], members: Indices, n: int) -> Indices:
    """Return the *n* members with the smallest keys."""
    return members[np.argsort(keys[members], kind="stable")[:n]]


def _base_of(name: str, base: int) -> int:
    """Return what the keys of a frame are drawn with."""
    own = len(name) if name in {"random", "silent:random"} else draw_key(0, "frame", name)
    return (base + own) % 2**64


def _chance(chosen: Indices, members: Indices, n_tiles: int) -> Floats:
    """Return P(tile is drawn by this frame), shape [n_tiles]: the same for all its members, 0 elsewhere."""
    chance = np.zeros(n_tiles)
    if len(members):
        chance[members] = len(chosen) / len(members)
    return chance


def choose_tiles(
    peaks: Floats, keys: NDArray[np.uint64], *, quota: Quota, peak: float, base: int, pools: Iterable[Pool] = ()
) -> list[Chosen]:
    """Return the sampled tiles of one side for one feature.

    ``peaks``: each tile's largest activation, 0 where the feature is silent, shape [n_tiles].
    ``keys``: each tile's own key, shape [n_tiles]. ``base``: the feature's draw key. ``peak``: the
    feature's largest activation anywhere. ``pools``: frames of silent tiles. A tile in several frames
    stands once, under the first of top, firing, random, pools, silent:random; its weight is
    1 / P(union of the frames it could be drawn by).
    """
    n_tiles = len(peaks)
    mixed = draw_keys(base, keys)
    firing, silent = np.flatnonzero(peaks > 0), np.flatnonzero(peaks == 0)
    strata: dict[int, str] = {}
    missed = np.ones(n_tiles)

    top = firing[np.lexsort((mixed[firing], -peaks[firing]))][: quota.top]
    strata |= dict.fromkeys(top.tolist(), "top")
    missed[top] = 0.0

    buckets = bucket_of(peaks[firing], peak=peak) if len(firing) else np.zeros(0, np.int64)
    take = spread(np.bincount(buckets, minlength=N_BUCKETS), quota.firing)
    for bucket in np.flatnonzero(take):
        members = firing[buckets == bucket]
        drawn = _lowest(mixed, members, int(take[bucket]))
        missed *= 1 - _chance(drawn, members, n_tiles)
        strata = dict.fromkeys(drawn.tolist(), f"firing:{bucket}") | strata

    for name, members, n in (
        ("random", np.arange(n_tiles), quota.random),
        *((pool.stratum, pool.tiles, pool.n) for pool in pools),
        ("silent:random", silent, quota.silent),
    ):
        # Each frame has its own keys: with shared ones the smallest of all would also be the
        # smallest of the silent, and the frames would not be independent draws.
        drawn = _lowest(draw_keys(_base_of(name, base), keys), members, n)
        missed *= 1 - _chance(drawn, members, n_tiles)
        strata = dict.fromkeys(drawn.tolist(), name) | strata
    return [Chosen(tile, stratum, float(1 / (1 - missed[tile]))) for tile, stratum in sorted(strata.items())]
