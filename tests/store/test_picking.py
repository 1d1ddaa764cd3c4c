"""A feature's rows of a part: those a filtered reading finds, whatever the part holds besides."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.errors import StoreError
from autointerp.core.types import FeatureId
from autointerp.store.parts import part_path, read_file, write_part
from autointerp.store.picking import read_of_feature

WORDS = ["", "cat", "\u202e\u00e9vil", "long " * 40]


def row(dictionary: str, feature: int, place: int) -> dict[str, Any]:
    return {
        "dictionary": dictionary, "feature": feature, "explanation": f"{dictionary}{feature}",
        "scorer": ("detection", "fuzzing", "simulation")[place % 3], "variant": "", "judge": WORDS[place % 4],
        "control": "none", "draw": 0, "item": f"d{place}:0", "truth": 1.0, "guess": None if place % 5 else 0.5,
        "weight": 1.0, "kind": "logprob", "reason": "scored",
    }  # fmt: skip


def window(dictionary: str, feature: int, place: int) -> dict[str, Any]:
    return {
        "dictionary": dictionary, "feature": feature, "side": "held_out", "doc": f"d{place}", "start": 0,
        "tokens": [WORDS[(place + i) % 4] for i in range(place % 3)], "token_ids": [1] * (place % 3),
        "activations": [0.5] * (place % 3), "stratum": "top", "weight": 1.0,
    }  # fmt: skip


def both(path: Path, table: str, feature: FeatureId, **among: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what is picked, and what a filtered reading of the whole part finds."""
    filters = [("dictionary", "==", feature.dictionary), ("feature", "==", feature.index)]
    others = [(name, "in", values) for name, values in among.items()]
    picked = read_of_feature(path, table, feature, among=among).to_pandas()
    return picked, read_file(path, table, filters=[*filters, *others])


@given(places=st.lists(st.tuples(st.sampled_from(["toy/512", "toy/1024"]), st.integers(0, 4)), max_size=30))
def test_what_is_picked_is_what_a_filter_finds(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[str, int]]
) -> None:
    """The same rows in the same order with the same types, also of other scorers, and also where there are none."""
    folder = tmp_path_factory.mktemp("run")
    said = write_part(folder, "predictions", "a", [row(*name, place) for place, name in enumerate(places)])
    seen = write_part(folder, "evidence", "a", [window(*name, place) for place, name in enumerate(places)])
    feature = FeatureId("toy/512", 2)
    pd.testing.assert_frame_equal(*both(said, "predictions", feature))
    pd.testing.assert_frame_equal(*both(said, "predictions", feature, scorer=["detection", "fuzzing"]))
    pd.testing.assert_frame_equal(*both(seen, "evidence", feature))


def test_a_feature_is_found_in_whichever_group_of_rows_it_stands(tmp_path: Path) -> None:
    """Of a part of several groups, with statistics and without, every feature's rows are found."""
    rows = [window("toy/512", feature, place) for feature in range(40) for place in range(5)]
    content = pq.read_table(write_part(tmp_path, "evidence", "a", rows))
    for with_statistics in (True, False):
        path = part_path(tmp_path, "evidence", f"b{with_statistics}")
        pq.write_table(content, path, row_group_size=17, write_statistics=with_statistics)
        for feature in (0, 7, 39, 40):
            picked, found = both(path, "evidence", FeatureId("toy/512", feature))
            assert len(picked) == (5 if feature < 40 else 0)
            pd.testing.assert_frame_equal(picked, found)


def test_only_what_is_asked_for_comes_back(tmp_path: Path) -> None:
    """Columns are those wanted, in the order of their table; a column an older version did not write is empty."""
    path = write_part(tmp_path, "predictions", "a", [row("toy/512", 1, 0)])
    feature = FeatureId("toy/512", 1)
    assert read_of_feature(path, "predictions", feature, columns=("guess", "item")).to_pylist() == [
        {"item": "d0:0", "guess": 0.5}
    ]
    pq.write_table(pq.read_table(path).drop_columns(["guess"]), path)
    assert read_of_feature(path, "predictions", feature, columns=("guess", "item")).to_pylist() == [
        {"item": "d0:0", "guess": None}
    ]


def test_a_damaged_part_says_what_to_do(tmp_path: Path) -> None:
    """A part that is gone, cut short, changed or without a column is refused with its name."""
    path = write_part(tmp_path, "predictions", "a", [row("toy/512", 1, place) for place in range(50)])
    whole, feature = path.read_bytes(), FeatureId("toy/512", 1)
    middle = whole.index(b"d49:0") if b"d49:0" in whole else len(whole) // 4
    content = pq.read_table(path)
    for damage in (whole[:-20], whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]):
        path.write_bytes(damage)
        with pytest.raises(StoreError, match=f"{path.name}: damaged"):
            read_of_feature(path, "predictions", feature)
    pq.write_table(content.drop_columns(["item"]), path)
    with pytest.raises(StoreError, match="no column item"):
        read_of_feature(path, "predictions", feature)
    path.unlink()
    with pytest.raises(StoreError, match="no such part"):
        read_of_feature(path, "predictions", feature)
