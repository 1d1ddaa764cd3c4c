"""Intervals: they hold the value, stay open on perfect samples, and cover."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.draws import generator
from autointerp.metrics.classification import Rates, auroc, population_precision
from autointerp.metrics.intervals import (
    auroc_interval,
    balanced_accuracy_interval,
    bootstrap_interval,
    percentile_interval,
    rates_interval,
    wilson_interval,
)

shares, sizes = st.floats(0, 1), st.floats(1, 500)


@given(shares, sizes, sizes)
def test_every_interval_holds_its_value_and_has_width(share, n, m):
    """Inside [0, 1], around the value, never a point."""
    rates = Rates(share, 1 - share, n, m)
    for low, high in (
        wilson_interval(share, n),
        auroc_interval(share, n_firing=n, n_silent=m),
        balanced_accuracy_interval(rates),
    ):
        assert 0 <= low <= share <= high <= 1
        assert high - low > 1e-3


def test_a_perfect_small_sample_is_not_certain():
    """1.0 on 8 + 8 items leaves room below."""
    low, high = auroc_interval(1.0, n_firing=8, n_silent=8)
    assert 0.7 < low < 0.8
    assert high == 1.0
    assert wilson_interval(1.0, 8) == pytest.approx((0.6756, 1.0), abs=1e-4)


@given(shares, sizes, sizes)
def test_intervals_are_symmetric(share, n, m):
    """Calling firing silent turns every interval round."""
    low, high = auroc_interval(share, n_firing=n, n_silent=m)
    assert auroc_interval(1 - share, n_firing=m, n_silent=n) == pytest.approx((1 - high, 1 - low), abs=1e-6)
    low, high = wilson_interval(share, n)
    assert wilson_interval(1 - share, n) == pytest.approx((1 - high, 1 - low), abs=1e-6)


def test_published_wilson_interval():
    """81 of 263 is 0.2553 to 0.3662 (Newcombe 1998, Statistics in Medicine 17:857, table I)."""
    assert wilson_interval(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)


def test_auroc_interval_covers():
    """For normal scores with a true AUROC of 0.76 about 95% of the intervals hold it, never far fewer."""
    draw = generator(0, "coverage")
    hits = 0
    for _ in range(300):
        guess = np.concatenate([draw.normal(1, 1, 20), draw.normal(0, 1, 20)])
        low, high = auroc_interval(auroc([1] * 20 + [0] * 20, guess), n_firing=20, n_silent=20)
        hits += low <= 0.7602 <= high
    assert hits / 300 > 0.92


def test_precision_interval_knows_how_little_eight_silences_say():
    """No false alarm among 8 silent items does not show a precision of 1 when firing is rare."""

    def statistic(recall, false_fire):
        return population_precision(recall, false_fire, 0.001)

    low, high = rates_interval(Rates(1.0, 0.0, 8, 8), statistic, seed=0, key=("a",))
    assert low < 0.02
    assert high == 1.0
    assert rates_interval(Rates(None, 0.0, 0, 8), statistic, seed=0, key=("a",)) is None


def test_bootstrap_is_keyed_and_refuses_small_or_equal_samples():
    """The same key, the same limits; fewer than 3 clusters or no variation have no interval."""
    values = np.arange(10.0)

    def mean(counts):
        return counts @ values / counts.sum(axis=1)

    found = bootstrap_interval(10, mean, seed=1, key=("x",))
    assert found == bootstrap_interval(10, mean, seed=1, key=("x",))
    assert found != bootstrap_interval(10, mean, seed=1, key=("y",))
    assert found[0] < 4.5 < found[1]
    assert bootstrap_interval(2, mean, seed=1, key=("x",)) is None
    assert bootstrap_interval(10, lambda counts: np.ones(len(counts)), seed=1, key=("x",)) is None


def test_mostly_undefined_resamples_have_no_interval():
    """Percentiles of the lucky few would hide how often there was nothing."""
    assert percentile_interval([np.nan, np.nan, 1.0]) is None
    assert percentile_interval([np.nan, 0.0, 1.0]) is not None
    assert percentile_interval([]) is None
    assert wilson_interval(0.5, 0) is None
    assert auroc_interval(0.5, n_firing=0, n_silent=3) is None
