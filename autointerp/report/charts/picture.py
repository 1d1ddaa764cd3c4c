"""A chart as inline SVG with a name, words for those who cannot see it, and the numbers it draws as a table."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import quote, unquote

import altair as alt
import pandas as pd
import vl_convert
from markupsafe import Markup, escape

from autointerp.report.text import visible

Link: TypeAlias = Callable[[str], str]
"""Turns a filter of the shared filter language into the address of a list of exactly these features."""

N_DRAWINGS = 64
"""Drawings kept in memory, some 30 kB each: pages ask for the same ones again."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An inline SVG, its description in words, and the numbers it draws."""

    title: str
    svg: Markup
    description: str
    table: pd.DataFrame


def nothing_to_draw(title: str, why: str, table: pd.DataFrame) -> Picture:
    """Return a frame that says why it is empty: an empty axis would look like a score of 0."""
    text = f"Nothing to draw: {why}."
    svg = (
        f'<svg role="img" aria-label="{escape(visible(title))}" viewBox="0 0 420 60" width="420" height="60">'
        f"<title>{escape(visible(title))}</title><desc>{escape(text)}</desc>"
        '<rect x="1" y="1" width="418" height="58" fill="none" stroke="#767676" stroke-dasharray="4 4"/>'
        f'<text x="210" y="34" text-anchor="middle" font-size="12">{escape(text)}</text></svg>'
    )
    return Picture(title, Markup(svg), text, table)


def picture(chart: alt.LayerChart, *, title: str, description: str, table: pd.DataFrame) -> Picture:
    """Return the chart drawn; its marks carry the links that ``with_links`` gave them."""
    drawn = _draw(json.dumps(chart.to_dict(validate=False)))
    return Picture(title, _accessible(_linked(drawn), title, description), description, table)


@lru_cache(maxsize=N_DRAWINGS)
def _draw(specification: str) -> str:
    svg: str = vl_convert.vegalite_to_svg(specification)
    return svg


def with_links(
    rows: pd.DataFrame, link: Link | None, filters: Iterable[str | None], names: Iterable[str]
) -> pd.DataFrame:
    """Return the rows with the column ``href``, which marks are to encode, if there is a *link*.

    A filter of None, and an address that is empty, make no link. *names* are what a link is called where it is
    read instead of seen.
    """
    if link is None:
        return rows
    addresses = ["" if found is None else link(found) for found in filters]
    places = [_kept(href, name) if href else "" for href, name in zip(addresses, names, strict=True)]
    return rows.assign(href=pd.Series(places, index=rows.index, dtype=object))


def href_of(rows: pd.DataFrame) -> dict[str, str]:
    """Return the encoding of links, if the rows have any."""
    return {"href": alt.Href("href:N")} if "href" in rows else {}


def _kept(href: str, name: str) -> str:
    """Return address and name in one fragment, which no renderer takes apart."""
    return "#" + quote(json.dumps([href, name]), safe="")


def _linked(svg: str) -> str:
    """Return the drawing with the addresses and names that its links carry; the renderer's own prefix is dropped."""
    return re.sub(r'<a xlink:href="[^"#]*#([^"]*)"[^>]*>', _anchor, svg)


def _anchor(found: re.Match[str]) -> str:
    href, name = json.loads(unquote(found.group(1)))
    words = escape(visible(name))
    return f'<a href="{escape(href)}" aria-label="{words}"><title>{words}</title>'


def _accessible(svg: str, title: str, description: str) -> Markup:
    """Return the SVG with a name and a description, without the XML namespaces HTML does not need.

    With links it is a group, and so are its parts: what stands in one image, or in one symbol of it, cannot be
    reached by itself.
    """
    head, body = svg.split(">", 1)
    head = re.sub(r' xmlns(:xlink)?="[^"]*"', "", head)
    name, words = escape(visible(title)), escape(visible(description))
    role = "group" if "<a href=" in body else "img"
    if role == "group":
        body = body.replace('role="graphics-symbol"', 'role="group"')
    return Markup(f'{head} role="{role}" aria-label="{name}"><title>{name}</title><desc>{words}</desc>{body}')


def sentences(parts: Sequence[str]) -> str:
    """Return the words of a picture from one part a mark."""
    return " ".join(f"{part}." for part in parts)
