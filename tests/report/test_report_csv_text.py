"""A frame as CSV text: what pandas would have written, and what the standard library reads back."""

import csv
import io

import numpy as np
import pandas as pd
from hypothesis import example, given
from hypothesis import strategies as st

from autointerp.report.csv_text import csv_text
from autointerp.report.text import csv_cell

texts = st.text(max_size=8) | st.sampled_from(["", "=1+1", 'a "b", c', "two\nlines", "\r", " x", "-", "\u202e", "NaN"])
numbers = st.none() | st.floats(allow_nan=False) | st.floats(-1, 1) | st.integers(-5, 5).map(float)
rows = st.lists(st.tuples(st.none() | texts, numbers, st.integers(-(2**63), 2**63 - 1)), max_size=20)


def _frame(cells: list[tuple[str | None, float | None, int]]) -> pd.DataFrame:
    columns = list(zip(*cells, strict=True)) if cells else [(), (), ()]
    label, value, n = columns
    return pd.DataFrame(
        {
            "label": pd.Series(label, dtype=object),
            "value": pd.Series(value, dtype=np.float64),
            "n": pd.Series(n, dtype=np.int64),
        }
    )


@given(rows)
@example([("a", 1e-4, 0), ("b", 1e-5, 1), ("c", 1e15, 2), ("d", 1e16, 3), ("e", -0.0, 4), ("f", 123456.5, 5)])
def test_the_bytes_are_those_of_pandas(cells: list[tuple[str | None, float | None, int]]) -> None:
    """Every cell is guarded, and quoted and written as pandas quotes and writes it; what is missing is empty."""
    frame = _frame(cells)
    guarded = frame["label"].map(lambda text: csv_cell(text) if isinstance(text, str) else None).astype(object)
    expected = frame.assign(label=guarded).to_csv(index=False, lineterminator="\n")
    assert csv_text(frame) == expected
    assert csv_text(frame.astype({"label": "str"})) == expected
    assert csv_text(frame.astype({"label": "category"})) == expected


@given(st.lists(texts, min_size=1, max_size=9), st.integers(1, 4))
def test_pieces_are_one_file(labels: list[str], n_at_once: int) -> None:
    """However many rows are written in one piece, the same text, and each row is read back as it was guarded."""
    frame = pd.DataFrame({"label": labels, "n": range(len(labels))})
    whole = csv_text(frame)
    assert csv_text(frame, n_at_once=n_at_once) == whole
    read = list(csv.reader(io.StringIO(whole, newline="")))
    assert read == [["label", "n"], *([csv_cell(label), str(n)] for n, label in enumerate(labels))]
