"""Rows in groups: put in order, counted within their group, and cut out as ragged ranges."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]


def ranks(group: Ints) -> Ints:
    """Return each row's place in its group, 0 for the first; equal groups stand together."""
    first = first_of_groups(group)
    lengths = np.diff(np.append(first, len(group)))
    return np.arange(len(group)) - np.repeat(first, lengths)


def packed(group: Ints, key: Keys, bits: int) -> Keys:
    """Return numbers that sort as (group, leading *bits* of the key) do: a single sort is several times faster."""
    numbers: Keys = (group.astype(np.uint64) << np.uint64(bits)) | (key >> np.uint64(64 - bits))
    return numbers


def ordered(numbers: Keys, *ties: NDArray[np.generic]) -> Ints:
    """Return the order of *numbers*; where it is equal, of the other columns, the first of them deciding first."""
    order = np.argsort(numbers)
    same = numbers[order[1:]] == numbers[order[:-1]]
    if same.any():
        tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
        rows = order[tied]
        order[tied] = rows[np.lexsort((*(t[rows] for t in reversed(ties)), numbers[rows]))]
    return order


def begins_group(*columns: Ints) -> NDArray[np.bool_]:
    """Return whether a row differs from the one before in any column."""
    changed = np.zeros(len(columns[0]), np.bool_)
    changed[:1] = True
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return changed


def first_of_groups(group: Ints) -> Ints:
    return np.flatnonzero(begins_group(group))


def places_in(known: Ints, values: Ints) -> Ints:
    """Return the place of each value in *known*, ascending numbers that hold all of them.

    By a table of the numbers between the least and the largest: several times faster than a search for each.
    """
    if not len(values):
        return np.zeros(0, np.int64)
    table = np.zeros(known[-1] - known[0] + 1, np.int64)
    table[known - known[0]] = np.arange(len(known))
    places: Ints = table[values - known[0]]
    return places


def take_ragged(first: Ints, past: Ints) -> tuple[Ints, Ints]:
    """Return (indices of all elements of the ranges first[i] : past[i], where each range begins among them)."""
    lengths = past - first
    begins = np.concatenate([[0], np.cumsum(lengths)])
    return np.repeat(first - begins[:-1], lengths) + np.arange(begins[-1]), begins
