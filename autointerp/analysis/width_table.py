"""Everything measured by width as one tidy frame: one row a dictionary, measure and quantity, with its interval."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from autointerp.analysis.estimates import Estimate
from autointerp.analysis.fixed_density import FixedCurve, fixed_curve
from autointerp.analysis.summary import Line
from autointerp.analysis.swapping import Passed
from autointerp.analysis.values import MEASURE
from autointerp.analysis.width import FIXED_FOOTING, Trend, placed_values, scored_by_width
from autointerp.metrics.intervals import wilson_interval

NAMES = ["family", "width", "dictionary", *MEASURE]
COLUMNS = [*NAMES, "quantity", "value", "low", "high", "n", "note"]
"""``quantity``: mean over features / mean over firings, each raw or ``at fixed density``; ``scored``: share of the
asked features with a score; ``above control``: share of labels above other features' labels, at FDR 5%."""

OVER_FEATURES, OVER_FIRINGS = "mean over features", "mean over firings"
AT_FIXED = "at fixed density"


def width_table(
    lines: Sequence[Line],
    values: pd.DataFrame,
    features: pd.DataFrame,
    dictionaries: pd.DataFrame,
    *,
    passed: Sequence[Passed] = (),
    trends: Sequence[Trend] = (),
    seed: int = 0,
) -> pd.DataFrame:
    """Return the rows in the columns ``COLUMNS``, of every metric: population precision and recall stand apart.

    Args:
        lines: Of ``summary_lines``: raw means and how many were scored.
        values: Of ``feature_values``, for the means at fixed density.
        features: Their densities.
        dictionaries: Their widths.
        passed: Labels above their controls, if they were tested.
        trends: Of ``width_trends``: their means at fixed density stand here as they are, so that a page which shows
            both prints one interval for one mean.
        seed: Decides the draws of the bootstrap.
    """
    raw = [row for line in lines for row in _raw_rows(line)]
    known = {_key(trend): trend for trend in trends if trend.footing == FIXED_FOOTING}
    fixed = list(_fixed_rows(placed_values(_scored(values), dictionaries, features), known, seed))
    above = [_above_row(one, lines) for one in passed]
    return pd.DataFrame([*raw, *fixed, *above], columns=COLUMNS).sort_values(
        [*(name for name in NAMES if name != "dictionary"), "quantity"], ignore_index=True
    )


def _scored(values: pd.DataFrame) -> pd.DataFrame:
    return values[(values["control"] == "none") & values["value"].notna()].astype({"value": float})


def _raw_rows(line: Line) -> Iterator[tuple[object, ...]]:
    names = _names(line.dictionary, line.width, [getattr(line, name) for name in MEASURE])
    yield _row(names, OVER_FEATURES, line.mean)
    yield _row(names, OVER_FIRINGS, line.per_firing)
    yield _share(names, "scored", line.mean.n, line.n_asked)


def _fixed_rows(
    values: pd.DataFrame, known: Mapping[tuple[str, ...], Trend], seed: int
) -> Iterator[tuple[object, ...]]:
    for found, group in values.groupby(["family", *MEASURE], sort=True):
        key = tuple(map(str, found))
        by_width = scored_by_width(group)
        names = {w: (key[0], w, _dictionaries(group, w), *key[1:]) for w in by_width}
        over_features = _curve_of(known[key]) if key in known else fixed_curve(by_width, seed=seed, about=key)
        yield from _curve_rows(names, f"{OVER_FEATURES} {AT_FIXED}", over_features)
        over_firings = fixed_curve(by_width, seed=seed, about=(*key, OVER_FIRINGS), is_per_firing=True)
        yield from _curve_rows(names, f"{OVER_FIRINGS} {AT_FIXED}", over_firings)


def _key(trend: Trend) -> tuple[str, ...]:
    return trend.family, *(str(getattr(trend, name)) for name in MEASURE)


def _curve_of(trend: Trend) -> FixedCurve:
    """Return the means of a trend; without any its note is why, with them it is about the slope alone."""
    return FixedCurve(trend.widths, trend.means) if trend.means else FixedCurve(note=trend.note)


def _dictionaries(group: pd.DataFrame, width: int) -> str:
    return ", ".join(sorted(map(str, group.loc[group["width"] == width, "dictionary"].unique())))


def _curve_rows(names: dict[int, tuple[object, ...]], quantity: str, curve: FixedCurve) -> Iterator[tuple[object, ...]]:
    """Yield a row a width; where widths could not be compared it holds the reason and no number."""
    means = dict(zip(curve.widths, curve.means, strict=True))
    for width, named in names.items():
        nothing = (*named, quantity, np.nan, np.nan, np.nan, 0, curve.note or "too few features of like density")
        yield _row(named, quantity, means[width]) if width in means else nothing


def _above_row(one: Passed, lines: Sequence[Line]) -> tuple[object, ...]:
    width = next((line.width for line in lines if line.dictionary == one.dictionary), None)
    names = _names(one.dictionary, width, [one.explainer, one.scorer, one.variant, "p against other labels", one.judge])
    note = f"{one.n_undecidable} had too few windows to decide" if one.n_undecidable else ""
    return (*_share(names, "above control", one.n_better, one.n_tested)[:-1], note)


def _share(names: tuple[object, ...], quantity: str, n: int, of: int) -> tuple[object, ...]:
    """Return a row of the share *n* of *of* with Wilson's interval."""
    low, high = (wilson_interval(n / of, of) if of else None) or (np.nan, np.nan)
    return (*names, quantity, n / of if of else np.nan, low, high, of, "")


def _names(dictionary: str, width: int | None, measure: Sequence[object]) -> tuple[object, ...]:
    return (dictionary.rpartition("/")[0], width, dictionary, *measure)


def _row(names: tuple[object, ...], quantity: str, e: Estimate) -> tuple[object, ...]:
    numbers = (np.nan if number is None else number for number in (e.value, e.low, e.high))
    return (*names, quantity, *numbers, e.n, "" if e.n > 1 else f"no interval: {e.n} scored")
