"""The width curve: means against dictionary width with chance and controls, at fixed density, and with a fitted law."""

from collections.abc import Iterator

import altair as alt
import numpy as np
import pandas as pd

from autointerp.report.charts.distribution import Extent
from autointerp.report.charts.filters import all_of, scored
from autointerp.report.charts.fixed import describe_fixed, fixed_layers
from autointerp.report.charts.layers import (
    FIT,
    curve,
    describe,
    layered,
    mean_layers,
    reach,
    reference_layers,
    x_of,
    y_of,
)
from autointerp.report.charts.looks import GREY, HEIGHT, legend
from autointerp.report.charts.picture import Link, Picture, nothing_to_draw, picture, with_links
from autointerp.report.terms import term
from autointerp.report.text import visible

PUBLISHED = "published, other protocol"
"""What stands at every number that is not this run's."""


def width_curve(
    means: pd.DataFrame,
    *,
    title: str,
    metric: str = "score",
    name: str = "",
    within: str = "",
    extent: Extent | None = None,
    published: pd.DataFrame | None = None,
    link: Link | None = None,
) -> Picture:
    """Return the mean with its interval against width (log2 axis), with chance and the control means.

    Args:
        means: As ``layers.means_table`` makes it; columns of ``fixed.beside_fixed`` and ``fit`` (the fitted mean at
            each width) are drawn where they are there.
        title: What is drawn, in words.
        metric: What the mean is of, for the legend.
        name: What a filter knows the score by.
        within: Terms that hold of all the features drawn.
        extent: What the axis has to hold besides.
        published: Others' lines, columns source, width and value: thin, grey and dotted, named as of another protocol
            in the legend, in the words and in the table. The axes make room for them.
        link: Makes each mean a link to the features it is over.
    """
    drawn = means.dropna(subset=["mean", "width"])
    if drawn["width"].nunique() < 2:
        return nothing_to_draw(title, f"{drawn['width'].nunique()} width(s) with a score; a curve needs two", means)
    drawn = drawn.assign(x=np.log2(drawn["width"].astype(float)))
    filters = [all_of(term("dictionary", str(d)), within, scored(name)) for d in drawn["dictionary"]]
    names = [f"{d}: {n} scored features" for d, n in zip(drawn["dictionary"], drawn["scored"], strict=True)]
    drawn = with_links(drawn, link, filters, names)
    layers = [*([reach(drawn, extent)] if extent else []), *reference_layers(drawn), curve(drawn), *mean_layers(drawn)]
    beside = [*fixed_layers(drawn), *_fit_layers(drawn), *_published_layers(drawn, published)]
    words = [describe(means), describe_fixed(means), _describe_published(published)]
    chart = layered([*layers, *beside], drawn, metric)
    table = _with_published(means, published)
    return picture(chart, title=title, description=" ".join(filter(None, words)), table=table)


def _fit_layers(drawn: pd.DataFrame) -> Iterator[alt.Chart]:
    """Yield the fitted law as a dashed line, where it is there."""
    if FIT in drawn and drawn[FIT].notna().any():
        line = alt.Chart(drawn[["x", FIT]].dropna().astype(float)).mark_line(color=GREY, strokeDash=[6, 3])
        yield line.encode(x=x_of(drawn), y=y_of(FIT))


def _published_layers(drawn: pd.DataFrame, published: pd.DataFrame | None) -> Iterator[alt.Chart]:
    """Yield others' numbers a source, the axis as long as they need, and the source's name above the frame."""
    if published is None or published.empty:
        return
    rows = published.assign(x=np.log2(published["width"].astype(float)), value=published["value"].astype(float))
    x = x_of(pd.concat([drawn[["x"]], rows[["x"]]]))
    for place, (source, mine) in enumerate(rows.groupby("source", sort=False)):
        chart = alt.Chart(mine[["x", "value"]])
        yield chart.mark_line(color=GREY, strokeWidth=1, strokeDash=[2, 3]).encode(x=x, y=y_of("value"))
        yield chart.mark_point(color=GREY, shape="circle", size=18, strokeWidth=1).encode(x=x, y=y_of("value"))
        yield from legend([(f"○··· {PUBLISHED}: {visible(str(source), keep='')}", GREY)], y=-42 - 14 * place)
    others = rows[~rows["x"].isin(drawn["x"])].drop_duplicates("x")
    words = others.assign(place=[f"{int(width):,}" for width in others["width"]])[["x", "place"]]
    below = alt.Chart(words).mark_text(fontSize=11, color=GREY, fontStyle="italic")
    yield below.encode(x=x, y=alt.YValue(HEIGHT + 14), text=alt.Text("place:N"))


def _with_published(means: pd.DataFrame, published: pd.DataFrame | None) -> pd.DataFrame:
    """Return the table with others' numbers below one's own, named as such where a dictionary is named."""
    if published is None or published.empty:
        return means
    names = [f"{PUBLISHED}: {source}" for source in published["source"]]
    places = [f"{int(width):,}" for width in published["width"]]
    rows = pd.DataFrame({"dictionary": names, "place": places, "width": published["width"].to_list()})
    rows = rows.assign(mean=published["value"].astype(float).to_list())
    # Objects: counts would become fractions beside rows that have none.
    return pd.concat([means.astype(object), rows.astype(object)], ignore_index=True)[list(means.columns)]


def _describe_published(published: pd.DataFrame | None) -> str:
    if published is None or published.empty:
        return ""
    parts = [f"{row['source']}, {row['width']:,}: {row['value']}" for row in published.to_dict("records")]
    return f"{PUBLISHED.capitalize()}, so not to be compared by height: {'; '.join(parts)}."
