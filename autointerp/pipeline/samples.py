"""One row a feature with all that was kept of it: written when a harvest ends, read by evidence and pages."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from autointerp.core.draws import draw_key, draw_keys
from autointerp.core.types import SIDES
from autointerp.pipeline import sketching
from autointerp.pipeline.planned import shard_name
from autointerp.pipeline.text import context_key
from autointerp.sampling.bins import N_BINS
from autointerp.sampling.sketches import TILES_A_CONTEXT, Limits, Sketch, Tiles, feature_keys, feature_peaks, tile_keys
from autointerp.store.growing import write_together
from autointerp.store.parts import READERS, has_part, part_paths, read_arrow_part, read_part
from autointerp.store.rows import group_past, read_rows
from autointerp.store.threads import side_by_side
from autointerp.subject.contexts import CONTEXT_TOKENS, TILE_TOKENS

PLACES = N_BINS
"""Of one side in ``count_place``."""

PAIR_TOKENS = 2 * TILE_TOKENS
"""Two adjacent tiles, a simulation window."""

PAIRS_A_CONTEXT = CONTEXT_TOKENS // PAIR_TOKENS

ROWS_AT_ONCE = 2048
"""Features that are read together at least where several are wanted: one text is made once for all of them."""

GROUPS_AT_ONCE = 4
"""Groups of rows that are, likewise: opening the file for each would be a tenth of the time."""

OnProgress = Callable[[str, int, int, str], None]
Ints = NDArray[np.int64]


def bucket_name(dictionary: str, feature: int) -> str:
    """Return the name of the part that holds this feature."""
    return f"{dictionary} {feature // sketching.BUCKET}"


def write_samples(folder: Path, widths: Mapping[str, int], limits: Limits, *, on_progress: OnProgress) -> None:
    """Merge what the shards know and write one row a feature, a part for each 65,536 features of a dictionary."""
    names = sketching.live_parts(folder)
    places = ContextPlaces(folder)
    done, total = 0, sum(widths.values())
    for dictionary, width in widths.items():
        for first, past in sketching.buckets(width):
            name = bucket_name(dictionary, first)
            if not has_part(folder, "samples", name):
                some = sketching.ranges(folder, names, dictionary, (first, past))
                rows = (
                    {"samples": sample_rows(dictionary, sketch, features, places)}
                    for features in some
                    for sketch in [sketching.read_merged(folder, names, dictionary, features, limits)]
                )
                write_together(folder, name, ["samples"], rows)
            done += past - first
            on_progress("samples", done, total, "features")


class ContextPlaces:
    """Where contexts stand and what they hold, by number; shards are read as they are needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.first = self._first_numbers()

    def _first_numbers(self) -> Ints:
        """Return the number of each shard's first context: all shards but the last have as many."""
        paths = part_paths(self.folder, "contexts")
        size = len(read_part(self.folder, "contexts", shard_name(0), columns=["context"])) if paths else 1
        return np.arange(len(paths), dtype=np.int64) * size

    def of(self, numbers: Ints) -> pd.DataFrame:
        """Return the rows of these contexts (ascending, no number twice), indexed by number."""
        shards = np.searchsorted(self.first, numbers, side="right") - 1
        parts = []
        for shard in np.unique(shards).tolist():
            rows = read_part(self.folder, "contexts", shard_name(shard)).set_index("context")
            parts.append(rows.loc[numbers[shards == shard]])
        return pd.concat(parts) if parts else pd.DataFrame({"doc": [], "start": np.zeros(0, np.int64), "token_ids": []})


def sample_rows(dictionary: str, sketch: Sketch, features: tuple[int, int], places: ContextPlaces) -> pa.Table:
    """Return one row for each of the features first .. past - 1, empty where it never fired."""
    counts, firings, n = sketch.counts, sketch.firings, features[1] - features[0]
    of_counts, of_firings = edges(counts.feature, features), edges(firings.feature, features)
    own, peaks = feature_peaks(counts)
    peak = np.zeros(n, np.float32)
    peak[own - features[0]] = peaks
    return pa.table(
        {
            "dictionary": pa.DictionaryArray.from_arrays(np.zeros(n, np.int8), [dictionary]),
            "feature": np.arange(*features, dtype=np.int32),
            "peak": peak,
            "count_place": sketching.lists(of_counts, (counts.side * PLACES + counts.bin).astype(np.int16)),
            "count_tokens": sketching.lists(of_counts, counts.n_tokens),
            "count_tiles": sketching.lists(of_counts, counts.n_tiles),
            "firing_token": sketching.lists(of_firings, firings.token.astype(np.int32)),
            "firing_value": sketching.lists(of_firings, firings.value),
        }
        | _tile_columns(sketch.tiles, edges(sketch.tiles.feature, features), places)
    )


def _tile_columns(tiles: Tiles, first: Ints, places: ContextPlaces) -> dict[str, pa.Array]:
    """Return the columns of sampled tiles; ``first``: where each feature's begin, [n_features + 1]."""
    numbers, row = np.unique(tiles.tile // TILES_A_CONTEXT, return_inverse=True)
    contexts = places.of(numbers)
    pairs = [pair for ids in contexts["token_ids"] for pair in _pairs(ids)]
    offset = tiles.tile % TILES_A_CONTEXT * TILE_TOKENS
    half = offset // PAIR_TOKENS
    start = contexts["start"].to_numpy(np.int64)[row] + offset
    docs = pa.array(contexts["doc"].tolist(), pa.string()).take(pa.array(row))
    texts = pa.array(pairs, pa.binary()).take(pa.array(row * PAIRS_A_CONTEXT + half))
    return {
        "side": sketching.lists(first, tiles.side.astype(np.int8)),
        "tile": sketching.lists(first, tiles.tile),
        "doc": pa.ListArray.from_arrays(pa.array(first.astype(np.int32)), docs),
        "start": sketching.lists(first, start.astype(np.int32)),
        "pair": pa.ListArray.from_arrays(pa.array(first.astype(np.int32)), texts),
        "n_entries": sketching.lists(first, np.diff(tiles.first).astype(np.uint8)),
        "position": sketching.lists(tiles.first[first], tiles.position),
        "value": sketching.lists(tiles.first[first], tiles.value),
    }


def _pairs(ids: Sequence[int]) -> list[bytes]:
    """Return the pairs of tiles of a context; what lies behind its end is empty.

    >>> [len(pair) for pair in _pairs([7] * 80)]
    [256, 64]
    """
    tokens = np.asarray(ids, "<i4")
    return [tokens[at : at + PAIR_TOKENS].tobytes() for at in range(0, CONTEXT_TOKENS, PAIR_TOKENS)]


def edges(feature: Ints, features: tuple[int, int]) -> Ints:
    """Return where the rows of each feature begin among rows sorted by feature, shape [n_features + 1]."""
    return np.searchsorted(feature, np.arange(features[0], features[1] + 1))


def _sums(lengths: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(lengths)])


# ---- reading


@dataclass(frozen=True, slots=True)
class FeatureSample:
    """What was kept of one feature.

    ``counts``: firing whole tiles by side and bin of the peak, [3, N_BINS]. By tile: index of its side, number,
    key, peak, document, start of the tile, token ids of the pair of tiles in which it stands, and activations
    [64] there. ``n_shown_firings``: how many firing tokens the shown side has; ``firing_token`` and
    ``firing_value`` are a keyed sample of them.
    """

    feature: int
    peak: float
    counts: Ints
    side: Ints
    tile: Ints
    key: NDArray[np.uint64]
    tile_peak: NDArray[np.float64]
    doc: tuple[str, ...]
    start: Ints
    pair: tuple[tuple[int, ...], ...]
    values: NDArray[np.float32]
    n_shown_firings: int
    firing_token: Ints
    firing_value: NDArray[np.float64]

    def rows_of(self, side: int) -> Ints:
        """Return the rows of the tiles of one side."""
        return np.flatnonzero(self.side == side)


def read_samples(folder: Path, dictionary: str, features: Sequence[int], *, seed: int) -> dict[int, FeatureSample]:
    """Return what was kept of these features; those that stand near each other are read together.

    ``seed``: the harvest's; keys are made again from it, for they would be a quarter of the file.
    """
    pieces = rows_of_features(folder, dictionary, sorted(set(features)))
    return {sample.feature: sample for rows in pieces for sample in samples_of(rows, seed=seed)}


def rows_of_features(folder: Path, dictionary: str, features: Sequence[int] | Ints) -> Iterator[pa.Table]:
    """Yield the rows of these features (ascending, no number twice), whole groups of them at a time.

    The next ones are read while the last ones are in use, by one thread more than Arrow may use (one waits for the
    disk), READERS at most.
    """
    return side_by_side(_readings(folder, dictionary, features), min(pa.cpu_count() + 1, READERS))


def _readings(folder: Path, dictionary: str, features: Sequence[int] | Ints) -> Iterator[Callable[[], pa.Table]]:
    """Yield what reads the rows of these features, a group of rows or more each."""
    wanted, at = np.asarray(features, np.int64), 0
    while at < len(wanted):
        first = int(wanted[at])
        name, row = bucket_name(dictionary, first), first % sketching.BUCKET
        groups = group_past(folder, "samples", name, row, n=GROUPS_AT_ONCE)
        past = min(max(groups, row // ROWS_AT_ONCE * ROWS_AT_ONCE + ROWS_AT_ONCE), sketching.BUCKET)
        end = int(np.searchsorted(wanted, first - row + past))
        is_all = (at, end) == (0, len(wanted))
        yield partial(read_rows, folder, "samples", name, wanted[at:end] - (first - row), use_threads=is_all)
        at = end


def read_activations(folder: Path, dictionary: str, feature: int) -> pd.DataFrame:
    """Return all activations of one feature (context, position, activation) of a harvest that kept them all.

    Raises StoreError where they were not kept.
    """
    name, place = bucket_name(dictionary, feature), feature % sketching.BUCKET
    first, past = read_rows(folder, "offsets", name, [place, place + 1])["row"].to_pylist()
    found: pd.DataFrame = read_rows(folder, "activations", name, np.arange(first, past)).to_pandas()
    return found


def samples_of(rows: pa.Table, *, seed: int) -> Iterator[FeatureSample]:
    """Yield what was kept of each row's feature; rows are of one dictionary.

    All rows are read at once: their tiles stand in the same few texts, of which each is made once.
    """
    feature, peak = (rows[name].to_numpy() for name in ("feature", "peak"))
    counts, shown = _counts(rows)
    first, tiles = _flat(rows, "tile")
    tile = tiles.to_numpy().astype(np.int64)
    side, start = (_flat(rows, name)[1].to_numpy().astype(np.int64) for name in ("side", "start"))
    docs, doc = _coded(rows, "doc")
    values = _values(rows, len(tile))
    peaks = values.reshape(-1, 2, TILE_TOKENS)[np.arange(len(tile)), tile % 2].max(axis=1).astype(np.float64)
    base = feature_keys(draw_key(seed, rows["dictionary"][0].as_py()), feature) if len(rows) else feature
    key = draw_keys(np.repeat(base, np.diff(first)), _tile_keys(docs, doc, start, tile % TILES_A_CONTEXT, seed=seed))
    pairs, pair = _coded(rows, "pair")
    texts = [tuple(np.frombuffer(bytes_, "<i4").tolist()) for bytes_ in pairs]
    first_firing, token = _flat(rows, "firing_token")
    tokens = token.to_numpy().astype(np.int64)
    strengths = _flat(rows, "firing_value")[1].to_numpy().astype(np.float64)
    for row in range(len(rows)):
        mine, firings = slice(*first[row : row + 2]), slice(*first_firing[row : row + 2])
        yield FeatureSample(
            feature=int(feature[row]),
            peak=float(peak[row]),
            counts=counts[row],
            side=side[mine],
            tile=tile[mine],
            key=key[mine],
            tile_peak=peaks[mine],
            doc=tuple(docs[code] for code in doc[mine].tolist()),
            start=start[mine],
            pair=tuple(texts[code] for code in pair[mine].tolist()),
            values=values[mine],
            n_shown_firings=int(shown[row]),
            firing_token=tokens[firings],
            firing_value=strengths[firings],
        )


def _flat(rows: pa.Table, name: str) -> tuple[Ints, pa.Array]:
    """Return where the list of each row begins, [n_rows + 1], and what all of them hold."""
    lists = rows[name].combine_chunks()
    return _sums(lists.value_lengths().to_numpy(zero_copy_only=False)), lists.flatten()


def _coded(rows: pa.Table, name: str) -> tuple[list[Any], Ints]:
    """Return the different things that a column's lists hold, and which of them each place holds."""
    coded = _flat(rows, name)[1].dictionary_encode()
    used, code = np.unique(coded.indices.to_numpy(), return_inverse=True)  # the dictionary is that of whole groups
    return coded.dictionary.take(pa.array(used)).to_pylist(), code


def _counts(rows: pa.Table) -> tuple[Ints, Ints]:
    """Return whole tiles by side and bin of the peak, [n_rows, 3, N_BINS], and firing tokens of the shown side."""
    first, places = _flat(rows, "count_place")
    place, row = places.to_numpy().astype(np.int64), np.repeat(np.arange(len(rows)), np.diff(first))
    counts = np.zeros((len(rows), len(SIDES) * PLACES), np.int64)
    counts[row, place] = _flat(rows, "count_tiles")[1].to_numpy()
    n_tokens, shown = _flat(rows, "count_tokens")[1].to_numpy(), np.zeros(len(rows), np.int64)
    np.add.at(shown, row[place < PLACES], n_tokens[place < PLACES])
    return counts.reshape(len(rows), len(SIDES), N_BINS), shown


def _values(rows: pa.Table, n_tiles: int) -> NDArray[np.float32]:
    """Return the activations on the pair of each tile, [n_tiles, PAIR_TOKENS]."""
    values = np.zeros((n_tiles, PAIR_TOKENS), np.float32)
    n_entries, position, value = (_flat(rows, name)[1].to_numpy() for name in ("n_entries", "position", "value"))
    values[np.repeat(np.arange(n_tiles), n_entries), position] = value
    return values


def _tile_keys(docs: Sequence[str], doc: Ints, start: Ints, place: Ints, *, seed: int) -> NDArray[np.uint64]:
    """Return the keys of tiles, of which each is the *place*-th of its context, shape [n_tiles]."""
    # One number a context: whole columns at a time NumPy compares a hundred times as slowly.
    contexts, row = np.unique(doc << 32 | (start - place * TILE_TOKENS), return_inverse=True)
    keys = [context_key(seed, docs[code >> 32], code & 2**32 - 1) for code in contexts.tolist()]
    return tile_keys(np.array(keys, np.uint64)[row], place)


def read_counts(folder: Path, dictionary: str, width: int) -> tuple[NDArray[np.float64], dict[str, Ints]]:
    """Return (peaks [n_features], counts of all features as flat columns feature, place, n_tokens, n_tiles)."""
    wanted = ["peak", "count_place", "count_tokens", "count_tiles"]
    peaks, features, columns = [], [], []
    for first, past in sketching.buckets(width):
        rows = read_arrow_part(folder, "samples", bucket_name(dictionary, first), columns=wanted).combine_chunks()
        lengths = rows["count_place"].combine_chunks().value_lengths().to_numpy(zero_copy_only=False)
        features.append(np.repeat(np.arange(first, past), lengths))
        columns.append([rows[name].combine_chunks().flatten().to_numpy().astype(np.int64) for name in wanted[1:]])
        peaks.append(rows["peak"].to_numpy().astype(np.float64))
    flat = [np.concatenate(column) for column in zip(*columns, strict=True)]
    return np.concatenate(peaks), dict(
        zip(("feature", "place", "n_tokens", "n_tiles"), [np.concatenate(features), *flat], strict=True)
    )
