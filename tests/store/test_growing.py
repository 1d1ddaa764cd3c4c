"""Parts written piece by piece: what one write gives, or nothing."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autointerp.core.errors import StoreError
from autointerp.store.growing import ahead, write_together
from autointerp.store.parts import has_part, read_arrow_part, write_part
from autointerp.store.rows import n_rows_of, read_rows

TABLES = ("sketch_texts", "offsets")


def texts(first: int, past: int) -> pa.Table:
    numbers = list(range(first, past))
    return pa.table({"kind": ["token"] * len(numbers), "number": numbers, "count": [n * n for n in numbers]})


def offsets(first: int, past: int) -> pa.Table:
    numbers = list(range(first, past))
    features = pa.array(numbers, pa.int32())
    names = ["a" if n < 50 else "b" for n in numbers]
    return pa.table({"dictionary": pa.array(names, pa.string()), "feature": features, "row": [3 * n for n in numbers]})


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 120), max_size=6).map(sorted))
def test_pieces_are_what_one_write_is(tmp_path: Path, cuts: list[int]) -> None:
    """However the rows are cut into pieces, empty ones too, each part holds all of them in order."""
    edges = [0, *cuts, 120]
    pieces = [{"sketch_texts": texts(a, b), "offsets": offsets(a, b)} for a, b in pairwise(edges)]
    write_together(tmp_path, "grown", TABLES, pieces)
    write_part(tmp_path, "offsets", "whole", offsets(0, 120))
    write_part(tmp_path, "sketch_texts", "whole", texts(0, 120))
    for table in TABLES:
        assert read_arrow_part(tmp_path, table, "grown").equals(read_arrow_part(tmp_path, table, "whole"))
    assert read_rows(tmp_path, "offsets", "grown", range(40, 70))["feature"].to_pylist() == list(range(40, 70))
    assert 50 <= n_rows_of(tmp_path, "offsets", "grown", "a") <= 120
    assert n_rows_of(tmp_path, "offsets", "grown", "c") == 0


def test_nothing_to_write_is_an_empty_part(tmp_path: Path) -> None:
    """Without any piece each part is there and has no rows."""
    write_together(tmp_path, "none", TABLES, [])
    assert [len(read_arrow_part(tmp_path, table, "none")) for table in TABLES] == [0, 0]


def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    """Where a later piece fails no part stands, and the folders hold no leftovers."""

    def pieces() -> Iterator[dict[str, pa.Table]]:
        yield {"sketch_texts": texts(0, 5), "offsets": offsets(0, 5)}
        yield {"sketch_texts": texts(5, 6), "offsets": offsets(5, 6).drop_columns(["row"])}

    with pytest.raises(StoreError, match=r"offsets.*'row'"):
        write_together(tmp_path, "broken", TABLES, pieces())
    assert not any(has_part(tmp_path, table, "broken") for table in TABLES)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_last_table_is_in_place_last(tmp_path: Path) -> None:
    """Where the last table's part cannot be put in place the others may stand, never the other way round."""
    (tmp_path / "sketch_texts").write_text("a file where a folder should be")
    with pytest.raises(StoreError, match="sketch_texts"):
        write_together(tmp_path, "part", TABLES, [{"sketch_texts": texts(0, 5), "offsets": offsets(0, 5)}])
    assert not has_part(tmp_path, "offsets", "part")


def test_values_made_ahead_come_in_order_one_at_a_time() -> None:
    """While one is in use the next is made and no further; what goes wrong in making it arrives with its turn."""
    made: list[int] = []

    def make() -> Iterator[int]:
        for number in range(4):
            made.append(number)
            yield number
        msg = "the fifth"
        raise ValueError(msg)

    found: list[int] = []

    def use() -> None:
        for value in ahead(make()):
            found.append(value)
            assert len(made) <= len(found) + 1

    with pytest.raises(ValueError, match="the fifth"):
        use()
    assert found == made == [0, 1, 2, 3]
