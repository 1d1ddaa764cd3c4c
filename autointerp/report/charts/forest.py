"""A line a name: a value with its interval along a number axis, reference lines across, control marks beside."""

from collections.abc import Iterator, Sequence

import altair as alt
import pandas as pd

from autointerp.report.charts.looks import BLUE, GREY, ORANGE, ROW, legend, styled, x_number, y_names
from autointerp.report.charts.picture import href_of

COLUMNS = ["name", "value", "low", "high"]


def forest(
    rows: pd.DataFrame, *, axis: str, lines: Sequence[tuple[float, str]], says: str, control: str = ""
) -> alt.LayerChart:
    """Return the chart, its rows from the top.

    Args:
        rows: Columns ``COLUMNS``, ``control`` where *control* says what that is, ``href`` where marks are links; a
            row without value keeps its line empty.
        axis: What the number is.
        lines: Where lines stand across, and what they are: chance, or what says nothing.
        says: What a mark is, for the legend.
        control: What the hollow marks are.
    """
    names = list(rows["name"])
    y = y_names("name", names)
    known = rows.dropna(subset=["value"])
    x = x_number("value", axis)
    base = alt.Chart(known)
    rule = base.mark_rule(strokeWidth=3, color=BLUE).encode(y=y, x=x_number("low"), x2=alt.X2("high:Q"))
    dots = base.mark_point(shape="diamond", size=110, filled=True, opacity=1, color=BLUE)
    layers = [*_lines(lines), rule, dots.encode(y=y, x=x, **href_of(known)), _all_names(names, y)]
    entries = [(f"◆ {says}, 95% interval", BLUE), *((f"▬ {words}", GREY) for _, words in lines)]
    if control:
        beside = alt.Chart(known.dropna(subset=["control"])).mark_point(shape="circle", size=70, color=ORANGE)
        layers.append(beside.encode(y=y, x=x_number("control")))
        entries.append((f"○ {control}", ORANGE))
    return styled([*layers, *legend(entries)], height=max(2, len(names)) * ROW, names=names)


def _lines(lines: Sequence[tuple[float, str]]) -> Iterator[alt.Chart]:
    for at, _ in lines:
        yield alt.Chart(pd.DataFrame({"at": [at]})).mark_rule(color=GREY, strokeWidth=1.5).encode(x=x_number("at"))


def _all_names(names: Sequence[str], y: alt.Y) -> alt.Chart:
    """Return an unseen mark a name: a line without a value keeps its place."""
    return alt.Chart(pd.DataFrame({"name": names})).mark_point(opacity=0).encode(y=y)
