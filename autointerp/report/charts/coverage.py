"""Coverage waterfall: from all features of a dictionary down to the scored ones, and where the others stayed."""

from collections.abc import Collection

import altair as alt
import pandas as pd

from autointerp.analysis.figures import count
from autointerp.report.charts.filters import all_of
from autointerp.report.charts.looks import BLUE, GREY, ORANGE, ROW, WIDTH, legend, styled, x_number, y_names
from autointerp.report.charts.picture import Link, Picture, href_of, nothing_to_draw, picture, sentences, with_links
from autointerp.report.terms import term

SUMS = ("n_features", "n_eligible", "n_drawn")
"""Columns of the coverage table that are sums of others, and no step."""

STEPS = ["dictionary", "step", "from", "to", "n", "status"]


def coverage_waterfall(
    counts: pd.DataFrame, *, title: str, unnamed: Collection[str] = (), link: Link | None = None
) -> Picture:
    """Return for each dictionary all its features, what became of those without a score, and the scored ones.

    Lengths are shares of the dictionary; the number stands beside each bar, so that a few scored features of
    a wide dictionary can be read, too.

    Args:
        counts: As ``analysis.coverage.coverage`` returns it.
        title: What is drawn, in words.
        unnamed: Statuses by which no filter finds exactly the features they count; their bars are no links.
        link: Makes each bar a link to the features it counts, which the status names.
    """
    steps = waterfall(counts)
    if steps.empty:
        return nothing_to_draw(title, "no dictionary and no feature is on record", counts)
    steps = steps.assign(name=steps["dictionary"] + " · " + steps["step"], words=[count(n) for n in steps["n"]])
    steps["colour"] = steps["status"].map({"": GREY, "scored": BLUE}).fillna(ORANGE)
    partly = set(steps.loc[steps["status"] == "unlisted", "dictionary"])
    filters = [None if row["status"] in unnamed else _filter(row, partly) for row in steps.to_dict("records")]
    steps = with_links(steps, link, filters, steps["name"] + ": " + steps["words"] + " features")
    y = y_names("name", list(steps["name"]))
    colour = alt.Color("colour:N", scale=None)
    x = x_number("from", "share of the dictionary's features", domain=[0, 1])
    bars = alt.Chart(steps).mark_bar(height=ROW * 0.6, minBandSize=2).encode(
        x=x, x2=alt.X2("to:Q"), y=y, color=colour, **href_of(steps)
    )  # fmt: skip
    words = alt.Chart(steps).mark_text(align="left", fontSize=11).encode(
        x=alt.XValue(WIDTH + 6), y=y, text=alt.Text("words:N"), **href_of(steps)
    )  # fmt: skip
    entries = [("■ all", GREY), ("■ without a score", ORANGE), ("■ scored", BLUE)]
    chart = styled([bars, words, *legend(entries)], height=max(2, len(steps)) * ROW, names=list(steps["name"]))
    return picture(chart, title=title, description=_describe(steps), table=counts)


def waterfall(counts: pd.DataFrame) -> pd.DataFrame:
    """Return the steps, columns ``STEPS``: shares of the dictionary between which a bar stands; steps of 0 are out."""
    rows = [step for row in counts.to_dict("records") for step in _steps({str(k): v for k, v in row.items()})]
    return pd.DataFrame(rows, columns=STEPS)


def _steps(row: dict[str, object]) -> list[tuple[object, ...]]:
    name, width = str(row["dictionary"]), int(str(row["width"]))
    lost = [k for k in row if k not in {"dictionary", "width", "scored", *SUMS} and int(str(row[k]))]
    whole, left = max(width, 1), width
    steps: list[tuple[object, ...]] = [(name, "all", 0.0, width / whole, width, "")]
    for status in lost:
        n = int(str(row[status]))
        steps.append((name, _step(status), (left - n) / whole, left / whole, n, status))
        left -= n
    scored = int(str(row["scored"]))
    return [*steps, (name, "scored", 0.0, scored / whole, scored, "scored")]


def _step(status: str) -> str:
    return "not on record" if status == "unlisted" else status.replace("_", " ")


def _filter(row: dict[object, object], partly: Collection[object]) -> str | None:
    """Return what names the features of a step; nobody can list those that are not on record, nor all with them."""
    status, dictionary = str(row["status"]), str(row["dictionary"])
    if status == "unlisted" or (not status and dictionary in partly):
        return None
    return all_of(term("dictionary", dictionary), term("status", status) if status else "")


def _describe(steps: pd.DataFrame) -> str:
    groups = steps.groupby("dictionary", sort=False)
    return sentences([f"{name}: {', '.join(g['step'] + ' ' + g['words'])}" for name, g in groups])
