"""Rows of a part by their places: only the groups that hold them are read."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from autointerp.core.errors import StoreError
from autointerp.store.layout import READ_CODED
from autointerp.store.parts import check_file, part_path, reading
from autointerp.store.places import is_here, on_filesystem
from autointerp.store.schemas import TABLES

Ints = NDArray[np.int64]
Footer = tuple[pq.FileMetaData, Ints]
"""What a file's end says, and where each of its groups of rows begins, [n_groups + 1]."""


def read_rows(
    run_dir: Path, table: str, chunk: str, rows: Sequence[int] | Ints, *, use_threads: bool = True
) -> pa.Table:
    """Return the rows with these numbers (ascending, none twice) of one part; only their groups are read.

    ``use_threads``: take a group's columns apart side by side; of no use where several readings run side by side.
    Texts that many rows share are dictionary arrays (``layout.READ_CODED``), which hold those of whole groups.
    Raises StoreError when the part is absent or damaged, or has no such row.
    """
    path = part_path(run_dir, table, chunk)
    with reading(path):
        filesystem, place = on_filesystem(path)
        footer, starts = _footer(path)
        number = np.asarray(rows, np.int64)
        _check_numbers(path, number, n_rows=int(starts[-1]))
        group = np.searchsorted(starts, number, side="right") - 1
        is_read = np.bincount(group, minlength=footer.num_row_groups) > 0
        check_file(path, footer.schema.to_arrow_schema(), TABLES[table])
        with pq.ParquetFile(
            place,
            filesystem=filesystem,
            metadata=footer,
            read_dictionary=READ_CODED.get(table),
            # One request for the columns of a group, not one each: the disk answers each after a while.
            pre_buffer=True,
            page_checksum_verification=True,
        ) as file:
            # One by one: Arrow refuses coded texts within lists of several groups at once.
            wanted = [[at] for at in np.flatnonzero(is_read).tolist()] or [[]]
            found = pa.concat_tables([file.read_row_groups(one, use_threads=use_threads) for one in wanted])
    skipped = np.cumsum(np.where(is_read, 0, np.diff(starts)))
    return _picked(found, number - skipped[group])


def group_past(run_dir: Path, table: str, chunk: str, row: int, *, n: int = 1) -> int:
    """Return the number of the first row behind the *n* groups of which the first has this row of one part.

    Up to there a reader in order has whole groups: a group is decoded whole for any of its rows. Raises StoreError
    when the part is absent or damaged, or has no such row.
    """
    path = part_path(run_dir, table, chunk)
    with reading(path):
        _, starts = _footer(path)
    _check_numbers(path, np.array([row]), n_rows=int(starts[-1]))
    past = int(np.searchsorted(starts, row, side="right")) + n - 1
    return int(starts[min(past, len(starts) - 1)])


def n_rows_of(run_dir: Path, table: str, chunk: str, dictionary: str) -> int:
    """Return at most how many rows of one dictionary a part has, by the bounds of its groups of rows.

    Raises StoreError when the part is absent or damaged.
    """
    path = part_path(run_dir, table, chunk)
    with reading(path):
        footer, _ = _footer(path)
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    column = TABLES[table].get_field_index("dictionary")
    bounds = [(group.num_rows, group.column(column).statistics) for group in groups]
    return sum(n for n, known in bounds if known is None or known.min <= dictionary <= known.max)


def _check_numbers(path: Path, rows: Ints, *, n_rows: int) -> None:
    if len(rows) and not (rows[0] >= 0 and rows[-1] < n_rows):
        msg = f"{path}: has {n_rows:,} rows, not all of {rows[0]:,} to {rows[-1]:,}"
        raise StoreError(msg)


def _picked(rows: pa.Table, places: Ints) -> pa.Table:
    """Return the rows at these places; rows that stand side by side are not copied."""
    first, n = (int(places[0]), len(places)) if len(places) else (0, 0)
    if n == 0 or places[-1] - first == n - 1:
        return rows.slice(first, n)
    return rows.take(pa.array(places))


def _footer(path: Path) -> Footer:
    """Return a part's footer, of a file on this machine parsed once: that takes longer than reading a row.

    A file is replaced whole or not at all, so its inode, time and size tell whether it is still the same.
    """
    if not is_here(path):
        filesystem, place = on_filesystem(path)
        return _with_starts(pq.read_metadata(place, filesystem=filesystem))
    known = path.stat()
    return _parsed(path, (known.st_ino, known.st_mtime_ns, known.st_size))


@lru_cache(maxsize=64)
def _parsed(path: Path, _state: tuple[int, int, int]) -> Footer:
    return _with_starts(pq.read_metadata(path))


def _with_starts(footer: pq.FileMetaData) -> Footer:
    lengths = [footer.row_group(number).num_rows for number in range(footer.num_row_groups)]
    return footer, np.cumsum([0, *lengths])
