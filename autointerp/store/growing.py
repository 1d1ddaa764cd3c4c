"""Parts larger than memory: written piece by piece, in place only when the last piece is written."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from autointerp.store.files import write_whole
from autointerp.store.layout import is_passing, layout
from autointerp.store.parts import checked, part_path
from autointerp.store.schemas import TABLES
from autointerp.store.threads import ahead

Pieces = Iterable[Mapping[str, pa.Table]]
Opened = Mapping[str, IO[bytes]]


def write_together(run_dir: Path, chunk: str, tables: Sequence[str], pieces: Pieces) -> None:
    """Write the part *chunk* of each of *tables* from pieces that come one after the other, in the order of the rows.

    The first of *tables* is in place first and the last one last, each whole: where the last one stands, all do.

    Raises:
        StoreError: As ``write_part`` does; then the last part is not there, and no part is incomplete.
    """
    _open(run_dir, chunk, tables, {}, lambda opened: _fill(run_dir, chunk, opened, pieces))


def _open(run_dir: Path, chunk: str, tables: Sequence[str], opened: Opened, fill: Callable[[Opened], None]) -> None:
    """Open the files of all tables, the last one outermost, and fill them when all are open."""
    if not tables:
        fill(opened)
        return
    *rest, table = tables
    write_whole(
        part_path(run_dir, table, chunk),
        lambda file: _open(run_dir, chunk, rest, {**opened, table: file}, fill),
        is_lasting=not is_passing(table),
    )


def _fill(run_dir: Path, chunk: str, opened: Opened, pieces: Pieces) -> None:
    writers: dict[str, tuple[pq.ParquetWriter, int | None]] = {}
    with ExitStack() as stack:
        for piece in ahead(pieces):
            for table, rows in piece.items():
                content = checked(part_path(run_dir, table, chunk), table, rows)
                if table not in writers:
                    writers[table] = _begin(stack, table, opened[table], content)
                writer, group = writers[table]
                writer.write_table(content, row_group_size=group)
        for table in opened.keys() - writers.keys():
            _begin(stack, table, opened[table], TABLES[table].empty_table())


def _begin(stack: ExitStack, table: str, file: IO[bytes], first: pa.Table) -> tuple[pq.ParquetWriter, int | None]:
    """Return the writer of one table, closed with *stack*, and the size of its groups of rows by the *first* piece."""
    settings = layout(table, first)
    group = settings.pop("row_group_size")
    return stack.enter_context(pq.ParquetWriter(file, TABLES[table], **settings)), group
