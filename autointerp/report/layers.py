"""The layers charts are laid from: points, means with intervals, chance and controls, names, a legend."""

from collections.abc import Iterator, Sequence

import altair as alt
import pandas as pd

from autointerp.analysis.figures import number, with_interval
from autointerp.analysis.summary import Line, control_names
from autointerp.analysis.values import METRIC_NAMES
from autointerp.core.draws import uniform
from autointerp.report.text import shorten, visible

BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072b2", "#d55e00", "#009e73", "#aa4499", "#808080"
"""Okabe and Ito 2008 (with Tol's purple): told apart in the common colour deficiencies, and on black."""

CONTROL_LOOKS = {"shuffled": (ORANGE, [1, 0]), "blank": (GREEN, [3, 3]), "lookup": (PURPLE, [9, 3])}
OTHER_LOOK = (GREY, [1, 2])
HEIGHT, PER_PLACE, MIN_WIDTH = 220, 105, 400
REACH = 0.4
"""Half the room of a dictionary on the axis, where neighbours are 1 apart."""


def means_table(lines: Sequence[Line]) -> pd.DataFrame:
    """Return the numbers drawn, one row a line; empty cells are NaN. ``place`` is the axis entry."""
    places = _places(lines)
    rows = [
        {
            "dictionary": line.dictionary,
            "place": places[line.dictionary],
            "width": line.width,
            "mean": line.mean.value,
            "low": line.mean.low,
            "high": line.mean.high,
            "scored": line.mean.n,
            "asked": line.n_asked,
            "chance": line.chance,
        }
        | {a.control: a.mean.value for a in line.against}
        for line in lines
    ]
    columns = ["dictionary", "place", "width", "mean", "low", "high", "scored", "asked", "chance"]
    return pd.DataFrame(rows, columns=None if rows else columns)


def _places(lines: Sequence[Line]) -> dict[str, str]:
    """Return the axis entry of each dictionary: its width where that tells it apart, else its name.

    Beside another family, a baseline say, a bare width would pass for one more rung of the ladder.
    """
    widths = {line.dictionary: line.width for line in lines}
    is_ladder = len({line.dictionary.rpartition("/")[0] for line in lines}) == 1
    are_unique = is_ladder and len(set(widths.values())) == len(widths) and None not in widths.values()
    return {name: f"{width:,}" if are_unique else shorten(visible(name, keep=""), 18) for name, width in widths.items()}


def describe(lines: Sequence[Line]) -> str:
    """Return the picture in words: every width with mean, interval, counts, chance and controls."""
    return " ".join(_describe_line(line) for line in lines)


def _describe_line(line: Line) -> str:
    controls = [f"{a.control} control {number(a.mean.value)}" for a in line.against]
    figures = [with_interval(line.mean), f"{line.mean.n} of {line.n_asked} scored", f"chance {number(line.chance)}"]
    return f"{line.dictionary}: {', '.join([*figures, *(controls or ['no control scored'])])}."


# ---- layers; all share a quantitative x, as offsets and sorted names do not survive layering


def x_of(drawn: pd.DataFrame) -> alt.X:
    domain = [float(drawn["x"].min()) - 0.5, float(drawn["x"].max()) + 0.5]
    axis = alt.Axis(labels=False, ticks=False, grid=False, title="dictionary width (features)", titlePadding=38)
    return alt.X("x:Q", scale=alt.Scale(domain=domain, nice=False, zero=False), axis=axis)


def y_of(field: str) -> alt.Y:
    return alt.Y(f"{field}:Q", scale=alt.Scale(zero=False, nice=True), title=None)


def reach(drawn: pd.DataFrame, extent: tuple[float, float]) -> alt.Chart:
    """Return unseen marks at both ends of the *extent*: pictures that will be compared get one axis."""
    ends = pd.DataFrame({"x": [float(drawn["x"].iloc[0])] * 2, "end": list(extent)})
    return alt.Chart(ends).mark_point(opacity=0).encode(x=x_of(drawn), y=y_of("end"))


def strip(scored: pd.DataFrame, drawn: pd.DataFrame) -> alt.Chart:
    """Return one point a feature, moved sideways by a draw keyed by its name."""
    x = dict(zip(drawn["dictionary"], drawn["x"], strict=True))
    names = zip(scored["dictionary"], scored["feature"], strict=True)
    places = [x[d] + REACH * 1.6 * (uniform(0, str(d), int(f)) - 0.5) for d, f in names]
    points = pd.DataFrame({"x": places, "value": scored["value"].astype(float).to_numpy()})
    return alt.Chart(points).mark_circle(size=28, opacity=0.45, color=BLUE).encode(x=x_of(drawn), y=y_of("value"))


def mean_layers(drawn: pd.DataFrame) -> Iterator[alt.Chart]:
    """Yield interval and mean; a mean of one feature has no interval and is drawn hollow."""
    known = drawn.dropna(subset=["mean"])[["x", "mean", "low", "high"]].astype(float)
    sure, single = known.dropna(subset=["low"]), known[known["low"].isna()][["x", "mean"]]
    x = x_of(drawn)
    yield alt.Chart(sure).mark_rule(strokeWidth=3, color=BLUE).encode(x=x, y=y_of("low"), y2="high:Q")
    filled = alt.Chart(sure).mark_point(shape="diamond", size=120, filled=True, opacity=1, color=BLUE)
    yield filled.encode(x=x, y=y_of("mean"))
    yield alt.Chart(single).mark_point(shape="diamond", size=120, opacity=1, color=BLUE).encode(x=x, y=y_of("mean"))


def curve(drawn: pd.DataFrame) -> alt.Chart:
    """Return the line through the means."""
    means = drawn[["x", "mean"]].astype(float)
    return alt.Chart(means).mark_line(color=BLUE, strokeWidth=1.2, opacity=0.6).encode(x=x_of(drawn), y=y_of("mean"))


def reference_layers(drawn: pd.DataFrame, lines: Sequence[Line]) -> Iterator[alt.Chart]:
    """Yield chance and, a width, each control's mean. Always: a score alone says nothing."""
    for name in ("chance", *control_names(lines)):
        means = drawn.dropna(subset=[name])
        left, right = means["x"].astype(float) - REACH, means["x"].astype(float) + REACH
        rows = pd.DataFrame({"x": left, "right": right, "mean": means[name].astype(float)})
        colour, dash = (GREY, [1, 0]) if name == "chance" else CONTROL_LOOKS.get(name, OTHER_LOOK)
        thickness = 1.5 if name == "chance" else 2.5
        rule = alt.Chart(rows).mark_rule(color=colour, strokeWidth=thickness, strokeDash=dash)
        yield rule.encode(x=x_of(drawn), x2="right:Q", y=y_of("mean"))


def layered(layers: Sequence[alt.Chart], drawn: pd.DataFrame, lines: Sequence[Line]) -> alt.LayerChart:
    """Return the layers with names below, a legend above and a quiet frame."""
    width = max(MIN_WIDTH, PER_PLACE * len(drawn))
    counted = drawn.assign(n=[f"n = {n}" for n in drawn["scored"]])
    names = _words_below(counted, "place", 14), _words_below(counted, "n", 28)
    chart = alt.layer(*layers, *names, *_legend(lines)).properties(
        width=width, height=HEIGHT, background="transparent", padding={"left": 5, "right": 5, "top": 5, "bottom": 5}
    )
    return (
        chart.configure(aria=False, font="sans-serif")
        .configure_view(stroke=None)
        .configure_axis(
            gridColor=GREY,
            gridOpacity=0.18,
            domainColor=GREY,
            tickColor=GREY,
            labelFontSize=11,
            titleFontWeight="normal",
        )
    )


def _words_below(drawn: pd.DataFrame, field: str, down: int) -> alt.Chart:
    """Return a line of words below the axis: what each place is, and how many features its mean is over."""
    words = alt.Chart(drawn[["x", field]]).mark_text(fontSize=11)
    return words.encode(x=x_of(drawn), y=alt.value(HEIGHT + down), text=f"{field}:N")


def _legend(lines: Sequence[Line]) -> Iterator[alt.Chart]:
    """Yield the legend as coloured words above the frame: chance and the controls by name."""
    entries = [
        (f"◆ mean of {METRIC_NAMES.get(lines[0].metric, lines[0].metric.replace('_', ' '))}, 95% interval", BLUE)
    ]
    entries += [("chance" if any(line.chance is not None for line in lines) else "chance: none", GREY)]
    entries += [(name, CONTROL_LOOKS.get(name, OTHER_LOOK)[0]) for name in control_names(lines)] or [
        ("no control", GREY)
    ]
    at = 0
    for words, colour in entries:
        shown = words if words.startswith("◆") else f"▬ {words}"
        mark = alt.Chart(pd.DataFrame({"words": [shown]})).mark_text(align="left", fontSize=11, color=colour)
        yield mark.encode(x=alt.value(at), y=alt.value(-14), text="words:N")
        at += 14 + round(6.1 * len(shown))
