"""Columns of names as categories, and rows found by feature: runs have millions of rows and few names.

A column of strings is slow to compare, to group by and to walk; as categories it is numbers. Categories stand sorted
here, so that rows sort and group as the strings would.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
FEATURE = ["dictionary", "feature"]

MOST_NUMBERS = 1_000_000
"""Numbers for names that occur together, above which those that do not occur are left out."""

SPARSEST = 8
"""Entries a row that a table of all features may have; features that are farther apart are searched for."""


def with_categories(frame: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Return the frame with these columns, where it has them, as categories."""
    return frame.assign(**{name: as_categories(frame[name]) for name in columns if name in frame})


def as_categories(names: pd.Series) -> pd.Series:
    """Return the column as categories in the order of their names; empty cells stay empty."""
    found = names if isinstance(names.dtype, pd.CategoricalDtype) else names.astype("category")
    known = found.cat.categories
    return found if known.is_monotonic_increasing else found.cat.reorder_categories(known.sort_values())


def as_strings(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with categories as the strings they stand for: those of two frames do not mix."""
    return frame.astype({name: str for name in frame.columns if isinstance(frame[name].dtype, pd.CategoricalDtype)})


def has_names(frame: pd.DataFrame, names: Mapping[str, object]) -> NDArray[np.bool_]:
    """Return where each column has its name, shape [n_rows]."""
    found = np.ones(len(frame), dtype=bool)
    for column, name in names.items():
        found &= (frame[column] == name).to_numpy(dtype=bool, na_value=False)
    return found


def kept(frame: pd.DataFrame, is_kept: NDArray[np.bool_]) -> pd.DataFrame:
    """Return the rows that are kept; all of them are not copied."""
    return frame if is_kept.all() else frame[is_kept]


def groups(frame: pd.DataFrame, columns: Sequence[str]) -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    """Yield the rows of each names that occur together, in the order of the names; rows stay in theirs.

    No row is copied where rows stand in the order of the names already, as those of ``feature_values`` do.
    """
    number, _ = _numbers_of_names(frame, columns)
    for rows in cut(frame, number):
        yield tuple(str(rows[name].iloc[0]) for name in columns), rows


def cut(frame: pd.DataFrame, number: Ints) -> Iterator[pd.DataFrame]:
    """Yield the rows of each number, shape [n_rows], from the lowest on; rows stay in their order."""
    if (number[1:] < number[:-1]).any():
        order = np.argsort(number, kind="stable")
        frame, number = frame.iloc[order], number[order]
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    for start, end in pairwise(np.append(starts, len(frame))):
        yield frame.iloc[start:end]


def by_name(holds: Callable[..., bool], frame: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.bool_]:
    """Return where a rule about names holds, shape [n_rows]; it is asked once of each names that occur together."""
    return said_of_names(holds, frame, columns).astype(bool)


def said_of_names(say: Callable[..., object], frame: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.object_]:
    """Return what is to be said of each row's names, shape [n_rows], asked once of each names that occur together."""
    number, names = _names_together(frame, columns)
    said = np.empty(max(names, default=-1) + 1, dtype=object)
    said[list(names)] = [say(*each) for each in names.values()]
    found: NDArray[np.object_] = said[number]
    return found


def names_together(frame: pd.DataFrame, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the names that occur together, each once, in their order."""
    return list(_names_together(frame, columns)[1].values())


def _names_together(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[Ints, dict[int, tuple[str, ...]]]:
    """Return a number for the names of each row, shape [n_rows], and which names each number stands for."""
    number, n = _numbers_of_names(frame, columns)
    first = first_places(number, n)
    have = np.flatnonzero(first >= 0)
    names = frame[list(columns)].iloc[first[have]].astype(str).itertuples(index=False, name=None)
    return number, dict(zip(have.tolist(), names, strict=True))


def _numbers_of_names(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[Ints, int]:
    """Return a number for the names of each row, shape [n_rows], the same where all are, and how many there may be."""
    number, n = np.zeros(len(frame), np.int64), 1
    for column in columns:
        names = as_categories(frame[column])
        size = len(names.cat.categories) + 1
        number *= size
        number += names.cat.codes.to_numpy()
        number += 1
        n *= size
        if n > MOST_NUMBERS:
            _, number = np.unique(number, return_inverse=True)
            n = int(number.max(initial=-1)) + 1
    return number, n


def first_places(numbers: Ints, size: int) -> Ints:
    """Return where each number below *size* first stands, -1 where it does not, shape [size]."""
    places = np.full(size, len(numbers), np.int64)
    np.minimum.at(places, numbers, np.arange(len(numbers)))
    places[places == len(numbers)] = -1
    return places


def places_of(rows: pd.DataFrame, among: pd.DataFrame) -> Ints:
    """Return where the feature of each row first stands in another frame, -1 where it does not, shape [n_rows].

    Both have the columns dictionary and feature.
    """
    theirs = as_categories(among["dictionary"])
    mine = as_categories(rows["dictionary"])
    known = theirs.cat.categories
    code = np.append(known.get_indexer(mine.cat.categories), -1)[mine.cat.codes.to_numpy()]
    features, others = rows["feature"].to_numpy(np.int64), among["feature"].to_numpy(np.int64)
    size = 1 + max(features.max(initial=0), others.max(initial=0))
    wanted = np.where(code < 0, -1, code * size + features)
    numbers = theirs.cat.codes.to_numpy(np.int64) * size + others
    if len(known) * size <= SPARSEST * (len(rows) + len(among)) and theirs.notna().all():
        return np.append(first_places(numbers, len(known) * size), -1)[wanted]
    numbers, first = np.unique(numbers, return_index=True)
    found = pd.Index(numbers).get_indexer(pd.Index(wanted))
    places: Ints = np.append(first, -1)[found]
    return places


def places_of_keys(keys: pd.Series, among: pd.Series) -> Ints:
    """Return where each string first stands *among* others, -1 where it does not, shape [n_keys].

    By Arrow's hashes: pandas would make an object of every string.
    """
    found = pc.index_in(pa.array(keys, pa.large_string()), value_set=pa.array(among, pa.large_string()))
    places: Ints = found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return places
