"""Which tiles of a side are sampled, from which frames, and with which inclusion weights."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autointerp.core.draws import draw_key, draw_keys
from autointerp.sampling.bins import N_BINS, N_BUCKETS, lowest_strata, octave_bins
from autointerp.sampling.grouped import ranks
from autointerp.sampling.sketches import keys_of_ties

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
class Sampled:
    """The tiles of one side on which a feature fires, as far as they were kept: [n] each.

    ``is_member``: it is among the lowest keys of its stratum, not only among the highest peaks.
    ``share``: which part of each stratum's tiles are members, by the bin of a tile's peak, [N_BINS].
    """

    tiles: Indices
    keys: NDArray[np.uint64]
    peaks: Floats
    is_member: NDArray[np.bool_]
    share: Floats


@dataclass(frozen=True, slots=True)
class Pooled:
    """Tiles of one side drawn for all features alike: their own keys, the feature's peaks there (0 where silent), [n].

    ``share``: which part of the side's whole tiles they are.
    """

    tiles: Indices
    keys: NDArray[np.uint64]
    peaks: Floats
    share: float


@dataclass(frozen=True, slots=True)
class Pool:
    """A frame besides those of a quota: *n* of these silent pooled tiles, drawn by key under this stratum."""

    stratum: str
    tiles: Indices
    n: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """One sampled tile: its number, its stratum, and 1 / P(it is in the union of frames)."""

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


def stratified(
    tiles: Indices, keys: NDArray[np.uint64], peaks: Floats, *, counts: Indices, peak: float, n_stratum: int
) -> Sampled:
    """Return kept firing tiles with what is known of their strata.

    ``counts``: firing tiles of the side by bin of their peak, [N_BINS]; ``n_stratum``: members of a
    stratum at most (``Limits``).
    """
    low = int(lowest_strata(np.array([peak]))[0])
    stratum_of_bin = np.maximum(np.arange(N_BINS), low)
    sizes = np.bincount(stratum_of_bin, weights=counts, minlength=N_BINS)
    share = np.minimum(1.0, n_stratum / np.maximum(sizes, 1))[stratum_of_bin]
    stratum = stratum_of_bin[octave_bins(peaks)] if len(peaks) else np.zeros(0, np.int64)
    order = np.lexsort((keys, stratum))
    is_member = np.zeros(len(tiles), np.bool_)
    is_member[order] = ranks(stratum[order]) < n_stratum
    return Sampled(tiles, keys, peaks, is_member, share)


def _lowest(keys: NDArray[np.uint64], members: Indices, n: int) -> Indices:
    """Return the *n* members with the smallest keys."""
    return members[np.argsort(keys[members], kind="stable")[:n]]


def _base_of(name: str, base: int) -> int:
    """Return what the keys of a frame are drawn with."""
    own = len(name) if name in {"random", "silent:random"} else draw_key(0, "frame", name)
    return (base + own) % 2**64


def choose_tiles(
    sampled: Sampled, pooled: Pooled, *, quota: Quota, peak: float, base: int, pools: Iterable[Pool] = ()
) -> list[Chosen]:
    """Return the sampled tiles of one side for one feature.

    ``peak``: the feature's largest activation anywhere. ``base``: the feature's draw key. ``pools``:
    frames of silent tiles among the pooled ones. A tile in several frames stands once, under the first
    of top, firing, random, pools, silent:random; its weight is 1 / P(union of the frames it could be
    drawn by). What was kept of a stratum, and the pool, are samples themselves: their shares enter.
    """
    top = np.lexsort((keys_of_ties(sampled.keys), -sampled.peaks))[: quota.top]
    strata = dict.fromkeys(sampled.tiles[top].tolist(), "top")
    buckets = bucket_of(sampled.peaks, peak=peak)
    # Keys choose what is kept of a stratum; drawn again by them, a stratum of which little is kept
    # would always come first.
    again = draw_keys(_base_of("firing", base), sampled.keys)
    kept = np.bincount(buckets[sampled.is_member], minlength=N_BUCKETS)
    take = spread(kept, quota.firing)
    for bucket in np.flatnonzero(take):
        drawn = _lowest(again, np.flatnonzero(sampled.is_member & (buckets == bucket)), int(take[bucket]))
        strata = dict.fromkeys(sampled.tiles[drawn].tolist(), f"firing:{bucket}") | strata
    chance = take / np.maximum(kept, 1)

    silent = np.flatnonzero(pooled.peaks == 0)
    missed = np.ones(len(pooled.tiles))
    for name, members, n in (
        ("random", np.arange(len(pooled.tiles)), quota.random),
        *((pool.stratum, pool.tiles, pool.n) for pool in pools),
        ("silent:random", silent, quota.silent),
    ):
        # Each frame has its own keys: with shared ones the smallest of all would also be the
        # smallest of the silent, and the frames would not be independent draws.
        drawn = _lowest(draw_keys(_base_of(name, base), pooled.keys), members, n)
        missed[members] *= 1 - len(drawn) / max(len(members), 1)
        strata = dict.fromkeys(pooled.tiles[drawn].tolist(), name) | strata
    # A tile that fires stands in one frame of the pool alone; so does one that fires outside the pool.
    by_random = min(1.0, quota.random / max(len(pooled.tiles), 1))
    chances = dict(zip(pooled.tiles[silent].tolist(), (1 - missed[silent]).tolist(), strict=True))
    peaks = dict(zip(pooled.tiles.tolist(), pooled.peaks.tolist(), strict=True))
    peaks |= dict(zip(sampled.tiles.tolist(), sampled.peaks.tolist(), strict=True))
    found = []
    for tile, stratum in sorted(strata.items()):
        in_pool = pooled.share * chances.get(tile, by_random)
        in_sample = _by_firing(sampled, peaks[tile], chance, peak=peak)
        chosen = 1.0 if stratum == "top" else 1 - (1 - in_sample) * (1 - in_pool)
        found.append(Chosen(tile, stratum, 1 / chosen))
    return found


def _by_firing(sampled: Sampled, own: float, chance: Floats, *, peak: float) -> float:
    """Return P(the frame of firing tiles draws a tile with this peak); ``chance``: of a member, [N_BUCKETS]."""
    if own == 0:
        return 0.0
    there = np.array([own])
    return float(sampled.share[octave_bins(there)[0]] * chance[bucket_of(there, peak=peak)[0]])
