"""Rows of a part by their places: only the groups that hold them are read."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from autointerp.core.errors import StoreError
from autointerp.store.parts import absent, check_file, part_path, remedy
from autointerp.store.places import is_here, on_filesystem
from autointerp.store.schemas import TABLES

Footer = tuple[pq.FileMetaData, NDArray[np.int64]]
"""What a file's end says, and where each of its groups of rows begins, [n_groups + 1]."""


def read_rows(run_dir: Path, table: str, chunk: str, first: int, past: int) -> pa.Table:
    """Return the rows *first* .. *past* - 1 of one part; only the row groups that hold them are read.

    Raises StoreError when the part is absent or damaged.
    """
    path = part_path(run_dir, table, chunk)
    try:
        filesystem, place = on_filesystem(path)
        footer, starts = _footer(path)
        with pq.ParquetFile(place, filesystem=filesystem, metadata=footer, page_checksum_verification=True) as file:
            check_file(path, file.schema_arrow, TABLES[table])
            begin = max(int(np.searchsorted(starts, first, side="right")) - 1, 0)
            end = int(np.searchsorted(starts, past, side="left"))
            groups = list(range(begin, min(end, footer.num_row_groups)))
            return file.read_row_groups(groups).slice(first - int(starts[begin]), past - first)
    except FileNotFoundError as error:
        raise StoreError(absent(path)) from error
    except (pa.ArrowException, OSError) as error:
        msg = f"{path}: damaged ({str(error).splitlines()[0]}); {remedy(path)}"
        raise StoreError(msg) from error


def n_rows_of(run_dir: Path, table: str, chunk: str, dictionary: str) -> int:
    """Return at most how many rows of one dictionary a part has, by the bounds of its groups of rows.

    Raises StoreError when the part is absent or damaged.
    """
    path = part_path(run_dir, table, chunk)
    try:
        footer, _ = _footer(path)
        groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    except FileNotFoundError as error:
        raise StoreError(absent(path)) from error
    except (pa.ArrowException, OSError) as error:
        msg = f"{path}: damaged ({str(error).splitlines()[0]}); {remedy(path)}"
        raise StoreError(msg) from error
    column = TABLES[table].get_field_index("dictionary")
    bounds = [(group.num_rows, group.column(column).statistics) for group in groups]
    return sum(n for n, known in bounds if known is None or known.min <= dictionary <= known.max)


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
