"""Views as HTML, JSON and CSV; every text passes through one function that shows what hides in it."""

import csv
import json
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import blake2b
from importlib import resources
from io import StringIO
from typing import Any

import jinja2
from markupsafe import Markup

from autointerp.analysis.diagnosis import tag_text
from autointerp.analysis.estimates import FEW_FEATURES
from autointerp.analysis.figures import count, number, ranged
from autointerp.dashboard import links
from autointerp.dashboard.views import Sheet, View
from autointerp.report.text import csv_cell, shorten, visible, visible_token
from autointerp.report.windows import SHADES

LONGEST = 4_000
"""Characters of any one text on a page; labels and replies may be of any length."""

CSV_AT_ONCE = 500
"""Rows written before they are sent."""


@cache
def environment() -> jinja2.Environment:
    """Return the templates' environment."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("autointerp.dashboard", "templates"),
        autoescape=True,
        finalize=_shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": number,
        "count": count,
        "density": density,
        "shorten": shorten,
        "words": words,
        "token": visible_token,
    }
    made.globals |= {
        "links": links,
        "few": FEW_FEATURES,
        "ranged": ranged,
        "static": static_address,
        "tag_text": lambda tag: tag_text([tag]),
    }
    return made


def _shown(value: Any) -> Any:
    """Return text with hidden characters shown and its length capped; autoescaping follows. Markup passes."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value if len(value) <= LONGEST else value[:LONGEST] + "…")
    return "none" if value is None else value


def density(value: float | None) -> str:
    """Return a density: ``2.5e-03``."""
    return "none" if value is None else f"{value:.1e}"


def words(value: object) -> str:
    """Return a name as words: ``too_few_examples`` as ``too few examples``."""
    return str(value).replace("_", " ")


@cache
def static_file(name: str) -> bytes:
    """Return a file of ours; the style sheet has its shades of activations written in."""
    if name == "style.css":
        return environment().get_template("style.css.jinja").render(shades=SHADES).encode()
    return (resources.files("autointerp.dashboard") / "static" / name).read_bytes()


def static_address(name: str) -> str:
    """Return a file's address, which changes with its content."""
    return f"/static/{name}?v={blake2b(static_file(name), digest_size=6).hexdigest()}"


def html(view: View, *, snapshot: str, address: str) -> str:
    """Return the page; *address* is its own, as asked for."""
    template = environment().get_template(view.template)
    about = {"title": view.title, "trail": view.trail, "error": view.error, "snapshot": snapshot, "address": address}
    return template.render(**about, **{**view.data, **view.extra})


def as_json(view: View, *, snapshot: str) -> str:
    """Return the page's numbers; text as it is, since JSON carries it safely. NaN becomes null."""
    return json.dumps(
        _finite({"snapshot": snapshot, **view.as_dict()}), ensure_ascii=False, allow_nan=False, default=str
    )


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and value != value else value


def csv_pieces(sheet: Sheet) -> Iterator[str]:
    """Yield CSV some rows at a time; text no spreadsheet reads as a formula, empty cells where there is no number."""
    yield _lines([sheet.head])
    rows: list[list[object]] = []
    for row in sheet.rows:
        rows.append([_guarded(cell) for cell in row])
        if len(rows) == CSV_AT_ONCE:
            yield _lines(rows)
            rows = []
    yield _lines(rows)


def _guarded(cell: object) -> object:
    if isinstance(cell, str):
        return csv_cell(cell)
    return "" if cell is None or cell != cell else cell


def _lines(rows: Iterable[Iterable[object]]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
