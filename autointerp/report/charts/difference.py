"""Paired difference: of the features two runs have both scored, by how much the second's score differs."""

import altair as alt
import numpy as np
import pandas as pd

from autointerp.analysis.estimates import Estimate, estimate_mean
from autointerp.analysis.figures import count, number, with_interval
from autointerp.report.charts.bars import count_in_bars, edges_of
from autointerp.report.charts.filters import all_of, in_bar
from autointerp.report.charts.looks import BLUE, GREY, HEIGHT, legend, styled, x_number, y_number
from autointerp.report.charts.picture import Link, Picture, href_of, nothing_to_draw, picture, sentences, with_links

COLUMNS = ["dictionary", "feature", "a", "b", "difference"]


def paired_difference(
    pairs: pd.DataFrame,
    *,
    title: str,
    mean: Estimate | None = None,
    within: str = "",
    leads_to: str = "",
    link: Link | None = None,
) -> Picture:
    """Return bars of features by difference b - a, the line of no difference, and the mean with its interval.

    Args:
        pairs: Columns ``COLUMNS``, a row a feature that both have; NaN rows are left out.
        title: What is drawn, in words.
        mean: Of the differences, with its interval; made by bootstrap over features where it is not given.
        within: Terms that hold of all the features drawn.
        leads_to: Where the links lead, in words, if to more than the features of one bar.
        link: Makes each bar a link; it is given the difference by the name ``difference``.
    """
    differences = pairs["difference"].dropna().to_numpy(np.float64)
    if not len(differences):
        return nothing_to_draw(title, "no feature was scored on both sides", pairs)
    found = mean or estimate_mean(differences, seed=0, about=("paired difference", title))
    bars = count_in_bars(differences, edges_of(min(0.0, differences.min()), max(0.0, differences.max())))
    filters = [
        all_of(within, in_bar("difference", r["low"], r["high"], is_last=r["is_last"])) for r in bars.to_dict("records")
    ]
    names = [" · ".join(filter(None, [_bar(row), leads_to])) for row in bars.to_dict("records")]
    bars = with_links(bars.assign(none=0), link, filters, names)
    x = x_number("low", "difference, second minus first")
    rect = alt.Chart(bars).mark_rect(color=BLUE, opacity=0.45, stroke=BLUE, strokeWidth=0.5)
    boxes = rect.encode(
        x=x, x2=alt.X2("high:Q"), y=y_number("none", "features", zero=True), y2=alt.Y2("n:Q"), **href_of(bars)
    )
    zero = alt.Chart(pd.DataFrame({"at": [0.0]})).mark_rule(color=GREY, strokeWidth=1.5).encode(x=x_number("at"))
    entries = [("◆ mean difference, 95% interval", BLUE), ("▬ no difference", GREY)]
    chart = styled([boxes, zero, *_mean(found), *legend(entries)])
    words = [
        f"Mean {with_interval(found, digits=3)}, n = {found.n}, no difference 0",
        *map(_bar, bars.to_dict("records")),
    ]
    return picture(chart, title=title, description=sentences(words), table=pairs)


def _mean(mean: Estimate) -> list[alt.Chart]:
    chart = alt.Chart(pd.DataFrame({"mean": [mean.value], "low": [mean.low], "high": [mean.high]}))
    dot = chart.mark_point(shape="diamond", size=120, filled=mean.low is not None, opacity=1, color=BLUE)
    at = alt.value(HEIGHT * 0.08)
    rule = chart.mark_rule(strokeWidth=3, color=BLUE).encode(x=x_number("low"), x2=alt.X2("high:Q"), y=at)
    return [*([rule] if mean.low is not None else []), dot.encode(x=x_number("mean"), y=at)]


def _bar(row: dict[object, object]) -> str:
    low, high = (number(float(str(row[name])), digits=3) for name in ("low", "high"))
    return f"{low} to {high}: {count(row['n'])} features"  # type: ignore[arg-type]
