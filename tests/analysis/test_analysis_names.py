"""Names as categories mean what the strings mean, and features are found by number as a join would find them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.analysis.names import (
    as_categories,
    as_strings,
    by_name,
    groups,
    has_names,
    kept,
    names_together,
    places_of,
    with_categories,
)

names = st.sampled_from(["b", "a", "toy/10", "toy/9", "", "é"])
keys = st.lists(st.tuples(names, st.integers(0, 4)), max_size=12)
KINDS = ("object", "str", "category")


def frame(rows: list[tuple[str, int]], kind: str = "object") -> pd.DataFrame:
    dictionary, feature = zip(*rows, strict=True) if rows else ((), ())
    found = pd.DataFrame({"dictionary": pd.Series(dictionary, dtype=object), "feature": np.array(feature, np.int64)})
    return found.astype({"dictionary": kind})


@given(keys, keys, st.sampled_from(KINDS), st.sampled_from(KINDS))
def test_a_feature_is_found_where_it_first_stands(
    rows: list[tuple[str, int]], among: list[tuple[str, int]], mine: str, theirs: str
) -> None:
    """Whatever holds the names, and in whatever order categories stand; -1 where it is not."""
    expected = [among.index(key) if key in among else -1 for key in rows]
    assert places_of(frame(rows, mine), frame(among, theirs)).tolist() == expected
    turned = frame(among, theirs)
    if theirs == "category":
        turned["dictionary"] = turned["dictionary"].cat.reorder_categories(turned["dictionary"].cat.categories[::-1])
    assert places_of(frame(rows, mine), turned).tolist() == expected


@given(keys, keys)
def test_a_feature_is_found_by_table_and_by_search(rows: list[tuple[str, int]], among: list[tuple[str, int]]) -> None:
    """A table of all numbers, where there are few, and a search of those that are there say the same."""
    found = []
    for sparsest in (0, 1_000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("autointerp.analysis.names.SPARSEST", sparsest)
            found.append(places_of(frame(rows), frame(among)).tolist())
    assert found[0] == found[1] == [among.index(key) if key in among else -1 for key in rows]


@given(keys, st.sampled_from(KINDS), st.sampled_from([1, 1_000_000]))
def test_groups_stand_in_the_order_of_their_names(rows: list[tuple[str, int]], kind: str, most: int) -> None:
    """Each row is in one group, in its place among the others; however many numbers names may have."""
    made = frame(rows, kind).assign(other=[str(number % 2) for _, number in rows], row=range(len(rows)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autointerp.analysis.names.MOST_NUMBERS", most)
        found = [(key, group["row"].tolist()) for key, group in groups(made, ["dictionary", "other"])]
        together = names_together(made, ["dictionary", "other"])
    each = [(name, str(number % 2)) for name, number in rows]
    assert found == [(key, [i for i, mine in enumerate(each) if mine == key]) for key in sorted(set(each))]
    assert together == sorted(set(each))


def test_all_rows_are_kept_as_they_are() -> None:
    """Of millions of rows that all stay none is copied."""
    made = frame([("a", 1), ("b", 2)])
    assert kept(made, np.array([True, True])) is made
    assert kept(made, np.array([False, True]))["feature"].tolist() == [2]


def test_indices_of_any_size_do_not_meet() -> None:
    """A feature of one dictionary is never found in another, whatever its number."""
    large = 2**45
    rows, among = frame([("a", large + 5), ("b", 5)]), frame([("b", 5), ("a", large + 5), ("b", large + 5)])
    assert places_of(rows, among).tolist() == [1, 0]


@given(keys.filter(bool), st.sampled_from(KINDS))
def test_categories_sort_and_compare_as_strings(rows: list[tuple[str, int]], kind: str) -> None:
    """Sorted and grouped they stand in the order of their names, even if they came in another."""
    made = frame(rows, kind)
    if kind == "category":
        made["dictionary"] = made["dictionary"].cat.reorder_categories(made["dictionary"].cat.categories[::-1])
    found = with_categories(made, ["dictionary", "absent"])
    assert as_strings(found)["dictionary"].tolist() == [name for name, _ in rows]
    assert found.sort_values("dictionary")["dictionary"].tolist() == sorted(name for name, _ in rows)
    assert list(found.groupby("dictionary").groups) == sorted({name for name, _ in rows})
    for wanted in ("a", "toy/9", "nowhere"):
        assert has_names(found, {"dictionary": wanted}).tolist() == [name == wanted for name, _ in rows]


def test_an_empty_cell_stays_empty() -> None:
    """It is no name of its own, and no rule of a name holds of it."""
    column = as_categories(pd.Series(["b", None, "a"], dtype=object))
    assert column.isna().tolist() == [False, True, False]
    assert has_names(pd.DataFrame({"x": column}), {"x": "a"}).tolist() == [False, False, True]


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_is_asked_once_of_names_that_occur_together(kind: str) -> None:
    """And what it says holds of every row with these names."""
    asked = []

    def holds(first: str, second: str) -> bool:
        asked.append((first, second))
        return first < second

    rows = pd.DataFrame({"x": ["a", "b", "a", "a"], "y": ["b", "a", "b", "a"]}).astype(kind)
    assert by_name(holds, rows, ["x", "y"]).tolist() == [True, False, True, False]
    assert sorted(asked) == [("a", "a"), ("a", "b"), ("b", "a")]
    assert by_name(holds, rows.iloc[:0], ["x", "y"]).tolist() == []
