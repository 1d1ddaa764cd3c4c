"""The tidy frame of a ladder: every quantity has its row, equal to what computed it, or a reason."""

import pandas as pd
import pytest

from autointerp.analysis.ladders import ladders
from autointerp.analysis.summary import summary_lines
from autointerp.analysis.swapping import Passed
from autointerp.analysis.values import feature_values
from autointerp.analysis.width import width_trends
from autointerp.analysis.width_table import COLUMNS, width_table
from autointerp.trust.widening import Widening, as_tables, widening_family


def table_of(column: str, *, passed: tuple[Passed, ...] = (), world: Widening | None = None) -> pd.DataFrame:
    tables = as_tables(widening_family(world or Widening(), seed=1), column)
    values = feature_values(tables["scores"], tables["explanations"])
    given = [tables[name] for name in ("features", "dictionaries")]
    by_width = ladders(values, tables["dictionaries"], tables["features"])
    return width_table(summary_lines(values, *given), by_width, passed=passed)


def by_width(table: pd.DataFrame, quantity: str) -> pd.Series:
    return table[table["quantity"] == quantity].set_index("width")["value"]


def test_raw_and_fixed_stand_in_rows_of_their_own() -> None:
    """Raw means rise with the naive score, those at equal density do not; they are those of the trend."""
    table = table_of("naive")
    raw, fixed = by_width(table, "mean over features"), by_width(table, "mean over features at fixed density")
    assert raw[4096] - raw[512] == pytest.approx(0.14, abs=0.04)
    assert fixed[4096] - fixed[512] == pytest.approx(0, abs=0.04)
    assert table[table["quantity"] == "scored"]["value"].tolist() == [1.0] * 4
    assert list(table.columns) == COLUMNS


def test_every_row_has_an_interval_or_a_note() -> None:
    """Also where densities do not meet: the row stands with its reason and without a number."""
    apart = table_of("verified", world=Widening(spread=0.01))
    for table in (table_of("verified"), apart):
        bare = table["low"].isna()
        assert (table.loc[bare, "note"] != "").all()
        assert (table.loc[~bare, "low"] <= table.loc[~bare, "value"]).all()
    assert by_width(apart, "mean over features at fixed density").isna().all()


def test_labels_above_their_control_are_a_share() -> None:
    """30 of 40 labels, with Wilson's interval over the 40."""
    one = Passed("made-up/512", "made-up", "detection", "", "made-up", 30, 40, 0.6, 0.86, 0, 0, (20, 20))
    row = table_of("verified", passed=(one,)).query("quantity == 'above control'").iloc[0]
    assert (row["value"], row["n"], row["width"]) == (0.75, 40, 512)
    assert row["low"] == pytest.approx(0.598, abs=0.002)


def test_precision_is_compared_like_any_score() -> None:
    """Precision on all text falls, raw, with the density; the trend at fixed density does not see quality fall."""
    tables = as_tables(widening_family(Widening(), seed=3), "precision")
    values = feature_values(tables["scores"], tables["explanations"])
    raw, fixed = width_trends(ladders(values, tables["dictionaries"], tables["features"]))
    assert raw.slope is not None
    assert raw.slope.is_below_zero
    assert fixed.slope is not None
    assert fixed.slope.low < 0 < fixed.slope.high
