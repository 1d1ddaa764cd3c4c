"""Sketches as part files: what shards know of every feature, and how groups of shards become one.

A shard leaves a part a table; eight neighbours are merged into one, eight of those into the next, so the disk
holds some samples of every feature and not every activation. Which parts are merged is decided by the shards'
numbers alone and a merged part is written whole before its sources go: two workers may do it at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from autointerp.core.errors import StoreError
from autointerp.sampling.sketches import Counts, Firings, Limits, Sketch, Tiles, merge
from autointerp.store.growing import write_together
from autointerp.store.parts import Filters, has_part, part_path, part_paths, read_arrow_part, write_part
from autointerp.store.rows import n_rows_of

FAN_IN = 8
MOST_LEVELS = 12
BUCKET = 65_536
"""Features whose samples are one part."""

ROWS_AT_ONCE = 2_000_000
"""Sampled rows that are in memory together: what bounds a merge, whatever was read."""

TABLES = ("sketch_texts", "sketch_counts", "sketch_firings", "sketch_tiles")
"""In the order in which a shard's parts are written: the last one marks it done."""

SAMPLED = ("sketch_firings", "sketch_tiles")

Columns = dict[str, NDArray[Any]]


def part_name(level: int, number: int) -> str:
    """Return the name of a shard's part (level 0), or of a group of 8 ** level shards."""
    return f"shards-{level}-{number:07d}"


def is_shard_done(folder: Path, shard: int) -> bool:
    """Return whether the shard's parts stand, its own or a group's."""
    return any(has_part(folder, TABLES[-1], part_name(level, shard // FAN_IN**level)) for level in range(MOST_LEVELS))


def live_parts(folder: Path) -> list[str]:
    """Return the parts that together hold every shard once: those merged already are left out."""
    names = {path.stem for path in part_paths(folder, TABLES[-1])}
    return sorted(name for name in names if not _is_covered(name, names))


def _is_covered(name: str, names: set[str]) -> bool:
    level, number = _level_of(name)
    top = max(_level_of(other)[0] for other in names)
    return any(part_name(level + up, number // FAN_IN**up) in names for up in range(1, top - level + 1))


def _level_of(name: str) -> tuple[int, int]:
    _, level, number = name.split("-")
    return int(level), int(number)


def write_sketches(folder: Path, name: str, sketches: Iterable[tuple[str, Sketch]], texts: pa.Table) -> None:
    """Write the sketches of all dictionaries on one stretch of text; what was written last is read first."""
    write_part(folder, TABLES[0], name, texts)
    write_together(folder, name, TABLES[1:], (_tables_of(dictionary, sketch) for dictionary, sketch in sketches))


def merge_up(folder: Path, shard: int, widths: dict[str, int], limits: Limits) -> None:
    """Merge the groups that the finished *shard* completed; ``widths``: features by dictionary."""
    level = 1
    while True:
        group = shard // FAN_IN**level
        sources = [part_name(level - 1, group * FAN_IN + i) for i in range(FAN_IN)]
        if not all(has_part(folder, TABLES[-1], source) for source in sources):
            return
        try:
            sketches = (
                (dictionary, read_merged(folder, sources, dictionary, features, limits))
                for dictionary, width in widths.items()
                for features in ranges(folder, sources, dictionary, (0, width))
            )
            write_sketches(folder, part_name(level, group), sketches, merged_texts(folder, sources))
        except StoreError:
            # Another worker has merged them, perhaps further, and taken the sources away.
            if not is_shard_done(folder, shard):
                raise
            return
        remove_parts(folder, sources)
        level += 1


def remove_parts(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        for table in reversed(TABLES):
            with suppress(FileNotFoundError):
                part_path(folder, table, name).unlink()


def buckets(width: int) -> Iterator[tuple[int, int]]:
    """Yield (first, past) of the features whose samples are one part."""
    for first in range(0, width, BUCKET):
        yield first, min(first + BUCKET, width)


def ranges(
    folder: Path, names: Sequence[str], dictionary: str, features: tuple[int, int], *, tables: Sequence[str] = SAMPLED
) -> Iterator[tuple[int, int]]:
    """Yield (first, past) of the features that are in memory together: all of *features* (first, past), in order.

    So many that these parts hold about ``ROWS_AT_ONCE`` rows of them, if they fire alike.
    """
    n = sum(n_rows_of(folder, table, name, dictionary) for table in tables for name in names)
    begin, end = features
    size = max((end - begin) * ROWS_AT_ONCE // max(n, 1), 1)
    for first in range(begin, end, size):
        yield first, min(first + size, end)


def of_bucket(dictionary: str, features: tuple[int, int]) -> Filters:
    """Return the condition for the rows of the features first .. past - 1 of one dictionary."""
    return [("dictionary", "==", dictionary), ("feature", ">=", features[0]), ("feature", "<", features[1])]


def read_merged(
    folder: Path, names: Sequence[str], dictionary: str, features: tuple[int, int], limits: Limits
) -> Sketch:
    """Return what these parts together know of these features (first, past) of one dictionary."""
    return merge([_read_sketch(folder, name, dictionary, features) for name in names], limits)


def merged_texts(folder: Path, names: Sequence[str]) -> pa.Table:
    """Return the counts of the text, added up."""
    rows = pa.concat_tables([read_arrow_part(folder, "sketch_texts", name) for name in names])
    return rows.group_by(["kind", "number"]).aggregate([("count", "sum")]).rename_columns(["kind", "number", "count"])


# ---- one sketch


def _tables_of(dictionary: str, sketch: Sketch) -> dict[str, pa.Table]:
    counts, tiles, firings = sketch.counts, sketch.tiles, sketch.firings
    return {
        "sketch_counts": _table(
            dictionary,
            feature=counts.feature.astype(np.int32),
            side=counts.side.astype(np.int8),
            bin=counts.bin.astype(np.int16),
            n_tokens=counts.n_tokens,
            n_tiles=counts.n_tiles,
            peak=counts.peak,
        ),
        "sketch_tiles": _table(
            dictionary,
            feature=tiles.feature.astype(np.int32),
            side=tiles.side.astype(np.int8),
            tile=tiles.tile,
            key=tiles.key,
            peak=tiles.peak,
            position=_packed(tiles.first, tiles.position),
            value=_packed(tiles.first, tiles.value),
        ),
        "sketch_firings": _table(
            dictionary,
            feature=firings.feature.astype(np.int32),
            key=firings.key,
            token=firings.token.astype(np.int32),
            value=firings.value,
        ),
    }


def _table(dictionary: str, **columns: Any) -> pa.Table:
    name = pa.DictionaryArray.from_arrays(np.zeros(len(columns["feature"]), np.int8), [dictionary])
    return pa.table({"dictionary": name} | columns)


def lists(first: NDArray[np.int64], values: NDArray[Any]) -> pa.ListArray:
    """Return the lists values[first[i] : first[i + 1]]."""
    return pa.ListArray.from_arrays(pa.array(first.astype(np.int32)), pa.array(values))


def _packed(first: NDArray[np.int64], values: NDArray[Any]) -> pa.BinaryArray:
    """Return the bytes of values[first[i] : first[i + 1]]."""
    begins, content = (first * values.itemsize).astype(np.int32), np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.binary(), len(first) - 1, [None, pa.py_buffer(begins), pa.py_buffer(content)])


def _unpacked(column: pa.ChunkedArray, kind: str) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return first and values of what ``_packed`` made of numbers of this kind."""
    found = pa.concat_arrays([pa.array([], pa.binary()), *column.chunks])
    begins = np.zeros(1, np.int64)
    if len(found):
        begins = np.frombuffer(found.buffers()[1], "<i4", len(found) + 1, 4 * found.offset).astype(np.int64)
    size = np.dtype(kind).itemsize
    n = int(begins[-1] - begins[0]) // size
    values = np.frombuffer(found.buffers()[2], kind, n, int(begins[0])) if n else np.zeros(0, kind)
    return (begins - begins[0]) // size, values


def _read_sketch(folder: Path, name: str, dictionary: str, features: tuple[int, int]) -> Sketch:
    only = of_bucket(dictionary, features)
    counts, firings, tiles = (
        read_arrow_part(folder, table, name, filters=only).combine_chunks()
        for table in ("sketch_counts", "sketch_firings", "sketch_tiles")
    )
    first, position = _unpacked(tiles["position"], "u1")
    _, value = _unpacked(tiles["value"], "<f4")
    return Sketch(
        Counts(
            feature=_ints(counts, "feature"),
            side=_ints(counts, "side"),
            bin=_ints(counts, "bin"),
            n_tokens=_ints(counts, "n_tokens"),
            n_tiles=_ints(counts, "n_tiles"),
            peak=counts["peak"].to_numpy(),
        ),
        Tiles(
            feature=_ints(tiles, "feature"),
            side=_ints(tiles, "side"),
            tile=_ints(tiles, "tile"),
            key=tiles["key"].to_numpy(),
            peak=tiles["peak"].to_numpy(),
            first=first,
            position=position,
            value=value,
        ),
        Firings(
            _ints(firings, "feature"), firings["key"].to_numpy(), _ints(firings, "token"), firings["value"].to_numpy()
        ),
    )


def _ints(table: pa.Table, column: str) -> NDArray[np.int64]:
    found: NDArray[np.int64] = table[column].to_numpy().astype(np.int64)
    return found
