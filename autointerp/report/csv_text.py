"""A frame as CSV text: the bytes that pandas writes, in a tenth of the time where texts repeat."""

import csv
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from autointerp.core.types import FloatArray
from autointerp.report.text import csv_cell

N_AT_ONCE = 1 << 16
"""Rows written in one piece: Arrow's strings hold 2 GiB, and a label may be long."""

AS_ARROW = (1e-4, 1e15)
"""Broken numbers of a size in between are written by Arrow as by Python; others without ``.0`` or exponent."""

Texts = Callable[[slice], pa.Array]
"""The cells of some rows as they stand in the file."""


def csv_text(frame: pd.DataFrame, *, n_at_once: int = N_AT_ONCE) -> str:
    r"""Return head and rows: texts guarded against spreadsheets (``csv_cell``), numbers by ``repr``, else nothing.

    >>> csv_text(pd.DataFrame({"label": ["=1", "a, b"], "value": [0.5, None]}))
    'label,value\n\'=1,0.5\n"a, b",\n'
    """
    columns = [_texts(frame[name]) for name in frame]
    return "".join([",".join(map(str, frame.columns)), "\n", *_pieces(columns, len(frame), n_at_once)])


def _pieces(columns: list[Texts], n_rows: int, n_at_once: int) -> Iterator[str]:
    for start in range(0, n_rows, n_at_once):
        some = slice(start, start + n_at_once)
        lines = pc.binary_join_element_wise(*(texts(some) for texts in columns), ",")
        joined = pc.binary_join(pa.ListArray.from_arrays([0, len(lines)], lines), "\n")
        yield joined[0].as_py()
        yield "\n"


def _texts(column: pd.Series) -> Texts:
    if pd.api.types.is_float_dtype(column):
        return lambda some: _floats(column.to_numpy(np.float64)[some])
    if pd.api.types.is_integer_dtype(column):
        return lambda some: pa.array(column.to_numpy()[some]).cast(pa.string())
    # A column of millions of cells has few different ones, and those are looked at once.
    place, known = pd.factorize(column)
    cells = pa.array(
        [*_quoted([csv_cell(cell) if isinstance(cell, str) else str(cell) for cell in known.tolist()]), ""], pa.string()
    )
    # The place of what is missing is -1: the last.
    at = np.where(place < 0, len(known), place)
    return lambda some: cells.take(pa.array(at[some]))


def _floats(values: FloatArray) -> pa.Array:
    texts = pa.array(values, from_pandas=True).cast(pa.string())
    size = np.abs(values)
    is_other = (size < AS_ARROW[0]) | (size >= AS_ARROW[1]) | (size == np.floor(size))
    others = pa.array([repr(value) for value in values[is_other].tolist()], pa.string())
    return pc.fill_null(pc.replace_with_mask(texts, pa.array(is_other), others), "")


def _quoted(texts: list[str]) -> list[str]:
    """Return the texts as cells, in quotation marks where the standard library wants them."""
    rows: list[str] = []
    writer: Any = csv.writer(SimpleNamespace(write=rows.append), lineterminator="\n")
    # A row of one empty cell would be quoted: a second one stands beside each, and is cut off with the end of line.
    writer.writerows((text, "") for text in texts)
    return [row[:-2] for row in rows]
