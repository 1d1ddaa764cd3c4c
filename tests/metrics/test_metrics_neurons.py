"""The neuron nearest to a feature, against correlations worked out at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse import random_array as sparse_random

from autointerp.metrics.neurons import strongest_neurons


@given(st.integers(0, 100), st.sampled_from([1, 7, 50]))
def test_strongest_neuron_is_the_highest_pearson(seed: int, step: int) -> None:
    """Signed neurons count by the size of r, and pieces of text do not matter."""
    draws = np.random.default_rng(seed)
    features = csr_array(sparse_random((4, 50), density=0.4, rng=draws, format="csr"))
    neurons = draws.standard_normal((50, 6))
    pieces = [(features[:, i : i + step], neurons[i : i + step]) for i in range(0, 50, step)]
    found = strongest_neurons(pieces, n_neurons=6)
    truth = np.corrcoef(np.concatenate([features.toarray(), neurons.T]))[:4, 4:]
    assert found.neuron.tolist() == np.abs(truth).argmax(axis=1).tolist()
    assert found.correlation == pytest.approx(truth[np.arange(4), found.neuron])


def test_a_neuron_against_it_counts() -> None:
    """A neuron that falls where the feature fires is its strongest, with r = -1."""
    feature = np.array([[0.0, 1.0, 3.0, 0.0]])
    neurons = np.stack([[1.0, -1.0, 0.5, 0.5], -2 * feature[0]], axis=1)
    found = strongest_neurons([(csr_array(feature), neurons)], n_neurons=2)
    assert (found.neuron[0], found.correlation[0]) == (1, pytest.approx(-1.0))


def test_what_never_varies_has_no_neuron() -> None:
    """A silent feature, or constant neurons, have none: no rounding noise is correlated."""
    silent, firing = csr_array((1, 999)), csr_array(np.arange(999.0)[None])
    noise, constant = np.arange(999.0)[:, None] ** 2, np.full((999, 1), 0.1)
    assert strongest_neurons([(silent, noise)], n_neurons=1).neuron.tolist() == [-1]
    assert strongest_neurons([(firing, constant)], n_neurons=1).neuron.tolist() == [-1]
