"""Which of two explainers writes the better labels: differences on the same features, never of two means."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from autointerp.analysis.certificates import Certificate, standing
from autointerp.analysis.estimates import Estimate, estimate_mean
from autointerp.analysis.figures import with_interval
from autointerp.analysis.statements import MIN_FOR_CLAIM, Statement, capital, plural
from autointerp.analysis.values import headline_values, is_main, measure_name

MEASURED = ["scorer", "variant", "metric", "judge"]
ALL = "all together"
"""Stands for the dictionary where the features of several are taken as one sample."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """*first* minus *second* over the features on which both have a score.

    The means are over the same features. ``only_first`` and ``only_second`` count features on which
    the other has no score: an explainer that keeps silent where it is hard looks better than it is.
    """

    dictionary: str
    scorer: str
    variant: str
    metric: str
    judge: str
    first: str
    second: str
    first_mean: Estimate
    second_mean: Estimate
    difference: Estimate
    only_first: int
    only_second: int


def compare_explainers(values: pd.DataFrame, *, seed: int = 0) -> tuple[Comparison, ...]:
    """Return every pair of explainers, a headline measure and dictionary; after several, all together.

    *values*: of ``feature_values``.
    """
    values = headline_values(values)
    if values.empty:
        return ()
    groups = values.groupby(MEASURED, sort=True)
    return tuple(
        _compare(dictionary, key, pair, wide, seed)
        for key, group in groups
        for pair in combinations(sorted(map(str, group["explainer"].unique())), 2)
        for dictionary, wide in _wide(group)
    )


def _wide(group: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield a dictionary's values by feature, shape [n_features, n_explainers], then those of all."""
    wide = group.pivot_table(index=["dictionary", "feature"], columns="explainer", values="value")
    names = list(dict.fromkeys(wide.index.get_level_values("dictionary")))
    for name in names:
        yield str(name), wide[wide.index.get_level_values("dictionary") == name]
    if len(names) > 1:
        yield ALL, wide


def _compare(
    dictionary: str, key: tuple[Hashable, ...], pair: tuple[str, str], wide: pd.DataFrame, seed: int
) -> Comparison:
    first, second = pair
    both = wide[[first, second]].dropna().to_numpy(np.float64)
    scorer, variant, metric, judge = map(str, key)
    about = (dictionary, *map(str, key), *pair)
    columns = (both[:, 0], both[:, 1], both[:, 0] - both[:, 1])
    first_mean, second_mean, difference = (estimate_mean(column, seed=seed, about=about) for column in columns)
    n_first, n_second = (int(wide[name].notna().sum()) - len(both) for name in pair)
    return Comparison(
        dictionary, scorer, variant, metric, judge, first, second, first_mean, second_mean, difference,
        n_first, n_second,
    )  # fmt: skip


def comparison_statements(
    comparisons: Sequence[Comparison], certificates: Sequence[Certificate]
) -> Iterator[Statement]:
    """Yield one statement a main measure and pair: over all features together, which explainer is ahead."""
    for c in comparisons:
        is_whole = c.dictionary == ALL or not any(
            is_pair(c, other) and other.dictionary == ALL for other in comparisons
        )
        if is_main(c.scorer, c.variant, c.metric) and is_whole:
            yield Statement("plain", f"{comparison_sentence(c)} Judge {c.judge}: {standing(c, certificates)}.")


def is_pair(one: Comparison, other: Comparison) -> bool:
    """Whether both compare the same explainers by the same measure and judge."""
    names = [*MEASURED, "first", "second"]
    return all(getattr(one, name) == getattr(other, name) for name in names)


def comparison_sentence(c: Comparison) -> str:
    """Return which of the two has the higher scores on the same features, and when that cannot be said."""
    measure = capital(measure_name(c.scorer, c.variant, c.metric))
    where = "" if c.dictionary == ALL else f" of {c.dictionary}"
    on = f"on the {plural(c.difference.n, 'feature', 'features')}{where} with a score for both"
    alone = (
        f"; {c.first} alone has {c.only_first}, {c.second} alone {c.only_second}"
        if c.only_first + c.only_second
        else ""
    )
    if c.difference.value is None:
        return f"{measure}: no feature{where} has a score for labels by {c.first} and by {c.second}{alone}."
    figures = f"{measure}: labels by {c.first} minus labels by {c.second} {on}{alone}: {with_interval(c.difference)}"
    return f"{figures}; {_ahead(c)}."


def _ahead(c: Comparison) -> str:
    if c.difference.n < MIN_FOR_CLAIM:
        return f"too few to say which is better, {MIN_FOR_CLAIM} needed"
    if c.difference.is_above_zero or c.difference.is_below_zero:
        return f"{c.first if c.difference.is_above_zero else c.second} scores higher"
    return "neither is shown to be better"
