"""Charts as pure functions of a frame: SVG, words for those who cannot see it, and the numbers as a table."""

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd
import vl_convert
from markupsafe import Markup, escape

from autointerp.analysis.summary import Line
from autointerp.analysis.width import Trend
from autointerp.report.footings import beside_fixed, describe_fixed, fixed_layers
from autointerp.report.layers import curve, describe, layered, mean_layers, means_table, reach, reference_layers, strip
from autointerp.report.text import visible


@dataclass(frozen=True, slots=True)
class Picture:
    """An inline SVG, its description in words, and the numbers it draws (one row a width)."""

    title: str
    svg: Markup
    description: str
    table: pd.DataFrame


Extent = tuple[float, float]


def extent_of(values: pd.DataFrame, lines: Sequence[Line]) -> Extent | None:
    """Return the lowest and highest of all that may be drawn of one measure, or None when nothing is scored."""
    drawn = means_table(lines).drop(columns=["dictionary", "place", "width", "scored", "asked"])
    numbers = np.concatenate([values["value"].to_numpy(float), drawn.to_numpy(float).ravel()])
    known = numbers[np.isfinite(numbers)]
    return (float(known.min()), float(known.max())) if len(known) else None


def score_distribution(
    values: pd.DataFrame, lines: Sequence[Line], *, title: str, extent: Extent | None = None
) -> Picture:
    """Return every feature as a point by width, with mean and interval, chance and control means.

    Args:
        values: Columns dictionary, feature, value (NaN = unscored) of ONE measure and explainer.
        lines: The summary lines of the same measure, one a dictionary: they order the axis.
        title: What is drawn, in words.
        extent: What the axis has to hold besides: pictures side by side must not differ by their axes.
    """
    table = means_table(lines)
    scored = values.dropna(subset=["value"])
    if table.empty or scored.empty:
        asked = sum(line.n_asked for line in lines)
        return nothing_to_draw(title, f"none of {asked} features has a score", table)
    drawn = table.assign(x=[float(place) for place in range(len(table))])
    layers = [*_reach(drawn, extent), *reference_layers(drawn, lines), strip(scored, drawn), *mean_layers(drawn)]
    chart = layered(layers, drawn, lines)
    return _picture(chart, title, describe(lines), table)


def width_curve(
    lines: Sequence[Line], *, title: str, extent: Extent | None = None, fixed: Trend | None = None
) -> Picture:
    """Return the mean with its interval against width (log2 axis), with chance and the control means.

    *fixed*: the trend of the same measure at fixed density, whose means are drawn beside the raw ones.
    """
    table = means_table(lines) if fixed is None else beside_fixed(means_table(lines), fixed)
    drawn = table.dropna(subset=["mean", "width"])
    if drawn["width"].nunique() < 2:
        return nothing_to_draw(title, f"{drawn['width'].nunique()} width(s) with a score; a curve needs two", table)
    drawn = drawn.assign(x=np.log2(drawn["width"].astype(float)))
    layers = [*_reach(drawn, extent), *reference_layers(drawn, lines), curve(drawn), *mean_layers(drawn)]
    chart = layered([*layers, *fixed_layers(drawn)], drawn, lines)
    words = describe(lines) if fixed is None else f"{describe(lines)} {describe_fixed(fixed)}"
    return _picture(chart, title, words, table)


def _reach(drawn: pd.DataFrame, extent: Extent | None) -> list[alt.Chart]:
    return [reach(drawn, extent)] if extent else []


def nothing_to_draw(title: str, why: str, table: pd.DataFrame) -> Picture:
    """Return a frame that says why it is empty: an empty axis would look like a score of 0."""
    text = f"Nothing to draw: {why}."
    svg = (
        f'<svg role="img" viewBox="0 0 420 60" width="420" height="60"><title>{escape(visible(title))}</title>'
        f"<desc>{escape(text)}</desc>"
        '<rect x="1" y="1" width="418" height="58" fill="none" stroke="#767676" stroke-dasharray="4 4"/>'
        f'<text x="210" y="34" text-anchor="middle" font-size="12">{escape(text)}</text></svg>'
    )
    return Picture(title, Markup(svg), text, table)


def _picture(chart: alt.LayerChart, title: str, description: str, table: pd.DataFrame) -> Picture:
    raw: str = vl_convert.vegalite_to_svg(chart.to_dict(validate=False))
    return Picture(title, _accessible(raw, title, description), description, table)


def _accessible(svg: str, title: str, description: str) -> Markup:
    """Return the SVG as one image with a name and a description, without the XML namespaces HTML does not need."""
    head, body = svg.split(">", 1)
    head = head.replace(' xmlns="http://www.w3.org/2000/svg"', "").replace(
        ' xmlns:xlink="http://www.w3.org/1999/xlink"', ""
    )
    name, words = escape(visible(title)), escape(visible(description))
    return Markup(f'{head} role="img" aria-label="{name}"><title>{name}</title><desc>{words}</desc>{body}')
