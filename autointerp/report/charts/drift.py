"""Drift over runs: one measure in run after run, with what was changed between them."""

import altair as alt
import pandas as pd

from autointerp.analysis.figures import number, ranged
from autointerp.report.charts.layers import known
from autointerp.report.charts.looks import GREY, HEIGHT, ORANGE, legend, series_colours, styled, y_number
from autointerp.report.charts.picture import Link, Picture, href_of, nothing_to_draw, picture, sentences, with_links
from autointerp.report.text import shorten, visible

PER_RUN = 46
COLUMNS = ["run", "created", "judge", "value", "low", "high", "chance", "changed"]


def drift_over_runs(runs: pd.DataFrame, *, title: str, link: Link | None = None) -> Picture:
    """Return the value of each run with its interval, a colour a judge, chance, and a mark where something changed.

    Args:
        runs: Columns ``COLUMNS``, a row a run and judge in the order of time; ``changed``: what was changed since the
            run before, "" for nothing; ``value`` NaN where a run has none.
        title: What is drawn, in words.
        link: Makes each mark a link; it is given ``run:NAME``.
    """
    drawn = runs.dropna(subset=["value"]).reset_index(drop=True)
    if drawn.empty:
        return nothing_to_draw(title, f"none of {len(runs)} runs has a value", runs)
    places = {run: float(place) for place, run in enumerate(dict.fromkeys(runs["run"]))}
    words = [_words(row) for row in drawn.to_dict("records")]
    drawn = with_links(drawn.assign(x=drawn["run"].map(places)), link, [f"run:{r}" for r in drawn["run"]], words)
    colours = series_colours(list(dict.fromkeys(drawn["judge"])))
    layers = [_chance(drawn), *_changes(runs.assign(x=runs["run"].map(places))), _names(places)]
    for judge, colour in colours.items():
        rows = drawn[drawn["judge"] == judge]
        chart, x = alt.Chart(rows), _x(len(places))
        layers.append(chart.mark_line(color=colour, strokeWidth=1.2, opacity=0.6).encode(x=x, y=y_number("value")))
        layers.append(chart.mark_rule(color=colour, strokeWidth=3).encode(x=x, y=y_number("low"), y2=alt.Y2("high:Q")))
        dots = chart.mark_point(shape="diamond", filled=True, size=100, opacity=1, color=colour)
        layers.append(dots.encode(x=x, y=y_number("value"), **href_of(rows)))
    entries = [(f"◆ {shorten(visible(str(judge), keep=''), 40)}", colour) for judge, colour in colours.items()]
    entries += [("▬ chance", GREY), ("▼ something changed", ORANGE)]
    chart = styled([*layers, *legend(entries)], width=max(400, PER_RUN * len(places)))
    return picture(chart, title=title, description=sentences(words), table=runs)


def _x(n: int) -> alt.X:
    scale = alt.Scale(domain=[-0.5, n - 0.5], nice=False, zero=False)
    return alt.X("x:Q", scale=scale, axis=alt.Axis(labels=False, ticks=False, grid=False, title=None))


def _chance(drawn: pd.DataFrame) -> alt.Chart:
    lines = drawn.dropna(subset=["chance"]).drop_duplicates("chance")
    return alt.Chart(lines[["chance"]]).mark_rule(color=GREY, strokeWidth=1.5).encode(y=y_number("chance"))


def _changes(runs: pd.DataFrame) -> list[alt.Chart]:
    rows = runs[runs["changed"].astype(str) != ""].drop_duplicates("run")[["x"]]
    mark = alt.Chart(rows).mark_point(shape="triangle-down", filled=True, size=60, color=ORANGE, opacity=1)
    return [mark.encode(x=_x(runs["run"].nunique()), y=alt.YValue(2))]


def _names(places: dict[str, float]) -> alt.Chart:
    rows = pd.DataFrame({"x": places.values(), "run": [shorten(visible(str(r), keep=""), 16) for r in places]})
    words = alt.Chart(rows).mark_text(fontSize=10, angle=320, align="right")
    return words.encode(x=_x(len(places)), y=alt.YValue(HEIGHT + 8), text=alt.Text("run:N"))


def _words(row: dict[object, object]) -> str:
    value = ranged(*(known(row[name]) for name in ("value", "low", "high")))
    changed = f", changed: {row['changed']}" if row["changed"] else ""
    return (
        f"{row['run']}, {row['created']}, judge {row['judge']}: {value}, chance {number(known(row['chance']))}{changed}"
    )
