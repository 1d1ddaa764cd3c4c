"""What a stretch of text says of every feature of one dictionary: small, and mergeable in any order.

A mergeable summary in the sense of Agarwal et al. 2013: counts add up, peaks are maxima, and a sample of
the k lowest keys of two texts together is cut from the k lowest of each. Keys are drawn by feature and place
alone, so any division of the text over shards and workers ends in the same samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from autointerp.core.draws import draw_keys
from autointerp.sampling.bins import lowest_strata, octave_bins
from autointerp.sampling.grouped import (
    begins_group,
    first_of_groups,
    ordered,
    packed,
    places_in,
    ranks,
    take_ragged,
)

TILES_A_CONTEXT = 4
TILE_BITS = 5
"""A tile has 2**5 tokens."""

Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept of one feature: tiles by side with the highest peaks, tiles by side and stratum, firing tokens.

    A stratum is a quarter octave of the tile's peak; all below a tenth of the feature's peak are one.
    """

    n_top: int = 16
    n_stratum: int = 16
    n_firings: int = 2048


@dataclass(frozen=True, slots=True)
class Counts:
    """Firing tokens and firing whole tiles by (feature, side, bin), sorted so; ``peak``: the largest activation there.

    Bins are quarter octaves from 2 ** (FIRST_BIN / 4): of the activation for tokens, of its peak for a tile.
    """

    feature: Ints
    side: Ints
    bin: Ints
    n_tokens: Ints
    n_tiles: Ints
    peak: Floats


@dataclass(frozen=True, slots=True)
class Tiles:
    """Sampled whole firing tiles, sorted by (feature, side, stratum, key).

    ``tile`` is the context's number * 4 + the tile's place in it. ``position`` and ``value``: the feature's
    activations on the pair of tiles (64 tokens, half a context) in which it stands; those of row i at
    ``first[i] : first[i + 1]``.
    """

    feature: Ints
    side: Ints
    tile: Ints
    key: Keys
    peak: Floats
    first: Ints
    position: NDArray[np.uint8]
    value: Floats


@dataclass(frozen=True, slots=True)
class Firings:
    """A keyed sample of firing tokens of the shown side, sorted by (feature, key)."""

    feature: Ints
    key: Keys
    token: Ints
    value: Floats


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is kept of one dictionary on a stretch of text."""

    counts: Counts
    tiles: Tiles
    firings: Firings


@dataclass(frozen=True, slots=True)
class Stretch:
    """Contexts of the text: ascending numbers, index of their side, keys [n]; tokens [n, 128]; whole tiles [n, 4]."""

    number: Ints
    side: Ints
    key: Keys
    tokens: Ints
    is_whole: Bools


@dataclass(frozen=True, slots=True)
class Entries:
    """Non-zero activations of one dictionary, sorted by (feature, context, position); all of shape [n_nonzero]."""

    feature: Ints
    context: Ints
    position: Ints
    activation: Floats


def feature_keys(base: int, features: Ints) -> Keys:
    """Return what the draws of each feature are keyed with."""
    return draw_keys(base, features.astype(np.uint64))


def tile_keys(context_keys: Keys, place: Ints) -> Keys:
    """Return each tile's own key, of its context's key and its place in it."""
    return draw_keys(context_keys, place.astype(np.uint64) + np.uint64(1))


def sketch_of(entries: Entries, text: Stretch, *, base: int, limits: Limits) -> Sketch:
    """Return the sketch of one dictionary on one stretch of text; ``base`` keys the dictionary's draws."""
    row = places_in(text.number, entries.context)
    side, place = text.side[row], entries.position >> TILE_BITS
    tile = entries.context * TILES_A_CONTEXT + place
    tokens = _token_counts(entries, side)
    tiles, tile_counts = _firing_tiles(entries, text, row, tile, tokens, base=base, limits=limits)
    firings = _shown_firings(entries, text, row, tile, base=base)
    return Sketch(_merge_counts([tokens, tile_counts]), tiles, _prune_firings(firings, limits))


def merge(sketches: Sequence[Sketch], limits: Limits) -> Sketch:
    """Return the sketch of all the texts together; the order of *sketches* does not matter."""
    whole = Sketch(
        _merge_counts([s.counts for s in sketches]),
        _concat_tiles([s.tiles for s in sketches]),
        _concat([s.firings for s in sketches]),
    )
    return prune(whole, limits)


def prune(sketch: Sketch, limits: Limits) -> Sketch:
    """Return the sketch with its rows in order and nothing that the limits leave out."""
    tiles = sketch.tiles
    rows = _kept(tiles.feature, tiles.side, tiles.tile, tiles.key, tiles.peak, sketch.counts, limits)
    return Sketch(sketch.counts, take_tiles(tiles, rows), _prune_firings(sketch.firings, limits))


def feature_peaks(counts: Counts) -> tuple[Ints, Floats]:
    """Return (features that fired, ascending, the largest activation of each)."""
    first = first_of_groups(counts.feature)
    return counts.feature[first], np.maximum.reduceat(counts.peak, first) if len(first) else counts.peak[:0]


# ---- one stretch of text


def _token_counts(entries: Entries, side: Ints) -> Counts:
    group = _count_group(entries.feature, side, octave_bins(entries.activation))
    return _counted(group, np.ones(len(group), np.int64), np.zeros(len(group), np.int64), entries.activation)


def _firing_tiles(
    entries: Entries, text: Stretch, row: Ints, tile: Ints, tokens: Counts, *, base: int, limits: Limits
) -> tuple[Tiles, Counts]:
    """Return the sampled whole tiles in which a feature fires, and how many there are of each (feature, side, bin)."""
    pair = tile >> 1
    begins_tile = begins_group(entries.feature, tile)
    first = np.flatnonzero(begins_tile)
    if not len(first):
        return no_tiles(), _counted(_EMPTY, _EMPTY, _EMPTY, np.zeros(0, np.float32))
    begins_pair = begins_group(entries.feature, pair)
    pair_edges, pair_of = np.append(np.flatnonzero(begins_pair), len(tile)), np.cumsum(begins_pair) - 1
    peak = np.maximum.reduceat(entries.activation, first)
    rows, place = row[first], tile[first] % TILES_A_CONTEXT
    whole = text.is_whole[rows, place]
    first, peak, rows, place = first[whole], peak[whole], rows[whole], place[whole]
    feature, side = entries.feature[first], text.side[rows]
    key = draw_keys(feature_keys(base, feature), tile_keys(text.key[rows], place))
    group = _count_group(feature, side, octave_bins(peak))
    counts = _counted(group, np.zeros(len(group), np.int64), np.ones(len(group), np.int64), peak)
    keep = _kept(feature, side, tile[first], key, peak, tokens, limits)
    first = first[keep]
    number = pair_of[first]
    where, begins = take_ragged(pair_edges[number], pair_edges[number + 1])
    position = (entries.position[where] & (2 ** (TILE_BITS + 1) - 1)).astype(np.uint8)
    value = entries.activation[where]
    return Tiles(feature[keep], side[keep], tile[first], key[keep], peak[keep], begins, position, value), counts


def _shown_firings(entries: Entries, text: Stretch, row: Ints, tile: Ints, *, base: int) -> Firings:
    shown = np.flatnonzero(text.side[row] == 0)
    feature, row, position = entries.feature[shown], row[shown], entries.position[shown]
    own = draw_keys(tile_keys(text.key[row], tile[shown] % TILES_A_CONTEXT), position.astype(np.uint64))
    key = draw_keys(feature_keys(base, feature), own)
    return Firings(feature, key, text.tokens[row, position], entries.activation[shown])


# ---- counts

_EMPTY = np.zeros(0, np.int64)


def _count_group(feature: Ints, side: Ints, octave: Ints) -> Ints:
    return ((feature << 2) | side) << 7 | octave


def _counted(group: Ints, n_tokens: Ints, n_tiles: Ints, peak: Floats) -> Counts:
    order = np.argsort(group)
    group = group[order]
    first = first_of_groups(group)
    if not len(first):
        return Counts(_EMPTY, _EMPTY, _EMPTY, _EMPTY, _EMPTY, np.zeros(0, np.float32))
    group = group[first]
    return Counts(
        group >> 9,
        (group >> 7) & 3,
        group & 127,
        np.add.reduceat(n_tokens[order], first),
        np.add.reduceat(n_tiles[order], first),
        np.maximum.reduceat(peak[order], first),
    )


def _merge_counts(parts: Sequence[Counts]) -> Counts:
    whole = _concat(parts)
    return _counted(_count_group(whole.feature, whole.side, whole.bin), whole.n_tokens, whole.n_tiles, whole.peak)


# ---- samples


def no_tiles() -> Tiles:
    none = np.zeros(0, np.float32)
    first = np.zeros(1, np.int64)
    return Tiles(_EMPTY, _EMPTY, _EMPTY, _EMPTY.astype(np.uint64), none, first, _EMPTY.astype(np.uint8), none)


def _kept(feature: Ints, side: Ints, tile: Ints, key: Keys, peak: Floats, counts: Counts, limits: Limits) -> Ints:
    """Return the rows of the tiles with the lowest keys of each stratum and the highest peaks of each side, sorted."""
    features, peaks = feature_peaks(counts)
    low = lowest_strata(peaks)[places_in(features, feature)]
    owner = (feature << 2) | side
    group = (owner << 7) | np.maximum(octave_bins(peak), low)
    order = ordered(packed(group, key, 29), key, tile)
    keep = np.zeros(len(order), np.bool_)
    keep[order] = ranks(group[order]) < limits.n_stratum
    # The bits of positive floats order as the floats do.
    height = np.uint64(2**32 - 1) - peak.view(np.uint32).astype(np.uint64)
    by_peak = ordered((owner.astype(np.uint64) << np.uint64(32)) | height, keys_of_ties(key), tile)
    keep[by_peak[ranks(owner[by_peak]) < limits.n_top]] = True
    return order[keep[order]]


def _prune_firings(firings: Firings, limits: Limits) -> Firings:
    order = ordered(packed(firings.feature, firings.key, 38), firings.key, firings.token)
    order = order[ranks(firings.feature[order]) < limits.n_firings]
    return Firings(*(getattr(firings, f.name)[order] for f in fields(firings)))


def keys_of_ties(keys: Keys) -> Keys:
    """Return what decides among equal peaks: not the keys that decide who is kept of a stratum.

    With these the top tiles would be the very members of their stratum, and the others' weights too small.
    """
    return draw_keys(1, keys)


def take_tiles(tiles: Tiles, rows: Ints) -> Tiles:
    """Return these rows, in this order."""
    where, begins = take_ragged(tiles.first[rows], tiles.first[rows + 1])
    return Tiles(
        tiles.feature[rows],
        tiles.side[rows],
        tiles.tile[rows],
        tiles.key[rows],
        tiles.peak[rows],
        begins,
        tiles.position[where],
        tiles.value[where],
    )


ColumnsT = TypeVar("ColumnsT", Counts, Firings)


def _concat(parts: Sequence[ColumnsT]) -> ColumnsT:
    kind = type(parts[0])
    return kind(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(kind)))


def _concat_tiles(parts: Sequence[Tiles]) -> Tiles:
    counts = [np.diff(part.first) for part in parts]
    first = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    columns = {
        f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Tiles) if f.name != "first"
    }
    return Tiles(first=first, **columns)
