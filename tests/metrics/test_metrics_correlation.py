"""Correlation and simulation formulas: golden values of the published package, and properties."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.metrics.correlation import (
    absolute_deviation_score,
    expected_value,
    linear_calibration,
    pearson,
    pearson_of_resamples,
    percentile_calibration,
    quantise_activations,
    uncentred_r2,
)

# The shared folder stands beside a checkout of the repository; STACK.md tells what is in it.
PLACES = [parent / "shared/fixtures/golden_neuron_explainer/golden.json" for parent in Path(__file__).parents]
PATH = next((path for path in PLACES if path.exists()), None)
numbers = st.floats(-1e6, 1e6)


@pytest.fixture(scope="module")
def golden():
    if PATH is None:
        pytest.skip("no shared/fixtures/golden_neuron_explainer/golden.json beside the repository")
    return json.loads(PATH.read_text())


def test_quantising_agrees(golden):
    """normalize_activations, with scale 10."""
    for case in golden["normalize_activations"]:
        found = quantise_activations(case["activations"], peak=case["max_activation"])
        assert found.tolist() == case["out"]


def test_expected_values_agree(golden):
    """The digits' share of the probability, the rest of the vocabulary left out; None where theirs is 0."""
    for case in golden["expected_value"]:
        row = [math.exp(case["top_logprobs"].get(str(k), -math.inf)) for k in range(11)]
        expected = case["expected_value"] if case["probs"] else None
        assert expected_value(row) == (pytest.approx(expected) if expected is not None else None)


def test_scores_agree(golden):
    """ev_correlation, uncentred R2 and absolute deviation; None where theirs is NaN or minus infinity."""
    for case in golden["scores"]:
        true, pred = case["true"], case["pred"]
        for found, name in (
            (pearson(true, pred), "ev_correlation"),
            (uncentred_r2(true, pred), "rsquared_uncentred"),
            (absolute_deviation_score(true, pred), "abs_dev"),
        ):
            expected = None if case[name] in (None, "-inf") else pytest.approx(case[name])
            assert found == expected, (name, case)


def test_calibrations_agree(golden):
    """Linear and percentile calibration; calibrating on the scored data turns r into |r|."""
    case = golden["calibration"]
    slope, intercept = linear_calibration(case["true"], case["sim"])
    assert slope * np.array(case["query"]) + intercept == pytest.approx(case["linear"])
    assert percentile_calibration(case["true"], case["sim"], case["query"]) == pytest.approx(case["percentile"])
    flip = golden["calibration_sign_flip"]
    assert pearson(flip["true"], flip["sim"]) == pytest.approx(flip["uncalibrated_corr"])
    slope, intercept = linear_calibration(flip["true"], flip["sim"])
    assert pearson(flip["true"], slope * np.array(flip["sim"]) + intercept) == pytest.approx(
        flip["linear_calibrated_corr"]
    )


@given(st.lists(st.tuples(numbers, numbers), max_size=30))
def test_pearson_is_bounded_and_symmetric(pairs):
    """In [-1, 1] or None, the same both ways, never NaN."""
    truth, guess = [t for t, _ in pairs], [g for _, g in pairs]
    found = pearson(truth, guess)
    assert found is None or -1 <= found <= 1
    assert found == (None if found is None else pytest.approx(pearson(guess, truth)))


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=20).filter(lambda v: len(set(v)) > 1))
def test_pearson_ignores_scale_and_place(values):
    """A rising line is 1 and a falling one -1, also when the numbers are tiny."""
    truth = np.array(values, dtype=np.float64)
    assert pearson(truth, 3 * truth + 7) == pytest.approx(1)
    assert pearson(truth * 1e-200, -truth) == pytest.approx(-1)


def test_rounding_noise_is_constant():
    """A judge that varies in the last bit has no correlation."""
    assert pearson([0, 1, 2, 3], [0.1, 0.1 + 1e-17, 0.30000000000000004 - 0.2, 0.1]) is None
    assert pearson([1.0], [2.0]) is None
    assert pearson([], []) is None


def test_different_lengths_are_refused():
    """A missing guess is not a shorter list."""
    with pytest.raises(ValueError, match="2 true values but 3"):
        pearson([1, 2], [1, 2, 3])


def test_resamples_agree_with_the_plain_formula():
    """Moments give the same r as pooling the tokens; an undefined resample is NaN."""
    rng = np.random.default_rng(0)
    truth, guess = [rng.random(5), rng.random(3), np.zeros(4)], [rng.random(5), rng.random(3), np.zeros(4)]
    counts = np.array([[1, 1, 1], [2, 0, 1], [0, 0, 3]], dtype=np.float64)
    found = pearson_of_resamples(truth, guess, counts)
    assert found[0] == pytest.approx(pearson(np.concatenate(truth), np.concatenate(guess)))
    twice = [np.concatenate([side[0], side[0], side[2]]) for side in (truth, guess)]
    assert found[1] == pytest.approx(pearson(*twice))
    assert np.isnan(found[2])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=11))
def test_expected_value_is_a_digit_or_nothing(row):
    """Between 0 and scale whenever any digit has probability."""
    found = expected_value(row)
    assert (found is None) == (sum(row) == 0)
    assert found is None or -1e-9 <= found <= len(row) - 1 + 1e-9
