"""Which features of two dictionaries are nearest, by direction or by activations, without a matrix of all pairs."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]

CELLS = 2_000_000
"""Pairs held at once, whatever the widths: some 60 bytes each, 120 MB."""

ROWS_TO_COLUMNS = 64
"""A block of cosines has so many times more columns than rows: the merging of blocks then costs little."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of features, all of shape [n_pairs], by row and then largest value first; equal ones by column."""

    row: Ints
    column: Ints
    value: Floats


def nearest_cosines(rows: Vectors, columns: Vectors, *, k: int, cells: int = CELLS) -> Pairs:
    """Return for each row the *k* columns (all, if fewer) of largest cosine.

    Args:
        rows: Unit vectors, [n_rows, d].
        columns: Unit vectors, [n_columns, d].
        k: Columns a row.
        cells: Cosines in memory at once; time grows with n_rows * n_columns * d all the same.
    """
    height = max(1, min(len(rows), isqrt(cells // ROWS_TO_COLUMNS)))
    parts = [_nearest_of(rows[i : i + height], columns, k, cells // height) for i in range(0, len(rows), height)]
    if not parts or not len(columns):
        return _joined([])
    column, value = (np.concatenate(part).ravel() for part in zip(*parts, strict=True))
    row = np.repeat(np.arange(len(rows)), len(column) // len(rows))
    return _ordered(Pairs(row, column, value.astype(np.float64)))


def _nearest_of(rows: Vectors, columns: Vectors, k: int, width: int) -> tuple[Ints, Vectors]:
    """Return the columns and cosines, [n_rows, min(k, n_columns)]: the best of each block, then of those."""
    column = np.zeros((len(rows), 0), np.int64)
    value = np.zeros((len(rows), 0), np.float32)
    for start in range(0, len(columns), width):
        found = rows @ columns[start : start + width].T
        places = _largest(found, k)
        column = np.concatenate([column, places + start], axis=1)
        value = np.concatenate([value, np.take_along_axis(found, places, axis=1)], axis=1)
        kept = _largest(value, k)
        column, value = np.take_along_axis(column, kept, axis=1), np.take_along_axis(value, kept, axis=1)
    return column, value


def _largest(values: Vectors, k: int) -> Ints:
    """Return the places of the k largest of each row, in no order."""
    if values.shape[1] <= k:
        return np.broadcast_to(np.arange(values.shape[1]), values.shape)
    return np.argpartition(values, -k, axis=1)[:, -k:]


def nearest_correlations(
    rows: csr_array, columns: csr_array, *, n_tokens: int, k: int, least: float = 0.0, cells: int = CELLS
) -> Pairs:
    """Return for each row the *k* columns, or fewer, whose activations correlate with it most.

    Pearson's r over all *n_tokens*, zeros counted. Only pairs that fire together somewhere and reach *least* > 0
    or 0 are found: a feature that never fires has none.

    Args:
        rows: Activations >= 0, [n_rows, n_tokens or more].
        columns: Activations on the same tokens, [n_columns, the same].
        n_tokens: Tokens seen, among them those on which nothing fires.
        k: Columns a row.
        least: The smallest correlation that is kept.
        cells: Pairs in memory at once.
    """
    across = columns.T.tocsr()  # once: a product with a transposed matrix would convert it for every block
    of_rows, of_columns = _moments(rows, n_tokens), _moments(columns, n_tokens)
    found = []
    for part in _blocks(_most_pairs(rows, columns), cells):
        products = (rows[part].astype(np.float64) @ across).tocoo()
        row, column = products.row.astype(np.int64) + part.start, products.col.astype(np.int64)
        value = _correlation(products.data / n_tokens, of_rows[:, row], of_columns[:, column])
        is_kept = value >= least
        found.append(_first(_ordered(Pairs(row[is_kept], column[is_kept], value[is_kept])), k))
    return _joined(found)


def pair_correlations(rows: csr_array, columns: csr_array, row: Ints, column: Ints, *, n_tokens: int) -> Floats:
    """Return Pearson's r over *n_tokens* of each pair (row[i], column[i]); 0 where one of them is constant."""
    products = pair_products(rows, columns, row, column) / n_tokens
    return _correlation(products, _moments(rows, n_tokens)[:, row], _moments(columns, n_tokens)[:, column])


def pair_products(rows: csr_array, columns: csr_array, row: Ints, column: Ints, *, cells: int = CELLS) -> Floats:
    """Return the sum over tokens of the two activations' product for each pair (row[i], column[i])."""
    lengths = np.diff(rows.indptr)[row] + np.diff(columns.indptr)[column]
    found = [
        np.asarray(rows[row[part]].multiply(columns[column[part]]).sum(axis=1), np.float64)
        for part in _blocks(lengths, cells)
    ]
    return np.concatenate([np.zeros(0), *found])


def pair_cosines(rows: Vectors, columns: Vectors, row: Ints, column: Ints, *, cells: int = CELLS) -> Floats:
    """Return the product of the unit vectors of each pair (row[i], column[i])."""
    step = max(1, cells // max(1, rows.shape[1]))
    parts = [slice(start, start + step) for start in range(0, len(row), step)]
    found = [np.einsum("id,id->i", rows[row[part]], columns[column[part]]) for part in parts]
    return np.concatenate([np.zeros(0, np.float32), *found]).astype(np.float64)


def firings(activations: csr_array) -> csr_array:
    """Return 1 where a feature fires, so that products count tokens; the places are shared, not copied."""
    parts = (np.ones(activations.nnz, np.int32), activations.indices, activations.indptr)
    return csr_array(parts, shape=activations.shape)


def _moments(activations: csr_array, n_tokens: int) -> Floats:
    """Return mean and standard deviation over all tokens, [2, n_features]."""
    sums = np.asarray(activations.sum(axis=1), np.float64)
    squares = np.asarray(activations.power(2).sum(axis=1), np.float64)
    mean = sums / n_tokens
    return np.stack([mean, np.sqrt(np.maximum(squares / n_tokens - mean**2, 0))])


def _correlation(products: Floats, of_rows: Floats, of_columns: Floats) -> Floats:
    spread = of_rows[1] * of_columns[1]
    covariance = products - of_rows[0] * of_columns[0]
    found: Floats = np.divide(covariance, spread, out=np.zeros_like(covariance), where=spread > 0)
    return found


def _most_pairs(rows: csr_array, columns: csr_array) -> Ints:
    """Return an upper bound on how many columns fire together with each row, [n_rows]."""
    on_token = np.bincount(columns.indices, minlength=columns.shape[1])
    sums = np.concatenate([[0], np.cumsum(on_token[rows.indices])])
    bound: Ints = np.minimum(sums[rows.indptr[1:]] - sums[rows.indptr[:-1]], columns.shape[0])
    return bound


def _blocks(sizes: Ints, limit: int) -> Iterator[slice]:
    """Yield ranges that hold at most *limit* in all, or a single member that is larger."""
    before = np.concatenate([[0], np.cumsum(sizes)])
    start = 0
    while start < len(sizes):
        end = max(start + 1, int(np.searchsorted(before, before[start] + limit, side="right")) - 1)
        yield slice(start, end)
        start = end


def _ordered(pairs: Pairs) -> Pairs:
    order = np.lexsort((pairs.column, -pairs.value, pairs.row))
    return Pairs(pairs.row[order], pairs.column[order], pairs.value[order])


def _first(pairs: Pairs, k: int) -> Pairs:
    """Return the first k pairs of each row, of pairs in order."""
    is_kept = np.arange(len(pairs.row)) - np.searchsorted(pairs.row, pairs.row) < k
    return Pairs(pairs.row[is_kept], pairs.column[is_kept], pairs.value[is_kept])


def _joined(parts: list[Pairs]) -> Pairs:
    return Pairs(
        np.concatenate([np.zeros(0, np.int64), *(p.row for p in parts)]),
        np.concatenate([np.zeros(0, np.int64), *(p.column for p in parts)]),
        np.concatenate([np.zeros(0), *(p.value for p in parts)]),
    )
