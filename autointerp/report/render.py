"""A page as HTML, Markdown and CSV; every expression of a template passes through one escaping function."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup, escape

from autointerp.analysis.certificates import Certificate, ScoreName, read_certificates, standing
from autointerp.analysis.diagnosis import tag_text
from autointerp.analysis.swapping import SwapTest
from autointerp.llm.registry import family
from autointerp.report.diagnoses import NO_TAGS, Tags
from autointerp.report.page import Page
from autointerp.report.sections import sections_of
from autointerp.report.tables import RunTables
from autointerp.report.text import csv_cell, markdown, visible
from autointerp.report.windows import SHADES

CSV_COLUMNS = (
    "dictionary", "feature", "explainer", "label", "scorer", "variant", "judge", "control", "draw", "metric", "value",
    "low", "high", "chance", "n_asked", "n_read", "status", "reason", "diagnosis", "explanation",
    "p_above_swapped", "labelled", "standing", "family",
)  # fmt: skip


BESIDE = (("report.md", ""), ("scores.csv", " with one row a score"))


def html_page(page: Page, *, beside: Sequence[tuple[str, str]] = BESIDE) -> str:
    """Return one self-contained file: no script, no network, inline SVG and style.

    *beside*: files of the same folder the page may point to, each with what a reader has to know of it.
    """
    template = _environment(is_html=True).get_template("report.html.jinja")
    return template.render(page=page, sections=sections_of(page), shades=SHADES, beside=beside)


def markdown_page(page: Page) -> str:
    """Return the same report without windows and pictures, for reviews and terminals."""
    template = _environment(is_html=False).get_template("report.md.jinja")
    return template.render(page=page, sections=sections_of(page))


def scores_csv(run: RunTables, tags: Tags = NO_TAGS, tests: Sequence[SwapTest] = (), *, with_text: bool = True) -> str:
    """Return one row a score, with label, explainer and diagnosis; empty cells where there is no number.

    ``standing`` says whether the judge is certified for this very measure, ``family`` whether it is of
    the family of the label's writer. ``p_above_swapped`` and ``labelled`` are of the label by this
    scorer, variant and judge, whatever the metric.
    Text cells are guarded against spreadsheets that read them as formulas. Without *with_text* there is no
    ``reason``, which may quote a reply; the status stands.
    """
    scores, explanations = run["scores"], run["explanations"].drop_duplicates("explanation").set_index("explanation")
    found = _tests(scores, tests)
    rows = scores.assign(
        explainer=scores["explanation"].map(explanations["explainer"]).astype(object).fillna(""),
        label=scores["explanation"].map(explanations["text"]).astype(object).fillna(""),
        diagnosis=[tag_text(tags.get(str(key), ())) for key in scores["explanation"]],
        p_above_swapped=pd.Series([test.p if test else None for test in found], index=scores.index, dtype=float),
        labelled=["" if test is None else test.answer for test in found],
        standing=_standings(scores, read_certificates(run["certificates"])),
        family=_families(scores, explanations),
    )[list(CSV_COLUMNS)]
    rows = rows if with_text else rows.assign(reason="")
    guarded = rows.assign(**{name: rows[name].map(_guarded) for name in CSV_COLUMNS})
    text: str = guarded.to_csv(index=False, lineterminator="\n")
    return text


def _standings(scores: pd.DataFrame, certificates: Sequence[Certificate]) -> list[str]:
    """Return each score's standing; empty for the token look-up, which no judge gave."""
    names = [ScoreName.of(row) for row in scores[["scorer", "variant", "metric", "judge"]].to_dict("records")]
    known = {name: "" if name.judge == "lookup" else standing(name, certificates) for name in dict.fromkeys(names)}
    return [known[name] for name in names]


def _families(scores: pd.DataFrame, explanations: pd.DataFrame) -> list[str]:
    """Return ``same`` or ``other`` for each score, empty where a label has no language model behind it."""
    writers = dict(
        zip(explanations.index, zip(explanations["model"], explanations["explainer"], strict=True), strict=True)
    )
    found = []
    for key, judge in zip(scores["explanation"], scores["judge"], strict=True):
        model, explainer = map(str, writers.get(key, ("", "")))
        has_writer = model not in ("", "none", "nan", explainer) and not explainer.startswith("control:")
        found.append(("same" if family(model) == family(str(judge)) else "other") if has_writer else "")
    return found


def _tests(scores: pd.DataFrame, tests: Sequence[SwapTest]) -> list[SwapTest | None]:
    """Return the test of each score's label, None where there is none, and for every control."""
    known = {(t.explanation, t.scorer, t.variant, t.judge): t for t in tests}
    columns = (scores[name] for name in ("explanation", "scorer", "variant", "judge", "control"))
    rows = zip(*columns, strict=True)
    return [known.get(row[:-1]) if row[-1] == "none" else None for row in rows]


def _guarded(cell: Any) -> Any:
    return csv_cell(cell) if isinstance(cell, str) else None if pd.isna(cell) else cell


@cache
def _environment(*, is_html: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("autointerp.report", "templates"),
        autoescape=True,
        finalize=_visible_value if is_html else _markdown_value,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["fenced"] = _fenced
    return environment


def _fenced(text: str) -> Markup:
    """Return text for Markdown as it stands, line by line; nothing in it can end the block or be a tag."""
    inert = escape(visible(text)).replace("]", Markup("&#93;"))
    return Markup("<pre>\n{}\n</pre>").format(inert)


def _visible_value(value: Any) -> Any:
    """Return text with hidden characters shown; autoescaping follows. Markup (macros, our SVG) passes."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _markdown_value(value: Any) -> Any:
    """Return text escaped for Markdown, marked as done: autoescaping would turn its quotes into HTML entities."""
    return Markup(markdown(value)) if isinstance(value, str) and not isinstance(value, Markup) else value
