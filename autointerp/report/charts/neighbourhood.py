"""Neighbourhood map: features of one dictionary in the plane, near where their directions are near."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import altair as alt
import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from autointerp.analysis.figures import count, number
from autointerp.report.charts.looks import BLUE, GREY, legend, styled
from autointerp.report.charts.picture import Picture, href_of, nothing_to_draw, picture, sentences, with_links
from autointerp.report.text import shorten

COLUMNS = ["dictionary", "feature", "x", "y", "value", "label"]

SAYS_NOTHING = "Distances between far groups, the sizes of groups and the axes mean nothing"
CLASSES = ("#b58900", "#8f8430", "#6a7f5c", "#357987", BLUE)
"""Colours of scored features, the lowest first: from ochre to blue, which all kinds of colour vision tell apart."""

SIDE = 512
"""Of the picture. A power of two, and places in whole pixels: a mark's numbers are short, and 2,000 marks are small."""
MARGIN, SMALL, SMALLEST_SCORED = 12, 3, 6
"""Pixels: around the map, the side of a feature without a score, and of the lowest scored one."""

MOST_LINKED = 300
"""Marks that are links; more would be most of the page's bytes, and no keyboard reaches the end of them."""
LONGEST_LABEL = 40


def neighbourhood_map(
    places: pd.DataFrame,
    *,
    title: str,
    measure: str = "",
    chance: float | None = None,
    address: Callable[[int], str] | None = None,
) -> Picture:
    """Return a square a feature: larger and bluer the higher it scores, small and grey without a score.

    Args:
        places: Columns ``COLUMNS``, a row a feature of ONE dictionary; ``value`` is NaN where nothing was scored,
            ``label`` "" or None where there is none.
        title: What is drawn, in words.
        measure: What the value is.
        chance: What a worthless label gets of it, None where that is not fixed.
        address: Of a feature's page, by its number: makes marks with a score links, ``MOST_LINKED`` at most.
    """
    if len(places) == 0 or (np.ptp(places[["x", "y"]].to_numpy(np.float64), axis=0) == 0).all():
        return nothing_to_draw(title, f"{count(len(places))} features at one place are no map", places)
    rows = _squares(places.reset_index(drop=True))
    scored = rows[rows["rank"] >= 0]
    if address is not None:
        scored = _linked(scored, address)
    layers = [*_layers(rows[rows["rank"] < 0]), *_layers(scored), *legend(_entries(scored, chance))]
    words = sentences(_words(rows, measure, chance))
    drawn = picture(styled(layers, width=SIDE, height=SIDE), title=title, description=words, table=places)
    return replace(drawn, svg=_merged(drawn.svg))


def _squares(places: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with ``rank`` (the class of the score, -1 without one) and each square's sides, in pixels."""
    ranks = _ranks(places["value"].to_numpy(np.float64))
    size = np.where(ranks < 0, SMALL, SMALLEST_SCORED + ranks)
    xy = places[["x", "y"]].to_numpy(np.float64)
    # One factor for both: what is near stays as near in all directions.
    factor = (SIDE - 2 * MARGIN) / np.ptp(xy, axis=0).max()
    pixels = np.rint(SIDE / 2 + (xy - (xy.max(axis=0) + xy.min(axis=0)) / 2) * factor) - (size // 2)[:, None]
    left, low = pixels.T
    return places.assign(rank=ranks, left=left, right=left + size, low=low, high=low + size)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the class of each value, 0 to 4 over the range of all, -1 where there is none; the middle if all agree."""
    known = np.isfinite(values)
    if not known.any():
        return np.full(len(values), -1, np.int64)
    low, high = values[known].min(), values[known].max()
    share = (np.where(known, values, low) - low) / (high - low) if high > low else np.full(len(values), 0.5)
    ranks: NDArray[np.int64] = np.minimum((share * len(CLASSES)).astype(np.int64), len(CLASSES) - 1)
    return np.where(known, ranks, -1)


def _linked(scored: pd.DataFrame, address: Callable[[int], str]) -> pd.DataFrame:
    """Return the scored rows with links to the features' pages, none behind the first ``MOST_LINKED``."""
    rows = scored.to_dict("records")
    addresses = [address(int(row["feature"])) if place < MOST_LINKED else None for place, row in enumerate(rows)]
    return with_links(scored, str, addresses, map(_name, rows))


def _name(row: dict[object, object]) -> str:
    label = shorten(str(row["label"]), LONGEST_LABEL) if isinstance(row["label"], str) else ""
    scored = f"{row['dictionary']}#{row['feature']}, {number(float(str(row['value'])))}"
    return f"{scored}: {label}" if label else scored


def _layers(rows: pd.DataFrame) -> Iterator[alt.Chart]:
    """Yield the squares of each class, lower ones first: where marks overlap, the higher one is seen."""
    for rank, mine in rows.groupby("rank", sort=True):
        yield _layer(mine, GREY if int(str(rank)) < 0 else CLASSES[int(str(rank))])


def _layer(rows: pd.DataFrame, colour: str) -> alt.Chart:
    names = ["left", "right", "low", "high", *(["href"] if "href" in rows else [])]
    scale = alt.Scale(domain=[0, SIDE], nice=False, zero=False)
    x, y = alt.X("left:Q", scale=scale, axis=None), alt.Y("low:Q", scale=scale, axis=None)
    ends = {"x2": alt.X2("right:Q"), "y2": alt.Y2("high:Q")}
    return alt.Chart(rows[names]).mark_rect(color=colour).encode(x=x, y=y, **ends, **href_of(rows))


def _entries(scored: pd.DataFrame, chance: float | None) -> list[tuple[str, str]]:
    """Return the legend: what is small and grey, what is large and blue."""
    entries = [("▪ no score", GREY)]
    if len(scored):
        low, high = (number(float(value)) for value in (scored["value"].min(), scored["value"].max()))
        entries += [(f"■ small: lowest, {low}", CLASSES[0]), (f"■ large: highest, {high}", CLASSES[-1])]
        entries += [(f"chance {number(chance)}", GREY)] if chance is not None else []
    return entries


def _words(rows: pd.DataFrame, measure: str, chance: float | None) -> Sequence[str]:
    scored = rows.loc[rows["rank"] >= 0, "value"].astype(float)
    yours = f"{count(len(rows))} features, near where their decoder directions are near"
    if scored.empty:
        return yours, "Not one of them has a score", SAYS_NOTHING
    low, middle, high = (number(float(scored.quantile(q))) for q in (0, 0.5, 1))
    by = f"by {measure}, " if measure else ""
    said = (
        f"{count(len(scored))} of them are scored, {by}from {low} to {high}, median {middle}, chance {number(chance)}"
    )
    return yours, said, "Larger and bluer squares score higher, small grey ones have no score", SAYS_NOTHING


def _merged(svg: Markup) -> Markup:
    """Return the drawing with squares of one colour that are no links as one shape: thousands of elements less."""
    return Markup(re.sub(r'<path d="[^"]*"( fill="#\w+"/>)(?:<path d="[^"]*"\1)+', _as_one, svg))


def _as_one(found: re.Match[str]) -> str:
    places = "".join(re.findall(r' d="([^"]*)"', found[0]))
    return f'<path d="{places}"{found[1]}'
