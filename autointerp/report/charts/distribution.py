"""Score distribution by width: of each dictionary how many features fall into each bar of the score."""

import altair as alt
import numpy as np
import pandas as pd

from autointerp.analysis.figures import count
from autointerp.report.charts.bars import count_in_bars, edges_of
from autointerp.report.charts.filters import all_of, in_bar
from autointerp.report.charts.layers import describe, layered, mean_layers, reach, reference_layers, x_of, y_of
from autointerp.report.charts.looks import BLUE
from autointerp.report.charts.picture import Link, Picture, href_of, nothing_to_draw, picture, with_links
from autointerp.report.terms import term

Extent = tuple[float, float]
LEFT, RIGHT, MEAN_AT = -0.38, 0.24, 0.32
"""Where the bars of a dictionary begin, where the longest ends, and where its mean stands."""

COLUMNS = ["dictionary", "low", "high", "n", "is_last"]


def score_distribution(
    values: pd.DataFrame,
    means: pd.DataFrame,
    *,
    title: str,
    metric: str = "score",
    name: str = "",
    within: str = "",
    extent: Extent | None = None,
    link: Link | None = None,
) -> Picture:
    """Return bars of features by score and dictionary, with mean and interval, chance and control means.

    Args:
        values: Columns dictionary, value (NaN = unscored) of ONE measure, explainer and judge, a row a feature.
        means: As ``layers.means_table`` makes it, a row a dictionary: it orders the axis, and is the table.
        title: What is drawn, in words.
        metric: What the mean is of, for the legend.
        name: What a filter knows the score by (``filters.score_name``).
        within: Terms that hold of all the features drawn, such as the explainer.
        extent: What the axis has to hold besides: pictures side by side must not differ by their axes.
        link: Makes each bar a link to the features it counts.
    """
    scored = values.dropna(subset=["value"])
    if means.empty or scored.empty:
        return nothing_to_draw(title, f"none of {int(means['asked'].sum())} features has a score", means)
    drawn = means.assign(x=[float(place) for place in range(len(means))])
    bars = _placed(score_bars(scored, extent=extent), drawn)
    linked = with_links(bars, link, _filters(bars, name, within), _names(bars))
    rect = alt.Chart(linked).mark_rect(color=BLUE, opacity=0.45, stroke=BLUE, strokeWidth=0.5)
    boxes = rect.encode(x=x_of(drawn), x2=alt.X2("right:Q"), y=y_of("low"), y2=alt.Y2("high:Q"), **href_of(linked))
    layers = [*_reach(drawn, extent), *reference_layers(drawn), boxes, *mean_layers(drawn, aside=MEAN_AT)]
    return picture(layered(layers, drawn, metric), title=title, description=describe(means), table=means)


def score_bars(scored: pd.DataFrame, *, extent: Extent | None = None) -> pd.DataFrame:
    """Return the bars that hold a feature, columns ``COLUMNS``; the same edges for all dictionaries.

    Args:
        scored: Columns dictionary and value, no NaN.
        extent: What the edges have to span besides the values.
    """
    numbers = scored["value"].to_numpy(np.float64)
    low, high = extent or (float(numbers.min()), float(numbers.max()))
    edges = edges_of(min(low, float(numbers.min())), max(high, float(numbers.max())))
    found = [
        count_in_bars(group["value"].to_numpy(np.float64), edges).assign(dictionary=dictionary)
        for dictionary, group in scored.groupby("dictionary", sort=False)
    ]
    return pd.concat(found, ignore_index=True)[COLUMNS]


def _placed(bars: pd.DataFrame, drawn: pd.DataFrame) -> pd.DataFrame:
    """Return the bars with left and right ends; lengths are shares of a dictionary's features."""
    kept = bars[bars["dictionary"].isin(drawn["dictionary"])].reset_index(drop=True)
    shares = kept["n"] / kept.groupby("dictionary")["n"].transform("sum")
    place = kept["dictionary"].map(dict(zip(drawn["dictionary"], drawn["x"], strict=True))).astype(float)
    return kept.assign(x=place + LEFT, right=place + LEFT + (RIGHT - LEFT) * shares / shares.max())


def _filters(bars: pd.DataFrame, name: str, within: str) -> list[str]:
    rows = bars.to_dict("records")
    return [
        all_of(
            term("dictionary", str(r["dictionary"])), within, in_bar(name, r["low"], r["high"], is_last=r["is_last"])
        )
        for r in rows
    ]


def _names(bars: pd.DataFrame) -> list[str]:
    return [
        f"{r['dictionary']}, {r['low']:g} to {r['high']:g}: {count(r['n'])} features" for r in bars.to_dict("records")
    ]


def _reach(drawn: pd.DataFrame, extent: Extent | None) -> list[alt.Chart]:
    return [reach(drawn, extent)] if extent else []


def extent_of(values: pd.DataFrame, means: pd.DataFrame) -> Extent | None:
    """Return the lowest and highest of all that may be drawn of one measure, or None when nothing is scored."""
    drawn = means.drop(columns=["dictionary", "place", "width", "scored", "asked"])
    numbers = np.concatenate([values["value"].to_numpy(float), drawn.to_numpy(float).ravel()])
    known = numbers[np.isfinite(numbers)]
    return (float(known.min()), float(known.max())) if len(known) else None
