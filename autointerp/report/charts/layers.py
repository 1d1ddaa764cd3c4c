"""The layers of charts by dictionary: means with intervals, chance and controls, names below; all from one frame."""

from collections.abc import Iterator, Sequence

import altair as alt
import pandas as pd

from autointerp.analysis.figures import number, ranged
from autointerp.analysis.summary import CONTROLS, Line
from autointerp.analysis.values import METRIC_NAMES
from autointerp.report.charts.looks import BLUE, CONTROL_LOOKS, GREY, HEIGHT, OTHER_LOOK, legend, styled
from autointerp.report.text import shorten, visible

PER_PLACE, MIN_WIDTH = 105, 400
REACH = 0.4
"""Half the room of a dictionary on the axis, where neighbours are 1 apart."""

MEANS = ["dictionary", "place", "width", "mean", "low", "high", "scored", "asked", "chance"]
FIXED = ["at fixed density", "fixed low", "fixed high", "matched"]
FIT = "fit"
"""Columns of the frame a chart by width is drawn from; every other one is the mean of a control, by its name."""


def means_table(lines: Sequence[Line]) -> pd.DataFrame:
    """Return the frame of means, one row a line; empty cells are NaN. ``place`` is the axis entry."""
    places = place_names({line.dictionary: line.width for line in lines})
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
    return pd.DataFrame(rows, columns=None if rows else MEANS)


def place_names(widths: dict[str, int | None]) -> dict[str, str]:
    """Return the axis entry of each dictionary: its width where that tells it apart, else its name.

    Beside another family, a baseline say, a bare width would pass for one more rung of the ladder.
    """
    is_ladder = len({name.rpartition("/")[0] for name in widths}) == 1
    are_unique = is_ladder and len(set(widths.values())) == len(widths) and None not in widths.values()
    return {name: f"{width:,}" if are_unique else shorten(visible(name, keep=""), 18) for name, width in widths.items()}


def controls_of(means: pd.DataFrame) -> list[str]:
    """Return the controls a frame of means has: known ones in their order, then others."""
    present = {str(name) for name in means.columns} - {*MEANS, *FIXED, FIT}
    return [name for name in CONTROLS if name in present] + sorted(present - set(CONTROLS))


def describe(means: pd.DataFrame) -> str:
    """Return the picture in words: every width with mean, interval, counts, chance and controls."""
    controls = controls_of(means)
    return " ".join(_describe_row(row, controls) for row in means.to_dict("records"))


def _describe_row(row: dict[object, object], controls: Sequence[str]) -> str:
    mean = ranged(*(known(row[name]) for name in ("mean", "low", "high")))
    if known(row["mean"]) is None:
        mean = "unscored"
    elif known(row["low"]) is None:
        mean += " [no interval: 1 feature]"
    figures = [mean, f"{row['scored']} of {row['asked']} scored", f"chance {number(known(row['chance']))}"]
    beside = [f"{name} control {number(known(row[name]))}" for name in controls] or ["no control scored"]
    return f"{row['dictionary']}: {', '.join([*figures, *beside])}."


def known(cell: object) -> float | None:
    """Return a cell as a number, None where it is empty."""
    return None if cell is None or pd.isna(cell) else float(cell)  # type: ignore[call-overload,arg-type]


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


def mean_layers(drawn: pd.DataFrame, *, aside: float = 0.0) -> Iterator[alt.Chart]:
    """Yield interval and mean, *aside* of their place; a mean of one feature has no interval and is drawn hollow."""
    columns = ["x", "mean", "low", "high"]
    rows = drawn.dropna(subset=["mean"])
    numbers = rows[columns].astype(float).assign(x=lambda r: r["x"] + aside)
    rows = numbers.assign(href=rows["href"]) if "href" in rows else numbers
    sure, single = rows.dropna(subset=["low"]), rows[rows["low"].isna()]
    x, href = x_of(drawn), {"href": alt.Href("href:N")} if "href" in rows else {}
    yield alt.Chart(sure).mark_rule(strokeWidth=3, color=BLUE).encode(x=x, y=y_of("low"), y2=alt.Y2("high:Q"))
    filled = alt.Chart(sure).mark_point(shape="diamond", size=120, filled=True, opacity=1, color=BLUE)
    yield filled.encode(x=x, y=y_of("mean"), **href)
    hollow = alt.Chart(single).mark_point(shape="diamond", size=120, opacity=1, color=BLUE)
    yield hollow.encode(x=x, y=y_of("mean"), **href)


def curve(drawn: pd.DataFrame) -> alt.Chart:
    """Return the line through the means."""
    means = drawn[["x", "mean"]].astype(float)
    return alt.Chart(means).mark_line(color=BLUE, strokeWidth=1.2, opacity=0.6).encode(x=x_of(drawn), y=y_of("mean"))


def reference_layers(drawn: pd.DataFrame) -> Iterator[alt.Chart]:
    """Yield chance and, a width, each control's mean. Always: a score alone says nothing."""
    for name in ("chance", *controls_of(drawn.drop(columns=["x", "href"], errors="ignore"))):
        means = drawn.dropna(subset=[name])
        left, right = means["x"].astype(float) - REACH, means["x"].astype(float) + REACH
        rows = pd.DataFrame({"x": left, "right": right, "mean": means[name].astype(float)})
        colour, dash = (GREY, [1, 0]) if name == "chance" else CONTROL_LOOKS.get(name, OTHER_LOOK)
        thickness = 1.5 if name == "chance" else 2.5
        rule = alt.Chart(rows).mark_rule(color=colour, strokeWidth=thickness, strokeDash=dash)
        yield rule.encode(x=x_of(drawn), x2=alt.X2("right:Q"), y=y_of("mean"))


def layered(layers: Sequence[alt.Chart], drawn: pd.DataFrame, metric: str) -> alt.LayerChart:
    """Return the layers with names below, a legend above and a quiet frame."""
    counted = drawn.assign(n=[f"n = {n}" for n in drawn["scored"]])
    names = _words_below(counted, "place", 14), _words_below(counted, "n", 28)
    entries = _entries(drawn.drop(columns=["x", "href"], errors="ignore"), metric)
    width = max(MIN_WIDTH, PER_PLACE * len(drawn))
    return styled([*layers, *names, *legend(entries)], width=width)


def _words_below(drawn: pd.DataFrame, field: str, down: int) -> alt.Chart:
    """Return a line of words below the axis: what each place is, and how many features its mean is over."""
    words = alt.Chart(drawn[["x", field]]).mark_text(fontSize=11)
    return words.encode(x=x_of(drawn), y=alt.YValue(HEIGHT + down), text=alt.Text(f"{field}:N"))


def _entries(means: pd.DataFrame, metric: str) -> list[tuple[str, str]]:
    """Return the legend: the mean, chance, and the controls by name."""
    mean = f"◆ mean of {METRIC_NAMES.get(metric, metric.replace('_', ' '))}, 95% interval"
    chance = "▬ chance" if means["chance"].notna().any() else "▬ chance: none"
    controls = [(f"▬ {name}", CONTROL_LOOKS.get(name, OTHER_LOOK)[0]) for name in controls_of(means)]
    return [(mean, BLUE), (chance, GREY), *(controls or [("▬ no control", GREY)])]
