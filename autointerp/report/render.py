"""A page as HTML, Markdown and CSV; every expression of a template passes through one escaping function."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup, escape
from numpy.typing import NDArray

from autointerp.analysis.certificates import Certificate, ScoreName, read_certificates, standing
from autointerp.analysis.diagnosis import tag_text
from autointerp.analysis.names import said_of_names
from autointerp.analysis.swapping import SwapTest
from autointerp.llm.registry import family
from autointerp.report.diagnoses import NO_TAGS, Tags
from autointerp.report.page import Page
from autointerp.report.sections import sections_of
from autointerp.report.tables import RunTables
from autointerp.report.text import markdown, visible
from autointerp.report.windows import SHADES

CSV_COLUMNS = (
    "dictionary", "feature", "explainer", "label", "scorer", "variant", "judge", "control", "draw", "metric", "value",
    "low", "high", "chance", "n_asked", "n_read", "status", "reason", "diagnosis", "explanation",
    "p_above_swapped", "labelled", "standing", "family",
)  # fmt: skip

Objects = NDArray[np.object_]

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


def scores_table(
    run: RunTables, tags: Tags = NO_TAGS, tests: Sequence[SwapTest] = (), *, with_text: bool = True
) -> pd.DataFrame:
    """Return one row a score, with label, explainer and diagnosis; empty cells where there is no number.

    ``standing`` says whether the judge is certified for this very measure, ``family`` whether it is of
    the family of the label's writer. ``p_above_swapped`` and ``labelled`` are of the label by this
    scorer, variant and judge, whatever the metric. Without *with_text* there is no ``reason``, which may quote a
    reply; the status stands.
    """
    # A label has many scores: what is known of it is made once and spread over them by its place.
    scores, (place, keys) = run["scores"], pd.factorize(run["scores"]["explanation"])
    written = run["explanations"].drop_duplicates("explanation")[["explanation", "explainer", "text", "model"]]
    labels = pd.DataFrame({"explanation": keys}).merge(written, on="explanation", how="left").astype("str").fillna("")
    words = {given: tag_text(given) for given in {(), *tags.values()}}
    diagnosis = pd.Series([words[tags.get(str(key), ())] for key in keys.tolist()], dtype="str")
    p, labelled = _tests(scores, tests)
    rows = scores.assign(
        explainer=_spread(labels["explainer"], place),
        label=_spread(labels["text"], place),
        diagnosis=_spread(diagnosis, place),
        p_above_swapped=p,
        labelled=labelled,
        standing=_standings(scores, read_certificates(run["certificates"])),
        family=_families(_writers(labels)[place], scores["judge"]),
    )[list(CSV_COLUMNS)]
    return rows if with_text else rows.assign(reason="")


def _spread(known: pd.Series, place: NDArray[np.intp]) -> pd.Categorical:
    """Return the texts at these places; as categories, millions take little room and each is looked at once."""
    code, different = pd.factorize(known)
    return pd.Categorical.from_codes(code[place], different)


def _standings(scores: pd.DataFrame, certificates: Sequence[Certificate]) -> Objects:
    """Return each score's standing; empty for the token look-up, which no judge gave."""

    def said(scorer: str, variant: str, metric: str, judge: str) -> str:
        return "" if judge == "lookup" else standing(ScoreName(scorer, variant, metric, judge), certificates)

    return said_of_names(said, scores, ["scorer", "variant", "metric", "judge"])


def _writers(labels: pd.DataFrame) -> Objects:
    """Return the model family of each label's writer, empty where no language model wrote it."""
    model, explainer = labels["model"].astype(str), labels["explainer"].astype(str)
    has_writer = ~model.isin(["", "none", "nan"]) & (model != explainer) & ~explainer.str.startswith("control:")
    return np.where(has_writer, _each(family, model), "")


def _families(writers: Objects, judges: pd.Series) -> Objects:
    """Return ``same`` or ``other`` for each score, empty where a label has no language model behind it."""
    is_same = writers == _each(family, judges)
    return np.where(writers == "", "", np.where(is_same, "same", "other")).astype(object)


def _tests(scores: pd.DataFrame, tests: Sequence[SwapTest]) -> tuple[pd.Series, pd.Series]:
    """Return p and answer of the test of each score's label, empty where there is none, and for every control."""
    key = ["explanation", "scorer", "variant", "judge"]
    known = pd.DataFrame(
        [(t.explanation, t.scorer, t.variant, t.judge, t.p, t.answer) for t in tests], columns=[*key, "p", "answer"]
    )
    tested = scores.loc[(scores["control"] == "none") & scores["explanation"].isin(known["explanation"]), key]
    found = tested.merge(known.drop_duplicates(key, keep="last"), on=key, how="left").set_axis(tested.index)
    return found["p"].astype(float).reindex(scores.index), found["answer"].reindex(scores.index).fillna("")


def _each(of: Callable[[str], str], texts: pd.Series) -> Objects:
    """Return what *of* makes of each text, called once for each different one; None where there is none."""
    place, known = pd.factorize(texts)
    # The place of what is missing is -1: the last.
    return np.array([*map(of, map(str, known.tolist())), None], dtype=object)[place]


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
