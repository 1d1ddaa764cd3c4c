"""Features against neurons: the neuron whose activation follows a feature's most, a block of neurons at a time."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from autointerp.metrics.correlation import CONSTANT

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEATURES_AT_ONCE = 16_384

EQUAL = 1e-12
"""Correlations no further apart are one: copies of a neuron differ by rounding, by where they stand in a block."""


@dataclass(frozen=True, slots=True)
class Strongest:
    """Of each feature, shape [n_features]: the neuron of highest |Pearson|, and its r with the sign it has.

    ``neuron`` is -1, and ``correlation`` 0 without meaning, where the feature or every neuron is constant.
    """

    neuron: Ints
    correlation: Floats

    @classmethod
    def none(cls, n_features: int) -> "Strongest":
        return cls(np.full(n_features, -1, np.int64), np.zeros(n_features))

    def found(self, feature: int) -> tuple[int, float] | None:
        """Return (neuron, r) of one feature, or None."""
        neuron = int(self.neuron[feature])
        return None if neuron < 0 else (neuron, float(self.correlation[feature]))


def strongest_neurons(
    features: csr_array, blocks: Iterable[NDArray[np.floating]], *, at_once: int = FEATURES_AT_ONCE
) -> Strongest:
    """Return for each feature the neuron with the highest |Pearson| over the same tokens; of equals the first.

    Scaling Monosemanticity, §features vs neurons, where the neurons are those of all preceding layers. Of all
    correlations only the strongest so far of each feature is kept, so that memory is

        3 * 8 * n_tokens * (neurons of a block) + 3 * 8 * at_once * (neurons of a block)

    bytes beside the features: some 220 MB with blocks of 250 neurons and 20,000 tokens.

    Args:
        features: Activations, [n_features, n_tokens].
        blocks: All neurons, signed, side by side in the order of their numbers: each [n_tokens, n of the block].
        at_once: Features whose correlations with a block stand in memory together.

    Raises:
        ValueError: A block has another number of tokens.
    """
    n_features, n_tokens = features.shape
    unit, mean = _unit_rows(features)
    best, first = Strongest.none(n_features), 0
    for block in blocks:
        if len(block) != n_tokens:
            msg = f"features on {n_tokens} tokens but neurons on {len(block)}"
            raise ValueError(msg)
        best = _stronger(best, unit, mean, _unit_columns(block), first=first, at_once=at_once)
        first += block.shape[1]
    return best


def shifted(features: csr_array, offsets: Ints) -> csr_array:
    """Return the features with each one's activations moved along the tokens by its offset, round the end.

    How often and how strongly a feature fires stays, and most runs of firing tokens; what it fires on does not. So
    the highest of many correlations with it is what chance alone reaches.

    Args:
        features: Activations, [n_features, n_tokens].
        offsets: Tokens to move by, [n_features].
    """
    n_tokens = features.shape[1]
    moves = np.repeat(offsets, np.diff(features.indptr))
    places = (features.indices.astype(np.int64) + moves) % max(n_tokens, 1)
    return csr_array((features.data, places, features.indptr), shape=features.shape)


def _stronger(
    best: Strongest, unit: csr_array, mean: Floats, neurons: Floats, *, first: int, at_once: int
) -> Strongest:
    """Return the best of what was found before and of a block whose neurons are numbered from *first*."""
    neuron, correlation = best.neuron.copy(), best.correlation.copy()
    for start in range(0, len(mean) if neurons.size else 0, at_once):
        rows = slice(start, start + at_once)
        # The columns' sums are 0 but for rounding, which a feature that fires everywhere would multiply.
        r = unit[rows] @ neurons - mean[rows, None] * neurons.sum(axis=0)
        strength = np.abs(r)
        strongest = (strength >= strength.max(axis=1, keepdims=True) - EQUAL).argmax(axis=1)
        found = np.clip(np.take_along_axis(r, strongest[:, None], axis=1)[:, 0], -1.0, 1.0)
        # Only what is greater replaces: of equal ones the neuron with the lowest number stays.
        is_better = np.abs(found) > np.where(neuron[rows] < 0, 0.0, np.abs(correlation[rows])) + EQUAL
        neuron[rows] = np.where(is_better, first + strongest, neuron[rows])
        correlation[rows] = np.where(is_better, found, correlation[rows])
    return Strongest(neuron, correlation)


def _unit_columns(block: NDArray[np.floating]) -> Floats:
    """Return the neurons centred and of length 1, [n_tokens, n]; constant ones are 0 everywhere."""
    values = block.astype(np.float64)
    largest = np.abs(values).max(axis=0, initial=0.0)
    is_constant = np.ptp(values, axis=0) <= CONSTANT * largest if len(values) else np.ones(values.shape[1], np.bool_)
    # Divided by the largest first, so that squares of tiny values do not underflow.
    values /= np.where(is_constant, 1.0, largest)
    values -= values.mean(axis=0) if len(values) else 0.0
    lengths = np.sqrt(np.einsum("ij,ij->j", values, values))
    values *= np.where(is_constant, 0.0, 1.0 / np.where(is_constant, 1.0, lengths))
    return values


def _unit_rows(features: csr_array) -> tuple[csr_array, Floats]:
    """Return the features divided by the length of what is left without their means, and their means so divided.

    Not centred, for they would be no longer sparse; constant ones are 0 everywhere.
    """
    n_features, n_tokens = features.shape
    n_each = np.diff(features.indptr)
    row = np.repeat(np.arange(n_features), n_each)
    values = features.data.astype(np.float64)
    largest, smallest = np.zeros(n_features), np.where(n_each < n_tokens, 0.0, np.inf)
    np.maximum.at(largest, row, values)
    np.minimum.at(smallest, row, values)
    is_constant = (largest <= 0) | (largest - smallest <= CONSTANT * largest)
    values = values / np.where(is_constant, 1.0, largest)[row]
    mean = np.bincount(row, values, n_features) / max(n_tokens, 1)
    squares = np.bincount(row, (values - mean[row]) ** 2, n_features) + (n_tokens - n_each) * mean**2
    scale = np.where(is_constant, 0.0, 1.0 / np.sqrt(np.where(is_constant, 1.0, squares)))
    return csr_array((values * scale[row], features.indices, features.indptr), shape=features.shape), mean * scale
