"""Columns of names as categories, and rows found by feature: runs have millions of rows and few names.

A column of strings is slow to compare, to group by and to walk; as categories it is numbers. Categories stand sorted
here, so that rows sort and group as the strings would.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
FEATURE = ["dictionary", "feature"]


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


def by_name(holds: Callable[..., bool], frame: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.bool_]:
    """Return where a rule about names holds, shape [n_rows]; it is asked once of each names that occur together."""
    return said_of_names(holds, frame, columns).astype(bool)


def said_of_names(say: Callable[..., object], frame: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.object_]:
    """Return what is to be said of each row's names, shape [n_rows], asked once of each names that occur together."""
    groups = frame.groupby(list(columns), sort=False, dropna=False)
    number = groups.ngroup().to_numpy(np.int64)
    _, first, place = np.unique(number, return_index=True, return_inverse=True)
    names = frame[list(columns)].iloc[first].astype(str).itertuples(index=False, name=None)
    return np.array([say(*each) for each in names], dtype=object)[place]


def places_of(rows: pd.DataFrame, among: pd.DataFrame) -> Ints:
    """Return where the feature of each row first stands in another frame, -1 where it does not, shape [n_rows].

    Both have the columns dictionary and feature.
    """
    theirs = as_categories(among["dictionary"])
    mine = as_categories(rows["dictionary"])
    place = theirs.cat.categories.get_indexer(mine.cat.categories)
    codes = np.append(place, -1)[mine.cat.codes.to_numpy()].astype(np.int64)
    features, others = rows["feature"].to_numpy(np.int64), among["feature"].to_numpy(np.int64)
    size = 1 + max(features.max(initial=0), others.max(initial=0))
    wanted = np.where(codes < 0, -1, codes * size + features)
    known, first = np.unique(theirs.cat.codes.to_numpy(np.int64) * size + others, return_index=True)
    found = pd.Index(known).get_indexer(pd.Index(wanted))
    places: Ints = np.append(first, -1)[found]
    return places
