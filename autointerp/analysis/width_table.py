"""Everything measured by width as one tidy frame: one row a dictionary, measure and quantity, with its interval."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from autointerp.analysis.estimates import Estimate
from autointerp.analysis.fixed_density import FixedCurve
from autointerp.analysis.ladders import OVER_FIRINGS, Ladder
from autointerp.analysis.summary import Line
from autointerp.analysis.swapping import Passed
from autointerp.analysis.values import MEASURE
from autointerp.metrics.intervals import wilson_interval

NAMES = ["family", "width", "dictionary", *MEASURE]
COLUMNS = [*NAMES, "quantity", "value", "low", "high", "n", "note"]
"""``quantity``: mean over features / mean over firings, each raw or ``at fixed density``; ``scored``: share of the
asked features with a score; ``above control``: share of labels above other features' labels, at FDR 5%."""

OVER_FEATURES = "mean over features"
AT_FIXED = "at fixed density"


def width_table(lines: Sequence[Line], ladders: Sequence[Ladder], *, passed: Sequence[Passed] = ()) -> pd.DataFrame:
    """Return the rows in the columns ``COLUMNS``, of every metric: population precision and recall stand apart.

    Args:
        lines: Of ``summary_lines``: raw means and how many were scored.
        ladders: For the means at fixed density.
        passed: Labels above their controls, if they were tested.
    """
    raw = [row for line in lines for row in _raw_rows(line)]
    fixed = [row for ladder in ladders for row in _fixed_rows(ladder)]
    above = [_above_row(one, lines) for one in passed]
    return pd.DataFrame([*raw, *fixed, *above], columns=COLUMNS).sort_values(
        [*(name for name in NAMES if name != "dictionary"), "quantity"], ignore_index=True
    )


def _raw_rows(line: Line) -> Iterator[tuple[object, ...]]:
    names = _names(line.dictionary, line.width, [getattr(line, name) for name in MEASURE])
    yield _row(names, OVER_FEATURES, line.mean)
    yield _row(names, OVER_FIRINGS, line.per_firing)
    yield _share(names, "scored", line.mean.n, line.n_asked)


def _fixed_rows(ladder: Ladder) -> Iterator[tuple[object, ...]]:
    family, *measure = ladder.key
    names = {w: (family, w, ", ".join(ladder.dictionaries[w]), *measure) for w in ladder.scored}
    yield from _curve_rows(names, f"{OVER_FEATURES} {AT_FIXED}", ladder.fixed)
    yield from _curve_rows(names, f"{OVER_FIRINGS} {AT_FIXED}", ladder.fixed_over_firings)


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
