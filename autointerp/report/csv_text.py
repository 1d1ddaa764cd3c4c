"""A frame as CSV text, by Arrow: millions of rows of few different texts."""

from io import BytesIO
from typing import IO

import pandas as pd
import pyarrow as pa
from pyarrow import csv

from autointerp.report.text import csv_cell

AS_WRITTEN = csv.WriteOptions(quoting_header="none")


def csv_text(frame: pd.DataFrame) -> str:
    r"""Return head and rows: texts in quotation marks, guarded against spreadsheets; of what is missing nothing.

    >>> csv_text(pd.DataFrame({"label": ["=1", "a, b", None], "value": [0.5, None, 3.0]}))
    'label,value\n"\'=1",0.5\n"a, b",\n,3\n'
    """
    sink = BytesIO()
    write_csv(frame, sink)
    return sink.getvalue().decode()


def write_csv(frame: pd.DataFrame, sink: IO[bytes]) -> None:
    """Write what ``csv_text`` returns to an open file."""
    csv.write_csv(pa.table({str(name): _guarded(frame[name]) for name in frame}), sink, AS_WRITTEN)


def _guarded(column: pd.Series) -> pa.Array:
    """Return the column, its texts guarded: each different one is looked at once."""
    if pd.api.types.is_numeric_dtype(column):
        return pa.array(column.to_numpy(), from_pandas=True)
    place, known = pd.factorize(column)
    cells = pa.array([csv_cell(str(cell)) for cell in known.tolist()], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(place, mask=place < 0), cells)
