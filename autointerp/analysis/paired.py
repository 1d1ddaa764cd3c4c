"""Two runs compared by feature: the difference on the features both have scored, and how many verdicts turned."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autointerp.analysis.estimates import Estimate, Floats, estimate_mean
from autointerp.analysis.explainers import ALL
from autointerp.analysis.summary import NEVER_ASKED
from autointerp.analysis.values import MEASURE
from autointerp.metrics.intervals import bootstrap_interval

Z_ALPHA, Z_POWER = 1.959964, 0.841621
"""Normal quantiles of alpha = 0.05, two-sided, and of power 0.8."""

YES = 0.5
BY = ["explainer", "scorer", "variant", "judge"]
ITEM = ["dictionary", "feature", *BY, "draw", "item"]


@dataclass(frozen=True, slots=True)
class Paired:
    """*b* minus *a* over the features that have a score in both runs; the means are over these, too.

    ``scored_a`` of ``asked_a`` features have a score in run a, whatever b has. ``detectable``: the smallest true
    difference that so many pairs would show in 4 of 5 repetitions (alpha 0.05); None with less than 2 pairs.
    ``explainer_b``, ``judge_b``: other than a's only where each run has one of them.
    """

    dictionary: str
    explainer: str
    scorer: str
    variant: str
    metric: str
    judge: str
    explainer_b: str
    judge_b: str
    mean_a: Estimate
    mean_b: Estimate
    difference: Estimate
    scored_a: int
    asked_a: int
    scored_b: int
    asked_b: int
    detectable: float | None


@dataclass(frozen=True, slots=True)
class Flips:
    """The share of *n_items* yes / no answers that turned; low and high bound 95%, features drawn anew.

    ``rate`` is None exactly when nothing was answered twice.
    """

    scorer: str
    variant: str
    rate: float | None
    low: float | None
    high: float | None
    n_items: int
    n_features: int


def compare_runs(a: pd.DataFrame, b: pd.DataFrame, *, seed: int = 0) -> tuple[Paired, ...]:
    """Return one comparison a measure over all dictionaries together, and after several one for each.

    Args:
        a: Values of features as ``feature_values`` gives them, of the measures to compare.
        b: The same of the other run.
        seed: Decides the bootstrap.
    """
    a, b = _asked(a), _asked(b)
    both = paired_values(a, b)
    asked = {"a": a, "b": aligned(a, b)}
    return tuple(
        _compare(dictionary, tuple(map(str, key)), rows, asked, seed)
        for key, group in both.groupby(MEASURE, sort=True)
        for dictionary, rows in _by_dictionary(group)
    )


def paired_values(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Return one row a measure and feature of either run.

    Columns: dictionary, feature, ``MEASURE`` (a's names), explainer_b, judge_b, a, b and difference = b - a, NaN
    where a run has no score. Only measures that both runs have.
    """
    keys = ["dictionary", "feature", *MEASURE]
    a = _asked(a)
    renamed = aligned(a, _asked(b))
    names = renamed[[*MEASURE, "explainer_b", "judge_b"]].drop_duplicates(MEASURE)
    left, right = (one[[*keys, "value"]] for one in (a, renamed))
    found = left.merge(right, on=keys, how="outer", suffixes=("_a", "_b")).merge(names, on=MEASURE)
    found = found[_is_in(found, left, MEASURE) & _is_in(found, right, MEASURE)]
    found = found.rename(columns={"value_a": "a", "value_b": "b"}).astype({"a": float, "b": float})
    return found.assign(difference=found["b"] - found["a"])


def aligned(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Return *b* with columns explainer_b and judge_b, and a's names where each run has one and they differ.

    A run with another judge is compared all the same: what that says of the labels is said by ``attribution``.
    """
    found = b.assign(explainer_b=b["explainer"], judge_b=b["judge"])
    for column in ("explainer", "judge"):
        others = [name for name in ("scorer", "variant", "metric") if name in a]
        found = found.assign(**{column: _renamed(a, found, column, others)})
    return found


def _renamed(a: pd.DataFrame, b: pd.DataFrame, column: str, by: list[str]) -> pd.Series:
    """Return the column of *b*, a's only name in the place of b's only one."""
    single = _single(a, column, by).merge(_single(b, column, by)[by], on=by)
    found = b[by].merge(single, on=by, how="left")[column].set_axis(b.index)
    return found.where(found.notna(), b[column])


def _single(values: pd.DataFrame, column: str, by: list[str]) -> pd.DataFrame:
    """Return the column's value wherever there is one alone."""
    names = values[[*by, column]].drop_duplicates()
    return names[~names.duplicated(by, keep=False)]


def minimum_detectable(difference: Estimate) -> float | None:
    """Return the smallest true mean difference that is found with power 0.8 at alpha 0.05, in units of the score.

    (1.96 + 0.84) sd / sqrt(n), of paired differences (Cohen 1988, Statistical Power Analysis, section 2.3, normal
    approximation). None without a spread.
    """
    if difference.sd is None or difference.n < 2:
        return None
    return (Z_ALPHA + Z_POWER) * difference.sd / math.sqrt(difference.n)


def _asked(values: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the labels' own that a judge was, or should have been, asked about."""
    return values[(values["control"] == "none") & ~values["status"].isin(NEVER_ASKED)]


def _is_in(rows: pd.DataFrame, others: pd.DataFrame, columns: list[str]) -> pd.Series:
    known = pd.MultiIndex.from_frame(others[columns])
    return pd.Series(pd.MultiIndex.from_frame(rows[columns]).isin(known), rows.index)


def _by_dictionary(group: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows of all dictionaries together, and after several those of each, narrow ones first."""
    names = sorted(set(map(str, group["dictionary"])), key=_by_width)
    if len(names) > 1:
        yield ALL, group
    for name in names:
        yield name, group[group["dictionary"] == name]


def _by_width(dictionary: str) -> tuple[str, float, str]:
    """Return what sorts names ``family/width`` by family and then by width."""
    family, _, width = dictionary.rpartition("/")
    return (family, int(width), "") if width.isdecimal() else (dictionary, math.inf, dictionary)


def _compare(
    dictionary: str, key: tuple[str, ...], rows: pd.DataFrame, asked: dict[str, pd.DataFrame], seed: int
) -> Paired:
    explainer, scorer, variant, metric, judge = key
    both = rows.dropna(subset=["difference"])
    mean_a, mean_b, difference = (
        estimate_mean(both[name].to_numpy(np.float64), seed=seed, about=(dictionary, *key, "paired"))
        for name in ("a", "b", "difference")
    )
    (scored_a, asked_a), (scored_b, asked_b) = (_counts(asked[side], dictionary, key) for side in ("a", "b"))
    return Paired(
        dictionary, explainer, scorer, variant, metric, judge,
        str(rows["explainer_b"].iloc[0]), str(rows["judge_b"].iloc[0]),
        mean_a, mean_b, difference, scored_a, asked_a, scored_b, asked_b, minimum_detectable(difference),
    )  # fmt: skip


def whole(paired: tuple[Paired, ...]) -> list[Paired]:
    """Return the comparison of each measure over all dictionaries together."""
    several = {_measure(p) for p in paired if p.dictionary == ALL}
    return [p for p in paired if p.dictionary == ALL or _measure(p) not in several]


def _measure(p: Paired) -> tuple[str, ...]:
    return p.explainer, p.scorer, p.variant, p.metric, p.judge


def _counts(asked: pd.DataFrame, dictionary: str, key: tuple[str, ...]) -> tuple[int, int]:
    """Return how many features have a score, and how many should."""
    mine = asked[(asked[MEASURE] == list(key)).all(axis=1)]
    if dictionary != ALL:
        mine = mine[mine["dictionary"] == dictionary]
    return int(mine["value"].notna().sum()), len(mine)


# ---- verdicts that turned


def flip_rates(a: pd.DataFrame, b: pd.DataFrame, *, seed: int = 0) -> tuple[Flips, ...]:
    """Return, by scorer and variant, the share of windows on which the two runs' answers of yes or no differ.

    Args:
        a: Predictions with the column ``explainer`` beside the table's own; only yes / no items count.
        b: The same of the other run.
        seed: Decides the bootstrap.
    """
    mine, theirs = yes_no_items(a), yes_no_items(b)
    both = mine.merge(aligned(mine, theirs), on=ITEM, suffixes=("_a", "_b"))
    return _rates(both.assign(is_flip=both["is_yes_a"] != both["is_yes_b"]), seed, "flips")


def noise_floor(repeats: pd.DataFrame, *, seed: int = 0) -> tuple[Flips, ...]:
    """Return, by scorer and variant, the share of answers that turned when one judge was asked the same again.

    Args:
        repeats: The table ``repeats`` of one run or several.
        seed: Decides the bootstrap.
    """
    read = repeats[repeats["truth"].isin([0.0, 1.0])].dropna(subset=["first", "again"])
    return _rates(read.assign(is_flip=(read["first"] >= YES) != (read["again"] >= YES)), seed, "noise")


def yes_no_items(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the answered items of own labels that scorers put as yes or no, with ``is_yes``."""
    own = predictions[predictions["control"] == "none"]
    is_yes_no = own["truth"].isin([0.0, 1.0]) & (own["guess"].isna() | own["guess"].between(0, 1))
    kept = is_yes_no.groupby([own["scorer"], own["variant"]]).transform("all") if len(own) else is_yes_no
    items = own[kept].dropna(subset=["guess"])
    return items.assign(is_yes=items["guess"] >= YES)[[*ITEM, "is_yes"]]


def _rates(items: pd.DataFrame, seed: int, about: str) -> tuple[Flips, ...]:
    groups = items.groupby(["scorer", "variant"], sort=True)
    return tuple(_rate(str(s), str(v), rows, seed, about) for (s, v), rows in groups)


def _rate(scorer: str, variant: str, items: pd.DataFrame, seed: int, about: str) -> Flips:
    counts = items.groupby(["dictionary", "feature"])["is_flip"].agg(["sum", "count"]).to_numpy(np.float64)
    turned, n = counts[:, 0], counts[:, 1]

    def share(times: Floats) -> Floats:
        found: Floats = (times @ turned) / (times @ n)
        return found

    between = bootstrap_interval(len(n), share, seed=seed, key=(about, scorer, variant))
    low, high = between or (None, None)
    return Flips(scorer, variant, float(turned.sum() / n.sum()), low, high, int(n.sum()), len(n))
