"""The scores of one measure over the widths of a family, with the densities of their features, and curves of both."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TypeAlias

import numpy as np
import pandas as pd

from autointerp.analysis.estimates import Floats
from autointerp.analysis.fixed_density import FixedCurve, Scored, fixed_curve
from autointerp.analysis.names import groups, places_of
from autointerp.analysis.summary import width_of
from autointerp.analysis.values import MEASURE, is_headline, is_main, measure_name, scored_values

Key: TypeAlias = tuple[str, str, str, str, str, str]
"""Family, explainer, scorer, variant, metric, judge."""

OVER_FIRINGS = "mean over firings"


@dataclass(frozen=True)
class Ladder:
    """The scores of one measure by width, narrow ones first; *scored* leaves out features of unknown density.

    ``dictionaries``: the names at each width. What is computed of it is computed once.
    """

    key: Key
    by_width: Mapping[int, Floats]
    scored: Mapping[int, Scored]
    dictionaries: Mapping[int, tuple[str, ...]]
    seed: int

    @property
    def metric(self) -> str:
        return self.key[4]

    @property
    def is_headline(self) -> bool:
        return is_headline(self.key[2], self.metric)

    @property
    def is_main(self) -> bool:
        return is_main(*self.key[2:5])

    @property
    def measure(self) -> str:
        return measure_name(*self.key[2:5])

    @cached_property
    def fixed(self) -> FixedCurve:
        """Means over features at equal density."""
        return fixed_curve(self.scored, seed=self.seed, about=self.key)

    @cached_property
    def fixed_over_firings(self) -> FixedCurve:
        """Means over firings at equal density."""
        return fixed_curve(self.scored, seed=self.seed, about=(*self.key, OVER_FIRINGS), is_per_firing=True)


def ladders(
    values: pd.DataFrame, dictionaries: pd.DataFrame, features: pd.DataFrame, *, seed: int = 0
) -> tuple[Ladder, ...]:
    """Return a ladder a family and measure, of every metric, in the order of their keys; without a width none.

    Args:
        values: Of ``feature_values``.
        dictionaries: Their widths.
        features: Their densities, per token.
        seed: Decides the draws of every bootstrap.
    """
    rungs = sorted(_rungs(scored_values(values), dictionaries, features), key=_place)
    return tuple(_ladder(key, list(mine), seed) for key, mine in groupby(rungs, key=lambda rung: rung.key))


@dataclass(frozen=True, slots=True)
class _Rung:
    """One dictionary's scores by one measure, and the densities of their features, both of shape [n]."""

    key: Key
    width: int
    dictionary: str
    values: Floats
    densities: Floats


def _place(rung: _Rung) -> tuple[Key, int, str]:
    return rung.key, rung.width, rung.dictionary


def _rungs(values: pd.DataFrame, dictionaries: pd.DataFrame, features: pd.DataFrame) -> Iterator[_Rung]:
    placed = values.assign(density=densities_of(values, features))
    for (dictionary, explainer, scorer, variant, metric, judge), rows in groups(placed, ["dictionary", *MEASURE]):
        width = width_of(dictionary, dictionaries)
        if width is not None:
            key = (dictionary.rsplit("/", 1)[0], explainer, scorer, variant, metric, judge)
            value, density = (rows[name].to_numpy(np.float64) for name in ("value", "density"))
            yield _Rung(key, width, dictionary, value, density)


def _ladder(key: Key, rungs: Sequence[_Rung], seed: int) -> Ladder:
    by_width = {width: list(mine) for width, mine in groupby(rungs, key=lambda rung: rung.width)}
    values = {w: np.concatenate([rung.values for rung in mine]) for w, mine in by_width.items()}
    densities = {w: np.concatenate([rung.densities for rung in mine]) for w, mine in by_width.items()}
    scored = {w: _known(values[w], densities[w]) for w in by_width if (densities[w] > 0).any()}
    names = {w: tuple(rung.dictionary for rung in mine) for w, mine in by_width.items()}
    return Ladder(key, values, scored, names, seed)


def _known(values: Floats, densities: Floats) -> Scored:
    """Return the scores whose density is known and not 0: any other cannot be matched."""
    is_known = densities > 0
    return Scored(values, densities) if is_known.all() else Scored(values[is_known], densities[is_known])


def densities_of(rows: pd.DataFrame, features: pd.DataFrame) -> Floats:
    """Return the density of each row's feature, per token, shape [n_rows]; NaN where it is not known."""
    densities: Floats = np.append(features["density"].to_numpy(np.float64), np.nan)[places_of(rows, features)]
    return densities
