"""Rank correlation: against SciPy, and weights that act as repetitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from autointerp.metrics.ranks import spearman, spearman_of_resamples

pairs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 4)), min_size=2, max_size=30)


@given(pairs)
def test_spearman_agrees_with_scipy(rows):
    """With ties; None where SciPy has nothing to say."""
    truth, guess, _ = map(np.array, zip(*rows, strict=True))
    if np.ptp(truth) == 0 or np.ptp(guess) == 0:
        assert spearman(truth, guess) is None
    else:
        assert spearman(truth, guess) == pytest.approx(spearmanr(truth, guess).statistic)


@given(pairs)
def test_a_weight_is_a_repetition(rows):
    """A token of weight 3 counts like three tokens."""
    truth, guess, weight = map(np.array, zip(*rows, strict=True))
    repeated = spearman(np.repeat(truth, weight), np.repeat(guess, weight))
    found = spearman(truth, guess, weight)
    assert found == (pytest.approx(repeated) if repeated is not None else None)


def test_only_the_order_counts():
    """Any rising transformation is 1, a falling one -1; without weight there is nothing."""
    truth = np.array([0.0, 1, 2, 3, 9])
    assert spearman(truth, np.exp(truth)) == pytest.approx(1)
    assert spearman(truth, -truth) == pytest.approx(-1)
    assert spearman(truth, truth, np.zeros(5)) is None


def test_resamples_agree_with_repeated_clusters():
    """Counts are repetitions of whole clusters; a resample without variation is NaN."""
    rng = np.random.default_rng(0)
    truth, guess = [rng.integers(0, 4, 5) for _ in range(3)], [rng.integers(0, 4, 5) for _ in range(3)]
    truth[2] = np.zeros(5, dtype=np.int64)
    counts = np.array([[1.0, 1, 1], [2, 1, 0], [0, 0, 3]])
    found = spearman_of_resamples(truth, guess, [1.0, 1.0, 1.0], counts)
    assert found[0] == pytest.approx(spearman(np.concatenate(truth), np.concatenate(guess)))
    twice = [np.concatenate([side[0], side[0], side[1]]) for side in (truth, guess)]
    assert found[1] == pytest.approx(spearman(*twice))
    assert np.isnan(found[2])
