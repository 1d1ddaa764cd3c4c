"""Cost against decided features: what was asked for each dictionary and scorer, and how many features it decided."""

import altair as alt
import pandas as pd

from autointerp.analysis.figures import count
from autointerp.report.charts.filters import all_of, scored
from autointerp.report.charts.layers import known
from autointerp.report.charts.looks import GREY, legend, series_colours, styled, x_number, y_number
from autointerp.report.charts.picture import Link, Picture, href_of, nothing_to_draw, picture, sentences, with_links
from autointerp.report.terms import term


def cost_against_decided(costs: pd.DataFrame, *, title: str, link: Link | None = None) -> Picture:
    """Return decided features against USD, or against tokens where a price is unknown or nothing was paid.

    The bar to each mark's top is how many could have been decided: the scored ones. A mark at 0 was asked in vain.

    Args:
        costs: As ``analysis.power.cost_per_decided`` returns it; ``name``, where it is there, is what a filter knows
            the score by, "" where none names these features.
        title: What is drawn, in words.
        link: Makes each mark a link to the scored features of its dictionary and scorer, decided or not.
    """
    asked = costs[costs["tokens"] > 0].reset_index(drop=True)
    if asked.empty:
        return nothing_to_draw(title, "no call of a language model is on record", costs)
    is_priced = bool(asked["usd"].notna().all() and asked["usd"].sum() > 0)
    rows = asked.assign(spent=asked["usd"] if is_priced else asked["tokens"])
    filters = [_filter(row) for row in rows.to_dict("records")]
    rows = with_links(rows, link, filters, [_words(r) for r in rows.to_dict("records")])
    colours = series_colours(sorted(rows["scorer"].unique()))
    x = x_number("spent", "USD" if is_priced else "tokens, in and out", zero=True, padding=8)
    layers: list[alt.Chart] = []
    for scorer, colour in colours.items():
        chart = alt.Chart(rows[rows["scorer"] == scorer])
        layers.append(
            chart.mark_rule(color=colour, opacity=0.4).encode(x=x, y=_y("n_decided"), y2=alt.Y2("n_scored:Q"))
        )
        layers.append(
            chart.mark_tick(color=colour, thickness=2, size=12, orient="horizontal").encode(x=x, y=_y("n_scored"))
        )
        dots = chart.mark_point(filled=True, size=80, opacity=1, color=colour)
        layers.append(dots.encode(x=x, y=_y("n_decided"), **href_of(rows)))
    entries = [(f"● {scorer}", colour) for scorer, colour in colours.items()]
    entries += [("─ scored; controls are in the cost", GREY)]
    words = sentences([_words(row) for row in rows.to_dict("records")])
    return picture(
        styled([*layers, *legend(entries)]),
        title=title,
        description=words,
        table=costs.drop(columns="name", errors="ignore"),
    )


def _y(field: str) -> alt.Y:
    return y_number(field, "decided features", zero=True)


def _filter(row: dict[object, object]) -> str | None:
    name = str(row.get("name", row["scorer"]))
    return all_of(term("dictionary", str(row["dictionary"])), scored(name)) if name else None


def _words(row: dict[object, object]) -> str:
    usd = known(row["usd"])
    price = "an unknown price" if usd is None else f"{usd:.4f} USD"
    decided = f"{count(row['n_decided'])} of {count(row['n_scored'])} scored features decided"  # type: ignore[arg-type]
    return f"{row['dictionary']}, {row['scorer']}: {decided} with {count(row['tokens'])} tokens, {price}"  # type: ignore[arg-type]
