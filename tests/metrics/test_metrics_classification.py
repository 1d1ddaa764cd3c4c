"""Classification: AUROC against scikit-learn, and population figures against numbers worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, roc_auc_score

from autointerp.metrics.classification import (
    always_yes_f1,
    answer_rates,
    auroc,
    balanced_accuracy,
    effective_number,
    population_f1,
    population_precision,
)

items = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.integers(1, 9)), min_size=2, max_size=40
)


@given(items)
def test_auroc_agrees_with_sklearn(rows):
    """With ties and weights; None where scikit-learn has nothing to say."""
    truth, guess, weight = map(np.array, zip(*rows, strict=True))
    if truth.all() or not truth.any():
        assert auroc(truth, guess) is None
    else:
        assert auroc(truth, guess) == pytest.approx(roc_auc_score(truth, guess))
        assert auroc(truth, guess, weight) == pytest.approx(roc_auc_score(truth, guess, sample_weight=weight))


@given(items, st.floats(0, 1))
def test_constant_judge_is_at_chance(rows, p):
    """Whatever the truth, the same answer everywhere gives 0.5."""
    truth = [fires for fires, _, _ in rows]
    for found in (auroc(truth, [p] * len(rows)), balanced_accuracy(truth, [p] * len(rows))):
        assert found in (None, 0.5)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_population_figures_are_the_samples_own_at_its_own_density(rows):
    """Taking the sample as the population gives scikit-learn's precision and F1."""
    truth, yes = (np.array(column) for column in zip(*rows, strict=True))
    rates = answer_rates(truth, yes)
    if rates.recall is None or rates.false_fire is None:
        return
    density = truth.mean()
    precision = population_precision(rates.recall, rates.false_fire, density)
    expected = pytest.approx(precision_score(truth, yes)) if yes.any() else None
    assert precision == expected
    assert population_f1(rates.recall, rates.false_fire, density) == pytest.approx(f1_score(truth, yes))


def test_numbers_of_the_protocol():
    """Recall 0.8 with 0.05% false fire at 0.1% is a precision of 0.61 or 0.62; 0.9 and 0.9 is 0.009."""
    assert population_precision(0.8, 0.0005, 0.001) == pytest.approx(0.6156, abs=1e-4)
    assert population_precision(0.9, 0.1, 0.001) == pytest.approx(0.00893, abs=1e-5)
    assert always_yes_f1(0.02) == population_f1(1, 1, 0.02) == pytest.approx(0.04 / 1.02)


def test_nobody_answered_yes():
    """Precision of nothing is undefined; F1 is 0; without density there is nothing to find."""
    assert population_precision(0, 0, 0.1) is None
    assert population_f1(0, 0, 0.1) == 0
    assert population_f1(1, 0, 0) is None


def test_weights_count():
    """A heavy false alarm outweighs many light silences, and passes for few items."""
    rates = answer_rates([1, 0, 0, 0], [1, 1, 0, 0], [1, 98, 1, 1])
    assert rates.false_fire == pytest.approx(0.98)
    assert 1 < rates.n_silent < 1.1
    assert effective_number([2, 2, 2]) == pytest.approx(3)
    assert effective_number([0, 0]) == effective_number([]) == 0


def test_items_without_weight_do_not_count():
    """The other half of a pair stands for nothing."""
    assert answer_rates([1, 0], [1, 1], [1, 0]).false_fire is None
    assert auroc([1, 0], [1, 0], [1, 0]) is None
