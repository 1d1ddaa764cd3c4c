"""How many features to sample for an interval of a wanted width, and what deciding one feature costs."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from autointerp.analysis.estimates import Estimate, n_for_half_width
from autointerp.analysis.names import by_name
from autointerp.analysis.summary import Line
from autointerp.analysis.values import is_headline
from autointerp.analysis.width import Trend
from autointerp.llm.ledger import Spent, sum_calls

HALF_WIDTHS = (0.05, 0.02, 0.01)
"""Of a mean score."""

SLOPE_HALF_WIDTHS = (0.02, 0.01, 0.005)
"""Of a change of the score per doubling of width."""

POWER_COLUMNS = [
    "of", "dictionary", "explainer", "scorer", "variant", "metric", "judge", "n", "half_width", "target", "n_needed",
]  # fmt: skip


def features_needed(n: int, half_width: float, *, target: float) -> int:
    """Return how many features bring an interval to *target* that has *half_width* with n of them, at least 2.

    Half-widths fall with the root of n, whatever the statistic, as long as features are drawn alike.

    >>> features_needed(100, 0.02, target=0.01)
    400
    """
    return max(2, math.ceil(n * (half_width / target) ** 2 - 1e-9))


def power_table(lines: Sequence[Line], trends: Sequence[Trend] = ()) -> pd.DataFrame:
    """Return how many scored features a dictionary takes for a mean, and for a slope, of some half-widths.

    One row a headline measure and target: ``n``, ``half_width``: as they are; ``n_needed`` of a slope counts
    features of each width, at fixed density only matched ones. None where no spread is known yet.
    """
    means = [row for line in lines if line.is_headline for row in _of_mean(line)]
    return pd.DataFrame([*means, *(row for trend in trends for row in _of_slope(trend))], columns=POWER_COLUMNS)


def _of_mean(line: Line) -> Iterator[tuple[object, ...]]:
    names = ("mean", line.dictionary, line.explainer, line.scorer, line.variant, line.metric, line.judge)
    for target in HALF_WIDTHS:
        needed = n_for_half_width(line.mean.sd, half_width=target)
        yield (*names, line.mean.n, _or_nan(line.mean.half_width), target, needed)


def _of_slope(trend: Trend) -> Iterator[tuple[object, ...]]:
    names = (f"slope, {trend.footing}", trend.family, trend.explainer, trend.scorer, trend.variant, trend.metric)
    n = _least(trend.means)
    half = trend.slope.half_width if trend.slope else None
    for target in SLOPE_HALF_WIDTHS if n else ():
        needed = None if half is None else features_needed(n, half, target=target)
        yield (*names, trend.judge, n, _or_nan(half), target, needed)


def _least(means: Sequence[Estimate]) -> int:
    return min((mean.n for mean in means), default=0)


def _or_nan(number: float | None) -> float:
    return np.nan if number is None else number


COST_COLUMNS = ["dictionary", "scorer", "n_scored", "n_decided", "calls", "tokens", "usd", "calls_each", "usd_each"]


def cost_per_decided(scores: pd.DataFrame, calls: pd.DataFrame) -> pd.DataFrame:
    """Return what one decided feature cost, a row a dictionary and scorer.

    Decided: the interval of the headline score of one of its own labels does not hold chance. Calls are all those of
    the scorer, of controls too, for without them nothing is decided; answers from the store count as calls and cost
    nothing again. ``usd`` is empty where a price is unknown, ``*_each`` where nothing is decided.
    """
    rows = ({str(name): cell for name, cell in row.items()} for row in calls.to_dict("records"))
    spent = sum_calls(rows, by=("dictionary", "scorer"))
    groups = _own(scores).groupby(["dictionary", "scorer"], sort=True)
    return pd.DataFrame([_cost_row(key, group, spent.get(key, Spent())) for key, group in groups], columns=COST_COLUMNS)


def _own(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the headline scores of real labels that have a number."""
    is_own = (
        (scores["control"] == "none") & scores["value"].notna() & by_name(is_headline, scores, ["scorer", "metric"])
    )
    return scores.loc[is_own, ["dictionary", "scorer", "feature", "low", "high", "chance"]]


def _cost_row(key: tuple[object, ...], group: pd.DataFrame, spent: Spent) -> tuple[object, ...]:
    decided = group[is_decided(group)]["feature"].nunique()
    usd = np.nan if spent.n_unpriced else spent.usd
    each = (spent.n_calls / decided, usd / decided) if decided else (np.nan, np.nan)
    n_scored = group["feature"].nunique()
    return (*key, n_scored, decided, spent.n_calls, spent.cost.tokens, usd, *each)


def is_decided(scores: pd.DataFrame) -> pd.Series:
    """Return whether the interval of each score lies above or below chance; False without either."""
    low, high, chance = (scores[name].astype(float) for name in ("low", "high", "chance"))
    return (low > chance) | (high < chance)
