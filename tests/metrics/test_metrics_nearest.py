"""Nearest features, against all pairs worked out at once, and in bounded memory."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse import random_array as sparse_random

from autointerp.metrics.nearest import (
    Pairs,
    firings,
    nearest_correlations,
    nearest_cosines,
    pair_correlations,
    pair_cosines,
    pair_products,
)

MB = 1_000_000


def unit_rows(n: int, d: int, seed: int) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def sparse(n: int, n_tokens: int, seed: int, density: float = 0.2) -> csr_array:
    return csr_array(sparse_random((n, n_tokens), density=density, rng=np.random.default_rng(seed), format="csr"))


def all_correlations(rows: csr_array, columns: csr_array) -> NDArray[np.float64]:
    n = rows.shape[0]
    together = np.corrcoef(np.concatenate([rows.toarray(), columns.toarray()]))
    found: NDArray[np.float64] = together[:n, n:]
    return found


def largest(values: NDArray[np.floating], k: int) -> set[tuple[int, int]]:
    return {(i, int(j)) for i, row in enumerate(values) for j in np.argsort(-row)[:k]}


def places(pairs: Pairs) -> set[tuple[int, int]]:
    return set(zip(pairs.row.tolist(), pairs.column.tolist(), strict=True))


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 9), st.sampled_from([1, 7, 100, 10_000]))
def test_cosines_do_not_depend_on_blocks(n_rows: int, n_columns: int, k: int, cells: int) -> None:
    """However small the blocks, each row has its k columns of largest cosine, the largest first."""
    rows, columns = unit_rows(n_rows, 5, 1), unit_rows(n_columns, 5, 2)
    found = nearest_cosines(rows, columns, k=k, cells=cells)
    assert places(found) == largest(rows @ columns.T, k)
    assert found.value == pytest.approx(pair_cosines(rows, columns, found.row, found.column), abs=1e-6)
    inside = found.row[1:] == found.row[:-1]
    assert (np.diff(found.value)[inside] <= 0).all()


@given(st.integers(0, 50), st.sampled_from([1, 30, 100_000]))
def test_correlations_are_pearsons(seed: int, cells: int) -> None:
    """Each row's best k by Pearson over all tokens, silent ones counted, whatever the block."""
    rows, columns = sparse(12, 60, seed), sparse(9, 60, seed + 1000)
    truth = all_correlations(rows, columns)
    found = nearest_correlations(rows, columns, n_tokens=60, k=3, cells=cells)
    best = {(i, j) for i, j in largest(truth, 3) if truth[i, j] >= 0}
    assert places(found) == best
    assert found.value == pytest.approx(truth[found.row, found.column])
    assert pair_correlations(rows, columns, found.row, found.column, n_tokens=60) == pytest.approx(found.value)


def test_columns_without_tokens_count() -> None:
    """Tokens on which nothing fires decide a correlation as any others do."""
    both = csr_array(np.array([[1.0, 2.0, 0.0], [2.0, 1.0, 0.0]]))
    few, many = (nearest_correlations(both[:1], both[1:], n_tokens=n, k=1).value[0] for n in (3, 3000))
    assert few == pytest.approx(0.5)
    assert many == pytest.approx(0.8, abs=1e-3)


def test_silence_has_no_neighbours() -> None:
    """A feature that never fires is near to nothing, and nothing to it."""
    silent, loud = csr_array((2, 10)), csr_array(np.ones((2, 10)))
    assert len(nearest_correlations(silent, loud, n_tokens=20, k=2).row) == 0
    assert len(nearest_correlations(loud, silent, n_tokens=20, k=2).row) == 0
    assert pair_correlations(silent, loud, np.array([0]), np.array([1]), n_tokens=20).tolist() == [0.0]


def test_products_of_firings_count_tokens() -> None:
    """Two features fire together on as many tokens as the product of their firings says."""
    rows, columns = sparse(5, 40, 1, 0.5), sparse(5, 40, 2, 0.5)
    pairs = np.arange(5)
    together = ((rows.toarray() > 0) & (columns.toarray() > 0)).sum(axis=1)
    assert pair_products(firings(rows), firings(columns), pairs, pairs, cells=3).tolist() == together.tolist()


def peak_of(call: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_no_matrix_of_all_pairs() -> None:
    """Memory follows the block, not the product of the widths: all pairs would be 100 MB here."""
    rows, columns = unit_rows(5000, 4, 1), unit_rows(5000, 4, 2)
    assert peak_of(lambda: nearest_cosines(rows, columns, k=3, cells=50_000)) < 5 * MB
    # Dense enough that nearly every pair fires together on some token.
    fires, others = sparse(2000, 300, 1, 0.1), sparse(2000, 300, 2, 0.1)
    assert peak_of(lambda: nearest_correlations(fires, others, n_tokens=300, k=3, cells=50_000)) < 10 * MB
    assert peak_of(lambda: nearest_correlations(fires, others, n_tokens=300, k=3, cells=10**8)) > 100 * MB
