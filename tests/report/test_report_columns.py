"""The data dictionary: every column of every table a report is made from has a meaning."""

import pytest

from autointerp.report.columns import COLUMNS, MEANINGS
from autointerp.report.methods import column_grid
from autointerp.report.tables import READ
from autointerp.store.schemas import TABLES


@pytest.mark.parametrize("table", [*READ, "training"])
def test_every_column_is_explained(table: str) -> None:
    """Name, type, meaning and whether it may be empty, for each column of the schema and no other."""
    rows = column_grid(table).rows
    assert [row[0] for row in rows] == TABLES[table].names
    assert all(row[2] and row[2] != "see the table" for row in rows)


def test_no_explanation_is_left_over() -> None:
    """What is explained exists."""
    names = {name for table in (*READ, "training") for name in TABLES[table].names}
    assert set(MEANINGS) <= names
    assert all(column in TABLES[table].names for table, column in COLUMNS)
