"""Sketches: small, exact where everything fits, and the same however the text was divided."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.draws import draw_key
from autointerp.sampling.bins import FIRST_BIN, N_BINS, lowest_strata, octave_bins
from autointerp.sampling.sketches import (
    TILES_A_CONTEXT,
    Entries,
    Limits,
    Sketch,
    Stretch,
    feature_peaks,
    keys_of_ties,
    merge,
    sketch_of,
)

SMALL = Limits(n_top=2, n_stratum=2, n_firings=3)
ALL = Limits(n_top=10**6, n_stratum=10**6, n_firings=10**6)


def text_of(n: int, *, seed: int = 0) -> Stretch:
    draws = np.random.default_rng(seed)
    return Stretch(
        number=np.arange(n),
        side=draws.integers(0, 3, n),
        key=np.array([draw_key(0, "context", i) for i in range(n)], np.uint64),
        tokens=draws.integers(0, 50, (n, 128)),
        is_whole=draws.random((n, TILES_A_CONTEXT)) < 0.9,
    )


def entries_of(n: int, *, seed: int, n_features: int = 5, n_entries: int = 400, quantised: bool = False) -> Entries:
    """Return activations on *n* contexts; quantised ones have many ties."""
    draws = np.random.default_rng(seed)
    places = np.unique(draws.integers(0, n_features * n * 128, n_entries))
    values = np.exp(draws.normal(0, 2, len(places)))
    if quantised:
        values = np.ceil(values)
    return Entries(places // (n * 128), places // 128 % n, places % 128, values.astype(np.float32))


def part(entries: Entries, text: Stretch, numbers: np.ndarray) -> tuple[Entries, Stretch]:
    mine = np.isin(entries.context, numbers)
    rows = np.isin(text.number, numbers)
    return (
        Entries(*(getattr(entries, f.name)[mine] for f in fields(Entries))),
        Stretch(*(getattr(text, f.name)[rows] for f in fields(Stretch))),
    )


def plain(sketch: Sketch) -> dict[str, list[Any]]:
    found = {}
    for name in ("counts", "tiles", "firings"):
        table = getattr(sketch, name)
        found |= {f"{name}.{f.name}": getattr(table, f.name).tolist() for f in fields(table)}
    return found


@given(
    st.integers(0, 10**6),
    st.lists(st.integers(0, 6), min_size=12, max_size=12),
    st.booleans(),
    st.sampled_from([SMALL, Limits(1, 5, 40), ALL]),
    st.randoms(use_true_random=False),
)
def test_any_division_of_the_text_gives_the_same(
    seed: int, worker: list[int], quantised: bool, limits: Limits, shuffler: Any
) -> None:
    """Whoever reads which contexts, and in whatever order and nesting they are merged, the sketch is the same."""
    text, entries = text_of(12, seed=seed), entries_of(12, seed=seed, quantised=quantised)
    whole = sketch_of(entries, text, base=seed, limits=limits)
    sketches = [
        sketch_of(*part(entries, text, np.flatnonzero(np.array(worker) == w)), base=seed, limits=limits)
        for w in set(worker)
    ]
    shuffler.shuffle(sketches)
    nested = [merge(sketches[:2], limits), *sketches[2:]]
    assert plain(merge(nested, limits)) == plain(merge([whole], limits)) == plain(whole)


@given(st.integers(0, 10**6))
def test_nothing_is_lost_where_there_is_room(seed: int) -> None:
    """With room for all, the sketch holds every whole firing tile with its activations, and every shown firing."""
    text, entries = text_of(12, seed=seed), entries_of(12, seed=seed)
    found = sketch_of(entries, text, base=0, limits=ALL)
    dense = np.zeros((5, 12, 2, 64))
    dense[entries.feature, entries.context, entries.position // 64, entries.position % 64] = entries.activation
    tiles = found.tiles
    expected = {
        (f, c * 4 + t)
        for f, c, t in zip(*np.nonzero(dense.reshape(5, 12, 4, 32).max(axis=3)), strict=True)
        if text.is_whole[c, t]
    }
    assert set(zip(tiles.feature.tolist(), tiles.tile.tolist(), strict=True)) == expected
    for row, (feature, tile) in enumerate(zip(tiles.feature, tiles.tile, strict=True)):
        pair = np.zeros(64)
        span = slice(tiles.first[row], tiles.first[row + 1])
        pair[tiles.position[span]] = tiles.value[span]
        assert (pair == dense[feature, tile // 4, tile % 4 // 2]).all()
        assert tiles.peak[row] == dense[feature, tile // 4].reshape(4, 32)[tile % 4].max().astype(np.float32)
    shown = text.side[entries.context] == 0
    tokens = sorted(zip(entries.feature[shown], text.tokens[entries.context, entries.position][shown], strict=True))
    assert sorted(zip(found.firings.feature, found.firings.token, strict=True)) == tokens


@given(st.integers(0, 10**6), st.booleans())
def test_counts_are_of_everything(seed: int, quantised: bool) -> None:
    """Counts speak of all tokens and tiles, whatever was kept; peaks are exact."""
    text, entries = text_of(12, seed=seed), entries_of(12, seed=seed, quantised=quantised)
    counts = sketch_of(entries, text, base=0, limits=SMALL).counts
    assert (np.bincount(counts.feature, counts.n_tokens, 5) == np.bincount(entries.feature, minlength=5)).all()
    n_tiles = np.bincount(sketch_of(entries, text, base=0, limits=ALL).tiles.feature, minlength=5)
    assert (np.bincount(counts.feature, counts.n_tiles, 5) == n_tiles).all()
    features, peaks = feature_peaks(counts)
    for feature, peak in zip(features, peaks, strict=True):
        assert peak == entries.activation[entries.feature == feature].max()


@given(st.integers(0, 10**6), st.booleans())
def test_what_is_kept_are_the_lowest_keys_and_the_highest_peaks(seed: int, quantised: bool) -> None:
    """Of each side and stratum the lowest keys are kept, of each side the highest peaks, and nothing else."""
    text, entries = text_of(12, seed=seed), entries_of(12, seed=seed, quantised=quantised)
    everything, found = (sketch_of(entries, text, base=3, limits=limits).tiles for limits in (ALL, SMALL))
    features, peaks = feature_peaks(sketch_of(entries, text, base=3, limits=ALL).counts)
    expected = set()
    for feature, peak in zip(features, peaks, strict=True):
        low = lowest_strata(np.array([peak]))[0]
        for side in range(3):
            rows = np.flatnonzero((everything.feature == feature) & (everything.side == side))
            strata = np.maximum(octave_bins(everything.peak[rows]), low)
            for stratum in set(strata.tolist()):
                mine = rows[strata == stratum]
                expected |= {(feature, everything.tile[r]) for r in mine[np.argsort(everything.key[mine])][:2]}
            ties = dict(zip(rows, keys_of_ties(everything.key[rows]), strict=True))
            by_peak = sorted(rows, key=lambda r: (-everything.peak[r], ties[r]))
            expected |= {(feature, everything.tile[r]) for r in by_peak[:2]}
    assert set(zip(found.feature, found.tile, strict=True)) == expected


def test_bins_are_quarter_octaves() -> None:
    """Each power of 2 ** (1 / 4) begins a bin; what is far outside falls into the first and the last."""
    edges = np.float32(2.0) ** (np.arange(-59, 67, dtype=np.float32) / 4)
    assert octave_bins(edges).tolist() == list(range(1, 127))
    assert octave_bins(np.nextafter(edges, np.float32(0))).tolist() == list(range(126))
    assert octave_bins(np.array([1e-30, 1e30], np.float32)).tolist() == [0, N_BINS - 1]


@pytest.mark.parametrize("peak", [0.02, 1.0, 37.5, 3e4])
def test_the_lowest_stratum_is_below_a_tenth(peak: float) -> None:
    """What is merged into one stratum lies below a tenth of the peak; the next bin does not."""
    low = int(lowest_strata(np.array([peak]))[0])
    upper = 2.0 ** ((low + 1 + FIRST_BIN) / 4)
    assert upper <= peak / 10 * (1 + 1e-6)
    assert upper * 2**0.25 > peak / 10 * (1 - 1e-6)
