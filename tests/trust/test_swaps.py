"""A label that says nothing passes as seldom as it should; one that says something is found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from autointerp.core.draws import generator
from autointerp.trust.controls import benjamini_hochberg
from autointerp.trust.swaps import excess, item_gains, swap_p_values

TRUTH = np.repeat([1.0, 0.0], 20)


def answers(name: str, recall: float, false_fire: float, n: int = 1) -> np.ndarray:
    """Yes or no to 20 firing and 20 silent items, shape [n, 40]."""
    return (generator(0, name).random((n, 40)) < np.where(TRUTH > 0, recall, false_fire)).astype(float)


def test_worthless_labels_pass_at_the_level() -> None:
    """Of 400 labels that are worth what the others are, about 5% have p <= 0.05, even where yes is frequent."""
    for rate in (0.2, 0.7):
        own, other = answers("own", rate, rate, 400), answers("other", 0.3, 0.3, 400)
        gains = [item_gains(TRUTH, a, b) for a, b in zip(own, other, strict=True)]
        passed = (swap_p_values(gains, seed=0, n_swaps=999) <= 0.05).mean()
        assert passed <= 0.05 + 4 * (0.05 * 0.95 / 400) ** 0.5


def test_half_a_dictionary_of_noise() -> None:
    """With Benjamini and Hochberg at 5%: most of 100 right labels are found, few of 100 wrong ones."""
    own = np.vstack([answers("good", 0.8, 0.2, 100), answers("noise", 0.3, 0.3, 100)])
    others = np.stack([answers(f"foreign {i}", 0.3, 0.3, 200) for i in range(3)], axis=1)
    gains = [item_gains(TRUTH, a, b) for a, b in zip(own, others, strict=True)]
    found = benjamini_hochberg(swap_p_values(gains, seed=1)) <= 0.05
    assert found[:100].mean() >= 0.75
    assert found[100:].sum() <= 0.12 * found.sum()


def test_by_enumeration() -> None:
    """Two items, each with a gain of 1/2: one of the four swaps leads by as much."""
    half = np.array([[0.5, 0.5], [-0.5, -0.5]])
    assert swap_p_values([half], seed=0, n_swaps=20000)[0] == pytest.approx(0.25, abs=0.015)
    assert swap_p_values([0 * half], seed=0, n_swaps=99).tolist() == [1.0]
    assert swap_p_values([], seed=0).tolist() == []


@given(st.integers(0, 9), st.integers(2, 5))
def test_company_does_not_matter(seed: int, n: int) -> None:
    """A label's p value hardly depends on which others are tested with it, and is never 0."""
    gains = [item_gains(TRUTH, a, b) for a, b in zip(answers("a", 0.9, 0.1, n), answers("b", 0.5, 0.5, n), strict=True)]
    together = swap_p_values([*gains, np.zeros((2, 60))], seed=seed, n_swaps=499)
    assert (together > 0).all()
    assert (together <= 1).all()
    assert swap_p_values(gains, seed=seed, n_swaps=499)[0] == pytest.approx(together[0], abs=0.1)


def test_gains_sum_to_the_lead() -> None:
    """Recall gained minus false fire gained, over the mean of the other labels."""
    others = [[1, 0, 1, 0], [0, 0, 1, 0]]
    leads = item_gains([1, 1, 0, 0], [1, 1, 0, 0], others).sum(axis=1)
    assert leads == pytest.approx([(1 - 0.25) - (0 - 0.5), (0.5 - 0.5) - (0.5 - 0.25), (0 - 0.75) - (0.5 - 0.25)])
    with pytest.raises(ValueError, match="firing and silent"):
        item_gains([1, 1], [1, 0], [[0, 0]])


def test_excess_is_a_difference_of_areas() -> None:
    """As scikit-learn counts them; a control that answers alike leaves exactly nothing."""
    own, control = answers("own", 0.9, 0.2)[0], answers("control", 0.5, 0.4)[0]
    found = excess(TRUTH, own, control, seed=0, key=("a",))
    assert found is not None
    value, interval = found
    assert value == pytest.approx(roc_auc_score(TRUTH, own) - roc_auc_score(TRUTH, control))
    assert interval is not None
    assert interval[0] < value < interval[1]
    assert excess(TRUTH, own, own, seed=0, key=()) == (0.0, None)
    assert excess(TRUTH[:5], own[:5], control[:5], seed=0, key=()) is None
