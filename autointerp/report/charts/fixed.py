"""Means at fixed density beside raw ones in the picture of a width curve and in its table."""

from collections.abc import Iterator, Sequence

import altair as alt
import pandas as pd

from autointerp.analysis.figures import ranged
from autointerp.analysis.summary import Line
from autointerp.analysis.width import Trend
from autointerp.report.charts.layers import FIXED, known, x_of, y_of
from autointerp.report.charts.looks import SKY, legend

COLUMNS = FIXED
"""Told from the blue of the raw means by lightness and by the square."""


def fixed_beside(trends: Sequence[Trend], line: Line) -> Trend | None:
    """Return the trend at fixed density that belongs beside the curve of *line*'s family, if there are such means."""
    family = line.dictionary.rpartition("/")[0]
    named = (family, line.explainer, line.scorer, line.variant, line.metric, line.judge)
    mine = (t for t in trends if (t.family, t.explainer, t.scorer, t.variant, t.metric, t.judge) == named)
    return next((t for t in mine if t.means), None)


def beside_fixed(table: pd.DataFrame, fixed: Trend) -> pd.DataFrame:
    """Return the frame of means with those at fixed density by width; NaN where a width was not matched."""
    rows = [(w, m.value, m.low, m.high, m.n) for w, m in zip(fixed.widths, fixed.means, strict=True)]
    return table.merge(pd.DataFrame(rows, columns=["width", *COLUMNS]), on="width", how="left")


def describe_fixed(means: pd.DataFrame) -> str:
    """Return the means at fixed density in words, "" where there are none."""
    rows = means.dropna(subset=COLUMNS[:1]).to_dict("records") if COLUMNS[0] in means else []
    parts = [
        f"{row['width']:,.0f}: {ranged(*(known(row[name]) for name in COLUMNS[:3]))}, {row['matched']:.0f} matched"
        for row in rows
    ]
    return f"With density held fixed: {'; '.join(parts)}." if parts else ""


def fixed_layers(drawn: pd.DataFrame) -> Iterator[alt.Chart]:
    """Yield line, intervals and squares of the means at fixed density, a little to the right of the raw ones."""
    if COLUMNS[0] not in drawn:
        return
    rows = drawn.dropna(subset=COLUMNS[:3])
    if rows.empty:
        return
    names = dict(zip(COLUMNS[:3], ("fixed", "low", "high"), strict=True))
    shifted = rows[["x", *COLUMNS[:3]]].astype(float).rename(columns=names).assign(x=lambda r: r["x"] + 0.08)
    chart, x = alt.Chart(shifted), x_of(drawn)
    yield chart.mark_line(color=SKY, strokeWidth=1.2, strokeDash=[4, 2]).encode(x=x, y=y_of("fixed"))
    yield chart.mark_rule(color=SKY, strokeWidth=3).encode(x=x, y=y_of("low"), y2=alt.Y2("high:Q"))
    yield chart.mark_point(shape="square", size=70, filled=True, opacity=1, color=SKY).encode(x=x, y=y_of("fixed"))
    yield from legend([("■ mean with density held fixed", SKY)], y=-28)
