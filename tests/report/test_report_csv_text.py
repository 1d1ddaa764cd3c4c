"""A frame as CSV text: what the standard library and pandas read back."""

import csv
import io

import numpy as np
import pandas as pd
from hypothesis import example, given
from hypothesis import strategies as st

from autointerp.report.csv_text import csv_text
from autointerp.report.text import csv_cell

texts = st.text(max_size=8) | st.sampled_from(["", "=1+1", 'a "b", c', "two\nlines", "\r", " x", "-", "\u202e", "NaN"])
finite = st.floats(allow_nan=False, allow_infinity=False)
numbers = st.none() | finite | st.floats(-1, 1) | st.integers(-5, 5).map(float)
rows = st.lists(st.tuples(st.none() | texts, numbers, st.integers(-(2**63), 2**63 - 1)), max_size=20)


@given(rows)
@example([("a", 1e-4, 0), ("b", 1e-5, 1), ("c", 1e15, 2), ("d", 1e16, 3), ("e", -0.0, 4), ("f", 123456.5, 5)])
def test_every_cell_is_read_back(cells: list[tuple[str | None, float | None, int]]) -> None:
    """Texts guarded, numbers to the last bit, and of what is missing nothing; the same of strings and categories."""
    label, value, n = zip(*cells, strict=True) if cells else ((), (), ())
    frame = pd.DataFrame(
        {
            "label": pd.Series(label, dtype=object),
            "value": pd.Series(value, dtype=np.float64),
            "n": pd.Series(n, dtype=np.int64),
        }
    )
    written = csv_text(frame)
    head, *read = csv.reader(io.StringIO(written, newline=""))
    assert head == ["label", "value", "n"]
    assert [text for text, _, _ in read] == ["" if text is None else csv_cell(text) for text in label]
    assert [number and float(number) for _, number, _ in read] == ["" if v is None else v for v in value]
    assert [int(whole) for _, _, whole in read] == list(n)
    assert csv_text(frame.astype({"label": "str"})) == written
    assert csv_text(frame.astype({"label": "category"})) == written
