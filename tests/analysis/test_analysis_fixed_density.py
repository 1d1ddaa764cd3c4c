"""Widths at equal firing density: what density alone makes is not seen, what quality makes is."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.analysis.fixed_density import FixedCurve, Scored, fixed_curve, matched_strata, means_at
from autointerp.analysis.ladders import Ladder, ladders
from autointerp.analysis.statements import Statement
from autointerp.analysis.values import feature_values
from autointerp.analysis.width import (
    BESIDE,
    Trend,
    curve_slope,
    trend_sentence,
    trend_statements,
    width_trends,
)
from autointerp.trust.widening import Widening, as_tables, widening_family

REPEATS = 200


def ladders_of(tables: Mapping[str, pd.DataFrame]) -> tuple[Ladder, ...]:
    values = feature_values(tables["scores"], tables["explanations"])
    return ladders(values, tables["dictionaries"], tables["features"])


def slopes(world: Widening, column: str, *, repeats: int = REPEATS, resamples: int = 400) -> np.ndarray:
    """Return slope, low and high of many made-up families, shape [n_repeats, 3]."""
    found = []
    for seed in range(repeats):
        (ladder,) = ladders_of(as_tables(widening_family(world, seed=seed), column))
        curve = fixed_curve(ladder.scored, seed=seed, about=(), resamples=resamples)
        slope = curve_slope(curve)
        found += [] if slope is None else [(slope.value, slope.low, slope.high)]
    assert len(found) >= 0.98 * repeats
    return np.array(found)


@pytest.mark.parametrize("column", ["naive", "verified"])
def test_constant_quality_is_not_called_a_trend(column: str) -> None:
    """The interval holds 0 in at least 93% of repeats, and the mean slope is none, though naive scores rise by 0.14."""
    found = slopes(Widening(), column)
    assert ((found[:, 1] <= 0) & (found[:, 2] >= 0)).mean() >= 0.93
    assert found[:, 0].mean() == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("rarity", [0.0, 0.01])
def test_a_planted_slope_is_recovered(rarity: float) -> None:
    """Within 10%, also where rare features have better labels, which raw means would add to it."""
    world = Widening(recall=0.75, false_fire=0.25, slope=0.03, rarity=rarity)
    assert slopes(world, "verified", repeats=60, resamples=2)[:, 0].mean() == pytest.approx(0.03, rel=0.1)


def test_means_by_hand() -> None:
    """Two widths on parallel lines, one of denser features: at one density they differ by what is between the lines."""
    x = np.array([0.0, 1.0, 2.0])
    means = means_at([2 * x, 2 * (x + 1) + 0.5], [x, x + 1], at=1.0)
    assert means == pytest.approx([2.0, 2.5])


def test_equal_densities_leave_the_means() -> None:
    """Where all densities are the same the means are the plain ones."""
    means = means_at([np.array([0.1, 0.3]), np.array([0.5, 0.7])], [np.zeros(2), np.zeros(2)], at=0.0)
    assert means == pytest.approx([0.2, 0.6])


@given(st.integers(0, 50), st.floats(0, 3))
def test_strata_hold_every_width(seed: int, shift: float) -> None:
    """A stratum has at least three features of each width; a feature beyond any width's range is in none."""
    draws = np.random.default_rng(seed)
    widths = np.repeat([1, 2, 4], 30)
    places = draws.normal(size=90) - shift * np.log2(widths)
    strata = matched_strata(widths, places)
    counts = pd.crosstab(strata[strata >= 0], widths[strata >= 0]).reindex(columns=[1, 2, 4], fill_value=0)
    assert (counts.to_numpy() >= 3).all()
    assert (places[strata >= 0] <= places[widths == 4].max()).all()


def test_densities_that_do_not_meet_are_not_compared() -> None:
    """Another density at every width: no mean, and the reason; nor with one width, or hardly any feature."""
    values = np.linspace(0.4, 0.6, 40)
    apart = {w: Scored(values, np.linspace(1, 2, 40) / w**2) for w in (1, 2, 4, 8)}
    curve = fixed_curve(apart, seed=0, about=())
    assert (curve.means, curve_slope(curve)) == ((), None)
    assert "densities hardly meet" in curve.note
    assert "1 widths" in fixed_curve({4: apart[4]}, seed=0, about=()).note
    assert fixed_curve({}, seed=0, about=()) == FixedCurve(note=fixed_curve({}, seed=0, about=()).note)


def test_per_firing_counts_dense_strata_more() -> None:
    """Where denser features score higher, so does the mean over firings, at every width."""
    density = np.geomspace(1e-4, 1e-1, 60)
    by_width = {w: Scored(np.log10(density) / 10 + 0.5, density) for w in (4, 8)}
    features, firings = (
        fixed_curve(by_width, seed=0, about=(), is_per_firing=is_per_firing) for is_per_firing in (False, True)
    )
    assert (firings.points > features.points + 0.05).all()


def trends(world: Widening, column: str) -> tuple[Trend, ...]:
    return width_trends(ladders_of(as_tables(widening_family(world, seed=1), column)))


def test_both_footings_stand_side_by_side() -> None:
    """Naive scores of equal labels rise, raw, and do not at fixed density; the verdict says which is meant."""
    raw, fixed = trends(Widening(), "naive")
    assert "rises with width" in trend_sentence(raw)
    assert "density held fixed" in trend_sentence(fixed)
    assert "not distinguishable from none" in trend_sentence(fixed)
    assert [mean.n for mean in fixed.means] != [100] * 4
    (said,) = trend_statements((raw, fixed))
    assert "none in 1 of 1 main measure, raw, and in 0 of 1 main measure with firing density held fixed" in said.text
    assert BESIDE in said.text


def test_three_widths_have_means_and_no_slope() -> None:
    """With three widths: the means at equal density, and no fit."""
    _, fixed = trends(Widening(widths=(512, 1024, 2048)), "verified")
    assert len(fixed.means) == 3
    assert fixed.slope is None
    assert "3 widths" in fixed.note


def test_unknown_density_is_not_matched() -> None:
    """Features whose density nobody measured, or dead ones, are in no stratum."""
    tables = as_tables(widening_family(Widening(), seed=1), "naive")
    _, fixed = width_trends(ladders_of({**tables, "features": tables["features"].assign(density=0.0)}))
    assert fixed.means == ()
    assert list(trend_statements((fixed,))) == list[Statement]()
