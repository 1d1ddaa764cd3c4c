"""How many features an interval takes, and what a decided one costs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.analysis.estimates import Estimate, estimate_mean, n_for_half_width
from autointerp.analysis.ladders import ladders
from autointerp.analysis.power import cost_per_decided, features_needed, power_table
from autointerp.analysis.summary import summary_lines
from autointerp.analysis.values import feature_values
from autointerp.analysis.width import width_trends
from autointerp.trust.widening import Widening, as_tables, widening_family

CALL = {"tokens_in": 90, "tokens_out": 10, "tokens_cached": 0, "usd": 0.01, "seconds": 1.0, "tries": 1, "cached": False}


@given(st.integers(2, 1000), st.floats(0.001, 1), st.floats(0.001, 1))
def test_more_features_for_less_width(n: int, half_width: float, target: float) -> None:
    """What is reached needs no more features; a target half as wide needs four times as many."""
    needed = features_needed(n, half_width, target=target)
    assert (needed <= n) == (half_width <= target * (1 + 1e-9)) or needed == 2
    assert features_needed(n, half_width, target=target / 2) == pytest.approx(4 * needed, abs=4 + 8 / needed)


def test_the_predicted_number_gives_the_predicted_width() -> None:
    """As many features as a small sample's spread asks for have an interval of the wanted width, within 15%."""
    draws = np.random.default_rng(0)
    n = n_for_half_width(draws.normal(0.7, 0.2, 300).std(ddof=1), half_width=0.02)
    found = estimate_mean(draws.normal(0.7, 0.2, n), seed=0, about=(), resamples=500)
    assert found.half_width == pytest.approx(0.02, rel=0.15)


def test_means_and_slopes_have_rows() -> None:
    """A row a dictionary and target for means, and for the slope at fixed density, which says over how many."""
    tables = as_tables(widening_family(Widening(), seed=1), "verified")
    values = feature_values(tables["scores"], tables["explanations"])
    trends = width_trends(ladders(values, tables["dictionaries"], tables["features"]))
    table = power_table(summary_lines(values, tables["features"], tables["dictionaries"]), trends)
    assert table["of"].value_counts().to_dict() == {"mean": 12, "slope, density held fixed": 3}
    slope = table[table["of"] != "mean"]
    assert (slope["n"] < 100).all()
    assert slope["n_needed"].is_monotonic_increasing


def scores(intervals: list[tuple[float, float]]) -> pd.DataFrame:
    return pd.DataFrame(
        {"dictionary": "toy/4", "feature": i, "scorer": "detection", "metric": "auroc", "control": "none",
         "value": (low + high) / 2, "low": low, "high": high, "chance": 0.5}
        for i, (low, high) in enumerate(intervals)
    )  # fmt: skip


def test_decided_features_carry_the_cost() -> None:
    """Above chance and below it is decided, about it is not; eight calls for two decided features are four each."""
    calls = pd.DataFrame([CALL | {"dictionary": "toy/4", "scorer": "detection"}] * 8)
    (row,) = cost_per_decided(scores([(0.6, 0.9), (0.1, 0.4), (0.4, 0.9)]), calls).to_dict("records")
    assert (row["n_scored"], row["n_decided"], row["calls_each"]) == (3, 2, 4.0)
    assert (row["usd_each"], row["tokens"]) == (pytest.approx(0.04), 800)


def test_unknown_is_not_free() -> None:
    """A price that is unknown is empty, not 0; where nothing is decided there is no cost of one."""
    calls = pd.DataFrame([CALL | {"dictionary": "toy/4", "scorer": "detection", "usd": None}])
    (row,) = cost_per_decided(scores([(0.4, 0.9)]), calls).to_dict("records")
    assert np.isnan([row["usd"], row["calls_each"], row["usd_each"]]).all()
    assert cost_per_decided(scores([(0.4, 0.9)]).iloc[:0], calls).empty


def test_without_spread_nothing_is_promised() -> None:
    """One feature has no spread: no number of features is named."""
    tables = as_tables(widening_family(Widening(n_features=1), seed=1), "verified")
    values = feature_values(tables["scores"], tables["explanations"])
    lines = summary_lines(values, tables["features"], tables["dictionaries"])
    assert power_table(lines)["n_needed"].isna().all()
    assert isinstance(lines[0].mean, Estimate)
