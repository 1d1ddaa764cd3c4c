"""How charts look: colours that can be told apart, the frame, the legend above it."""

from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt
import pandas as pd
from altair.utils.schemapi import disable_debug_mode

# Altair checks each part of a chart against its schema as it is made, which takes longer than drawing it. A chart
# that is wrong fails where it is drawn, and in the tests.
disable_debug_mode()

BLUE, ORANGE, GREEN, PURPLE, GREY, SKY = "#0072b2", "#d55e00", "#009e73", "#aa4499", "#808080", "#56b4e9"
"""Okabe and Ito 2008 (with Tol's purple): told apart in the common colour deficiencies, and on black."""

CONTROL_LOOKS = {"shuffled": (ORANGE, [1, 0]), "blank": (GREEN, [3, 3]), "lookup": (PURPLE, [9, 3])}
OTHER_LOOK = (GREY, [1, 2])
HEIGHT, WIDTH = 220, 400
ROW = 22
"""Height of a line of a chart that has one a name."""

SERIES = (BLUE, GREEN, PURPLE, SKY, "#b58900", GREY)
"""Of dictionaries, scorers and judges; none is that of the shuffled control."""


def styled(
    layers: Sequence[alt.Chart], *, width: int = WIDTH, height: int = HEIGHT, names: Sequence[str] = ()
) -> alt.LayerChart:
    """Return the layers in a quiet frame on no ground of their own; *names* stand to the left of it.

    What measures the names for the drawing knows a narrower typeface than browsers have.
    """
    left = 5 + round(1.3 * max(map(len, names), default=0))
    axis = alt.AxisConfig(
        gridColor=GREY,
        gridOpacity=0.18,
        domainColor=GREY,
        tickColor=GREY,
        labelFontSize=11,
        titleFontWeight="normal",
        labelLimit=340,
    )
    config = alt.Config(aria=False, font="sans-serif", view=alt.ViewConfig(stroke=None), axis=axis)
    # All at once: each further setting would copy the layers with all they draw.
    return alt.LayerChart(
        layer=list(layers),
        width=width,
        height=height,
        background="transparent",
        padding={"left": left, "right": 5, "top": 5, "bottom": 5},
        config=config,
    )


def legend(entries: Sequence[tuple[str, str]], *, y: int = -14) -> Iterator[alt.Chart]:
    """Yield words with their colours side by side above the frame: one layer, for each takes longer than its words."""
    widths = [14 + round(6.1 * len(words)) for words, _ in entries]
    places = [sum(widths[:place]) for place in range(len(widths))]
    rows = pd.DataFrame({"words": [w for w, _ in entries], "colour": [c for _, c in entries], "at": places})
    mark = alt.Chart(rows).mark_text(align="left", fontSize=11, x=alt.expr("datum.at"), color=alt.expr("datum.colour"))
    yield mark.encode(y=alt.YValue(y), text=alt.Text("words:N"))


def number_axis(field: str, title: str | None, **scale: Any) -> tuple[str, alt.Axis, alt.Scale]:
    """Return what encodes a number: shorthand, axis and scale, which does not begin at 0 unless told so."""
    return f"{field}:Q", alt.Axis(title=title, tickCount=6), alt.Scale(**{"zero": False, "nice": True, **scale})


def x_number(field: str, title: str | None = None, **scale: Any) -> alt.X:
    shorthand, axis, found = number_axis(field, title, **scale)
    return alt.X(shorthand, axis=axis, scale=found)


def y_number(field: str, title: str | None = None, **scale: Any) -> alt.Y:
    shorthand, axis, found = number_axis(field, title, **scale)
    return alt.Y(shorthand, axis=axis, scale=found)


def y_names(field: str, names: Sequence[str]) -> alt.Y:
    """Return an axis of names in the order given, from the top."""
    return alt.Y(f"{field}:N", sort=None, scale=alt.Scale(domain=list(names)), axis=alt.Axis(title=None, grid=False))


def series_colours(names: Sequence[str]) -> dict[str, str]:
    """Return a colour a series; after six they repeat, and the table tells them apart."""
    return {name: SERIES[place % len(SERIES)] for place, name in enumerate(names)}
