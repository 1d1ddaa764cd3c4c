"""Part files: one Parquet file of one table, whole or absent, checked against ``schemas`` both ways."""

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from autointerp.core.draws import content_key
from autointerp.core.errors import StoreError
from autointerp.store.files import write_whole
from autointerp.store.layout import ORDER, is_passing, layout
from autointerp.store.places import on_filesystem
from autointerp.store.schemas import TABLES

Rows: TypeAlias = Sequence[Mapping[str, Any]] | pd.DataFrame | pa.Table
Filters = list[tuple[str, str, Any]]
"""Conditions that must all hold, as pyarrow writes them: ``[("feature", "==", 17)]``."""

REMEDY = "delete it and run the same command again: only this part is made anew"
# Nothing makes these parts again: what a person said was said once.
REMEDIES = {"ratings": "it holds a person's answers: restore it from a copy, or move it away to go on without them"}
LONGEST_NAME = 100
READERS = 4
"""Parts of one table that are read at once."""


def part_path(run_dir: Path, table: str, chunk: str) -> Path:
    """Return where the part *chunk* of *table* stands, a name safe on any file system.

    A chunk key with other characters than letters, digits, ``.``, ``_``, ``=`` and ``-`` has them
    replaced and a hash of the key added, so that two keys never share a file.
    """
    safe = re.sub(r"[^A-Za-z0-9._=-]", "-", chunk)[:LONGEST_NAME].lstrip(".")
    name = safe if safe == chunk and safe else f"{safe}-{content_key(chunk, length=8)}"
    return run_dir / table / f"{name}.parquet"


def has_part(run_dir: Path, table: str, chunk: str) -> bool:
    """Return whether the part was written; it is then whole."""
    return part_path(run_dir, table, chunk).exists()


def part_paths(run_dir: Path, table: str) -> list[Path]:
    """Return the files of *table* in the order of their names; leftovers of an interrupted write are ignored."""
    folder = run_dir / table
    return sorted(path for path in folder.glob("*.parquet") if not path.name.startswith("."))


def write_part(run_dir: Path, table: str, chunk: str, rows: Rows) -> Path:
    """Write *rows* as one part and return its path; a part of that name is replaced whole.

    In a frame NaN stands for an empty cell, as pandas has it; in rows and Arrow tables NaN is refused.

    Raises:
        StoreError: Columns are missing or unknown, a value does not fit its column, is NaN or
            infinite, or is empty where the table allows none; or the disk refused.
    """
    path = part_path(run_dir, table, chunk)
    content = checked(path, table, rows)
    return write_whole(
        path, lambda file: pq.write_table(content, file, **layout(table, content)), is_lasting=not is_passing(table)
    )


def checked(path: Path, table: str, rows: Rows) -> pa.Table:
    """Return the rows as they may be written to *path*, in the order of their table. Raises StoreError otherwise."""
    content = _as_table(path, rows, TABLES[table])
    _check_values(path, content)
    return _in_order(content, ORDER.get(table, ()))


def read_part(
    run_dir: Path, table: str, chunk: str, *, columns: Sequence[str] | None = None, filters: Filters | None = None
) -> pd.DataFrame:
    """Return one part as a frame (an empty cell is NaN). Raises StoreError when it is absent or damaged."""
    return _as_frame(read_arrow_part(run_dir, table, chunk, columns=columns, filters=filters))


def read_arrow_part(
    run_dir: Path, table: str, chunk: str, *, columns: Sequence[str] | None = None, filters: Filters | None = None
) -> pa.Table:
    """Return what ``read_part`` returns as an Arrow table."""
    return _read_file(part_path(run_dir, table, chunk), TABLES[table], columns, filters)


def read_file(
    path: Path, table: str, *, columns: Sequence[str] | None = None, filters: Filters | None = None
) -> pd.DataFrame:
    """Return the part of *table* that stands at this path as a frame. Raises StoreError as ``read_part`` does."""
    return _as_frame(_read_file(path, TABLES[table], columns, filters))


def read_table(
    run_dir: Path,
    table: str,
    *,
    columns: Sequence[str] | None = None,
    filters: Filters | None = None,
    categories: Sequence[str] = (),
) -> pd.DataFrame:
    """Return all parts of *table* as a frame; empty, with the table's columns, if there are none.

    *categories*: columns of few different strings, which are read, and come, as such: millions of rows in a fifth of
    the time.

    Raises:
        StoreError: A part is damaged or lacks a column; the message names file, column and remedy.
    """
    return _as_frame(read_arrow(run_dir, table, columns=columns, filters=filters, categories=categories))


def read_arrow(
    run_dir: Path,
    table: str,
    *,
    columns: Sequence[str] | None = None,
    filters: Filters | None = None,
    categories: Sequence[str] = (),
) -> pa.Table:
    """Return what ``read_table`` returns as an Arrow table: no copy, and empty cells stay null."""
    schema = TABLES[table]
    read = partial(_read_file, schema=schema, columns=columns, filters=filters, categories=categories)
    # Decoding leaves Python's lock alone, and of a part on another machine one waits for its bytes.
    with ThreadPoolExecutor(READERS, thread_name_prefix="reader") as readers:
        parts = list(readers.map(read, part_paths(run_dir, table)))
    found = pa.concat_tables([_with_categories(_empty(schema, columns), categories), *parts])
    return found.unify_dictionaries() if categories else found


def _as_frame(content: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = content.to_pandas()
    return frame


def _empty(schema: pa.Schema, columns: Sequence[str] | None) -> pa.Table:
    return schema.empty_table().select(list(columns) if columns is not None else schema.names)


# ---- writing


def _as_table(path: Path, rows: Rows, schema: pa.Schema) -> pa.Table:
    """Return the rows cast to *schema*, its columns in its order."""
    _check_columns(path, rows, schema)
    try:
        if isinstance(rows, pd.DataFrame):
            return pa.Table.from_pandas(rows, schema=schema, preserve_index=False)
        if isinstance(rows, pa.Table):
            # A plain ``cast`` would let the caller's nullability stand.
            return pa.Table.from_arrays(rows.select(schema.names).cast(_nullable(schema)).columns, schema=schema)
        return pa.Table.from_pylist(list(rows), schema=schema)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        msg = f"{path}: a value does not fit its column: {error}"
        raise StoreError(msg) from error


def _in_order(content: pa.Table, names: Sequence[str]) -> pa.Table:
    """Return the rows sorted by the named columns; most come sorted, and finding that out is a tenth of the work."""
    if _is_sorted(content, names):
        return content
    return content.sort_by([(name, "ascending") for name in names])


def _is_sorted(content: pa.Table, names: Sequence[str]) -> bool:
    equal = np.ones(max(len(content) - 1, 0), np.bool_)
    for name in names:
        column = _ranks(content[name].combine_chunks())
        if (equal & (column[1:] < column[:-1])).any():
            return False
        equal &= column[1:] == column[:-1]
    return True


def _ranks(column: pa.Array) -> NDArray[Any]:
    """Return numbers in the order of the column's values."""
    if not pa.types.is_string(column.type):
        numbers: NDArray[Any] = column.to_numpy(zero_copy_only=False)
        return numbers
    # Names stand in long runs: only the first of each is looked at.
    runs = pc.run_end_encode(column, run_end_type=pa.int64())
    coded = runs.values.dictionary_encode()
    order = pc.array_sort_indices(coded.dictionary).to_numpy()
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    lengths = np.diff(runs.run_ends.to_numpy(), prepend=0)
    ranks: NDArray[Any] = np.repeat(rank[coded.indices.to_numpy()], lengths)
    return ranks


def _nullable(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in schema])


def _check_columns(path: Path, rows: Rows, schema: pa.Schema) -> None:
    for have in _column_sets(rows):
        missing, unknown = sorted(set(schema.names) - have), sorted(have - set(schema.names))
        if missing or unknown:
            msg = f"{path}: rows without column {missing} and with unknown column {unknown}; see store/schemas.py"
            raise StoreError(msg)


def _column_sets(rows: Rows) -> set[frozenset[str]]:
    """Return the distinct sets of columns among the rows."""
    if isinstance(rows, pd.DataFrame):
        return {frozenset(rows.columns)}
    if isinstance(rows, pa.Table):
        return {frozenset(rows.column_names)}
    return {frozenset(row) for row in rows}


def _check_values(path: Path, content: pa.Table) -> None:
    for field in content.schema:
        column = content[field.name]
        if column.null_count and not field.nullable:
            msg = f"{path}: column {field.name} has {column.null_count} empty or NaN cells; it must always have a value"
            raise StoreError(msg)
        # Together the chunks of a list column may hold more than an offset can count.
        for chunk in column.chunks:
            _check_flat(path, field.name, chunk)


def _check_flat(path: Path, name: str, column: pa.Array) -> None:
    """Refuse NaN and infinity, also inside lists, and empty places inside lists."""
    if pa.types.is_list(column.type):
        column = column.flatten()
        if column.null_count:
            msg = f"{path}: column {name} has lists with empty places"
            raise StoreError(msg)
    if pa.types.is_floating(column.type) and not pc.all(pc.is_finite(column), min_count=0).as_py():
        msg = f"{path}: column {name} has NaN or infinite values; unscored is None with a reason, never a number"
        raise StoreError(msg)


# ---- reading


def _read_file(
    path: Path,
    schema: pa.Schema,
    columns: Sequence[str] | None,
    filters: Filters | None,
    categories: Sequence[str] = (),
) -> pa.Table:
    wanted = list(columns) if columns is not None else schema.names
    with reading(path):
        filesystem, place = on_filesystem(path)
        have = pq.read_schema(place, filesystem=filesystem)
        check_file(path, have, schema)
        there = [name for name in wanted if name in have.names]
        found = pq.read_table(
            place,
            columns=there,
            filters=filters,
            partitioning=None,
            page_checksum_verification=True,
            filesystem=filesystem,
            read_dictionary=[name for name in categories if name in there],
        )
        return with_empty_columns(found, _with_categories(_empty(schema, wanted), categories).schema)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say of what goes wrong while a part is read what to do about it. Raises StoreError."""
    try:
        yield
    except FileNotFoundError as error:
        raise StoreError(absent(path)) from error
    except (pa.ArrowException, OSError) as error:
        msg = f"{path}: damaged ({str(error).splitlines()[0]}); {remedy(path)}"
        raise StoreError(msg) from error


def _with_categories(empty: pa.Table, categories: Sequence[str]) -> pa.Table:
    """Return a table without rows whose columns of these names are of categories."""
    kind = pa.dictionary(pa.int32(), pa.string())
    return pa.schema(
        [field.with_type(kind) if field.name in categories else field for field in empty.schema]
    ).empty_table()


def absent(path: Path) -> str:
    """Return what to say of a part that is not there."""
    return f"{path}: no such part; run the command that writes {path.parent.name} again"


def remedy(path: Path) -> str:
    """Return what to do about a damaged part."""
    return REMEDIES.get(path.parent.name, REMEDY)


def with_empty_columns(found: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the table with the columns of *schema*, those that an older version did not write yet empty."""
    columns = [
        found[field.name].cast(field.type) if field.name in found.column_names else pa.nulls(len(found), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def check_file(path: Path, have: pa.Schema, schema: pa.Schema) -> None:
    """Raise StoreError when a file lacks a column of its table, or has one of another type."""
    missing = [field.name for field in schema if field.name not in have.names and not field.nullable]
    if missing:
        msg = f"{path}: no column {', '.join(missing)}; another version wrote it; {remedy(path)}"
        raise StoreError(msg)
    for field in schema:
        if field.name in have.names and not _is_same(have.field(field.name).type, field.type):
            msg = f"{path}: column {field.name} holds {have.field(field.name).type}, not {field.type}; {remedy(path)}"
            raise StoreError(msg)


def _is_same(have: pa.DataType, wanted: pa.DataType) -> bool:
    """Return whether a column may be read as one of the wanted type; older files allow empty places in all lists."""
    if pa.types.is_list(have) and pa.types.is_list(wanted):
        return bool(have.value_type == wanted.value_type)
    return bool(have == wanted)
