"""The neuron nearest to a feature, against correlations worked out at once."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse import random_array as sparse_random

from autointerp.metrics.neurons import Strongest, shifted, strongest_neurons


def blocks(neurons: NDArray[np.float64], size: int) -> Iterator[NDArray[np.float64]]:
    """Yield the neurons *size* at a time."""
    yield from (neurons[:, start : start + size] for start in range(0, neurons.shape[1], size))


def strongest(features: NDArray[np.float64], neurons: NDArray[np.float64], *, size: int = 100) -> Strongest:
    return strongest_neurons(csr_array(features), blocks(neurons, size))


@given(st.integers(0, 1000), st.sampled_from([1, 4, 6]), st.sampled_from([1e-200, 1.0, 1e150]), st.floats(-1e4, 1e4))
def test_strongest_neuron_is_the_highest_pearson(seed: int, size: int, scale: float, level: float) -> None:
    """As numpy has it, signed, whatever the blocks, the units of either side and the level of the neurons."""
    draws = np.random.default_rng(seed)
    features = sparse_random((4, 50), density=0.4, rng=draws, format="csr").toarray()
    neurons = draws.standard_normal((50, 6))
    found = strongest(features * scale, (neurons + level) * scale, size=size)
    truth = np.corrcoef(np.concatenate([features, neurons.T]))[:4, 4:]
    for feature, row in enumerate(truth):
        neuron, r = found.found(feature) or (-1, 0.0)
        assert r == pytest.approx(row[neuron], abs=1e-6)
        assert abs(r) == pytest.approx(np.abs(row).max(), abs=1e-6)


def test_planted_neurons_are_found() -> None:
    """A feature that is a neuron has 1.0 with it, its negative -1.0; half of a sum of two like ones has sqrt(1/2)."""
    draws = np.random.default_rng(0)
    neurons = np.abs(draws.standard_normal((5000, 8)))
    features = np.stack([3 * neurons[:, 5], neurons[:, 1] + neurons[:, 2]])
    found = strongest(features, np.concatenate([neurons[:, :5], -neurons[:, 5:6]], axis=1), size=3)
    assert found.found(0) == (5, pytest.approx(-1.0))
    neuron, r = found.found(1) or (-1, 0.0)
    assert neuron in (1, 2)
    assert r == pytest.approx(np.sqrt(0.5), abs=0.03)


def test_of_equal_neurons_the_first_is_named() -> None:
    """Copies of a neuron, in one block or in several, leave the lowest number."""
    neuron = np.random.default_rng(0).standard_normal((30, 1))
    neurons = np.concatenate([np.zeros((30, 1)), neuron, neuron, neuron], axis=1)
    for size in (1, 2, 4):
        assert strongest(np.maximum(neuron, 0).T, neurons, size=size).neuron.tolist() == [1]


def test_what_never_varies_has_no_neuron() -> None:
    """A silent feature, one that is the same everywhere, and constant neurons have none: no rounding is correlated."""
    constant, neuron = np.full(999, 0.1), np.arange(999.0)[:, None] ** 2
    found = strongest(np.stack([np.zeros(999), constant, np.arange(999.0)]), neuron)
    assert [found.found(feature) is None for feature in range(3)] == [True, True, False]
    assert strongest(np.arange(999.0)[None], constant[:, None]).found(0) is None
    assert np.isfinite(found.correlation).all()


def test_nothing_is_no_neuron() -> None:
    """No neuron, no token and no feature are answers, not errors; other tokens are an error."""
    assert strongest_neurons(csr_array(np.ones((2, 3))), []).neuron.tolist() == [-1, -1]
    assert strongest(np.zeros((2, 0)), np.zeros((0, 3))).neuron.tolist() == [-1, -1]
    assert len(strongest(np.zeros((0, 3)), np.zeros((3, 2))).neuron) == 0
    with pytest.raises(ValueError, match="3 tokens"):
        strongest(np.ones((1, 3)), np.zeros((4, 2)))


def test_features_in_pieces_are_the_same() -> None:
    """How many features stand in memory together changes nothing."""
    draws = np.random.default_rng(1)
    features, neurons = np.maximum(draws.standard_normal((7, 40)), 0), draws.standard_normal((40, 5))
    whole = strongest(features, neurons)
    parts = strongest_neurons(csr_array(features), [neurons], at_once=2)
    assert parts.neuron.tolist() == whole.neuron.tolist()
    assert parts.correlation == pytest.approx(whole.correlation)


def test_shifted_features_keep_all_but_their_places() -> None:
    """Each row is rolled by its own offset: a neuron of before is no longer there, firings and strengths are."""
    draws = np.random.default_rng(2)
    features = np.maximum(draws.standard_normal((3, 2000)), 0)
    offsets = np.array([0, 700, 1999])
    moved = shifted(csr_array(features), offsets).toarray()
    assert all((moved[row] == np.roll(features[row], offset)).all() for row, offset in enumerate(offsets))
    found = strongest_neurons(shifted(csr_array(features), offsets), [features.T.copy()])
    assert found.correlation[0] == pytest.approx(1.0)
    assert abs(found.correlation[1]) < 0.1
