"""Score by density: means of features that fire alike often, a line a dictionary: better, or only rarer?"""

import altair as alt
import numpy as np
import pandas as pd

from autointerp.analysis.figures import number, ranged
from autointerp.report.charts.filters import all_of, in_bar
from autointerp.report.charts.layers import known
from autointerp.report.charts.looks import GREY, ORANGE, legend, series_colours, styled, y_number
from autointerp.report.charts.picture import Link, Picture, href_of, nothing_to_draw, picture, sentences, with_links
from autointerp.report.terms import term

COLUMNS = ["dictionary", "low", "high", "n", "mean", "mean_low", "mean_high", "chance", "control"]
ASIDE = 0.06
"""Of a decade, between the marks of two dictionaries in one bin."""


def score_by_density(
    bins: pd.DataFrame, *, title: str, name: str = "", within: str = "", link: Link | None = None
) -> Picture:
    """Return the mean of each bin of density with its interval, chance, and the mean of another feature's label.

    Args:
        bins: As ``analysis.by_density.score_by_density`` returns them, columns ``COLUMNS``; narrow dictionaries first.
        title: What is drawn, in words.
        name: What a filter knows the score by.
        within: Terms that hold of all the features drawn.
        link: Makes each mark a link to the features it is the mean of.
    """
    if bins.empty:
        return nothing_to_draw(title, "no scored feature with a density", bins)
    rows = bins.reset_index(drop=True)
    words = [_words(row) for row in rows.to_dict("records")]
    rows = with_links(rows, link, [_filter(row, name, within) for row in rows.to_dict("records")], words)
    colours = series_colours(list(dict.fromkeys(rows["dictionary"])))
    layers = [_chance(rows)]
    for place, (dictionary, colour) in enumerate(colours.items()):
        factor = 10 ** (ASIDE * (place - (len(colours) - 1) / 2))
        mine = rows[rows["dictionary"] == dictionary]
        mine = mine.assign(at=np.sqrt(mine["low"].astype(float) * mine["high"].astype(float)) * factor)
        chart = alt.Chart(mine)
        beside = alt.Chart(mine.dropna(subset=["control"])).mark_tick(
            color=ORANGE, thickness=2, size=12, orient="horizontal"
        )
        layers.append(beside.encode(x=_x(), y=y_number("control")))
        layers.append(chart.mark_line(color=colour, opacity=0.4, strokeWidth=1).encode(x=_x(), y=y_number("mean")))
        sure = alt.Chart(mine.dropna(subset=["mean_low"])).mark_rule(color=colour, strokeWidth=2)
        layers.append(sure.encode(x=_x(), y=y_number("mean_low"), y2=alt.Y2("mean_high:Q")))
        dots = chart.mark_point(filled=True, size=60, opacity=1, color=colour)
        layers.append(dots.encode(x=_x(), y=y_number("mean"), **href_of(mine)))
    shared = len({d.rpartition("/")[0] for d in colours}) == 1
    entries = [(f"● {d.rpartition('/')[2] if shared else d}", colour) for d, colour in colours.items()]
    entries += [("▬ chance", GREY), ("─ shuffled", ORANGE)]
    return picture(styled([*layers, *legend(entries)]), title=title, description=sentences(words), table=bins)


def _x() -> alt.X:
    axis = alt.Axis(title="firing density (per token)", format=".0e", tickCount=6)
    return alt.X("at:Q", scale=alt.Scale(type="log", nice=False, padding=14), axis=axis)


def _chance(rows: pd.DataFrame) -> alt.Chart:
    lines = rows.dropna(subset=["chance"]).drop_duplicates("chance")
    return alt.Chart(lines[["chance"]]).mark_rule(color=GREY, strokeWidth=1.5).encode(y=y_number("chance"))


def _filter(row: dict[object, object], name: str, within: str) -> str:
    density = in_bar("density", float(str(row["low"])), float(str(row["high"])))
    return all_of(term("dictionary", str(row["dictionary"])), within, density, f"{name}>=-1.0" if name else "")


def _words(row: dict[object, object]) -> str:
    mean = ranged(*(known(row[name]) for name in ("mean", "mean_low", "mean_high")))
    beside = f"shuffled {number(known(row['control']))}, chance {number(known(row['chance']))}"
    return f"{row['dictionary']}, density {row['low']:.1e} to {row['high']:.1e}: {mean}, n = {row['n']}, {beside}"
