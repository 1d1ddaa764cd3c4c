"""Cluster entropy: known values, its bounds, and what must not change it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.metrics.clusters import cluster_entropy, n_found

pairs = st.lists(st.tuples(st.integers(-1, 5), st.integers(0, 5)), min_size=1, max_size=60)


def test_known_values() -> None:
    """One feature for two even clusters leaves 1 bit; a half pure feature half of that; no points, no number."""
    assert cluster_entropy([0, 0, 0, 0], [1, 1, 2, 2]) == 1.0
    assert cluster_entropy([0, 0, 1, 1], [1, 2, 3, 3]) == 0.5
    assert cluster_entropy([7, 7, 9, 9], [1, 1, 2, 2]) == 0.0
    assert cluster_entropy([], []) is None
    assert (n_found([], []), n_found([0, 0, 0], [1, 1, 2]), n_found([0, 0], [1, 2])) == (0, 1, 0)


@given(pairs)
def test_bounds(points: list[tuple[int, int]]) -> None:
    """H(C|F) lies between H(C) - log2(values of F), or 0, and H(C)."""
    feature, cluster = np.array(points).T
    whole, left = cluster_entropy(np.zeros(len(points)), cluster), cluster_entropy(feature, cluster)
    assert whole is not None
    assert left is not None
    assert max(0.0, whole - np.log2(len(set(feature.tolist())))) - 1e-9 <= left <= whole + 1e-9
    assert n_found(feature, cluster) <= len(set(cluster.tolist()))


@given(pairs, st.permutations(range(7)))
def test_names_and_order_do_not_matter(points: list[tuple[int, int]], names: list[int]) -> None:
    """Features called otherwise, and points in another order, leave the same."""
    feature, cluster = np.array(points).T
    renamed = np.array(names)[feature + 1][::-1]
    assert cluster_entropy(renamed, cluster[::-1]) == pytest.approx(cluster_entropy(feature, cluster), abs=1e-9)
    assert n_found(renamed, cluster[::-1]) == n_found(feature, cluster)


@given(pairs)
def test_a_finer_feature_never_leaves_more(points: list[tuple[int, int]]) -> None:
    """Splitting features cannot raise what is left open."""
    feature, cluster = np.array(points).T
    finer = feature * 100 + np.arange(len(points)) % 3
    left, split = cluster_entropy(feature, cluster), cluster_entropy(finer, cluster)
    assert left is not None
    assert split is not None
    assert split <= left + 1e-9
