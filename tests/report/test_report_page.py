"""The page: order, honesty on degenerate runs, and hostile text that stays text."""

import csv
import io
import re
from html.parser import HTMLParser

import pytest
from report_builders import HOSTILE, Builder

from autointerp.analysis.values import NO_LABEL, feature_values
from autointerp.core.types import FeatureId
from autointerp.report.cards import build_cards
from autointerp.report.choice import choose_features
from autointerp.report.csv_text import csv_text
from autointerp.report.page import build_page
from autointerp.report.render import html_page, markdown_page, scores_table
from autointerp.report.tables import RunTables, values_of

DEGENERATE = {
    "no dictionary": {"widths": ()},
    "one feature": {"widths": (512,), "n_scored": 1},
    "no feature scored": {"widths": (512,), "scored": False},
    "nothing drawn": {"widths": (512,), "n_scored": 0},
    "all equal": {"widths": (512,), "value": 0.5, "n_scored": 3},
    "no label": {"widths": (512,), "explainers": (), "n_scored": 2},
}
VOID = {"meta", "br", "rect", "path", "line"}


class Elements(HTMLParser):
    """Collects tags with attributes, the text, and tags that were never closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        self.open += [] if tag in VOID else [tag]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def hostile_run(build: Builder) -> RunTables:
    return build(hostile=True, widths=(512,), n_scored=3)


@pytest.fixture(scope="module")
def hostile_html(hostile_run: RunTables) -> str:
    return html_page(build_page(hostile_run))


@pytest.mark.parametrize("settings", DEGENERATE.values(), ids=DEGENERATE.keys())
def test_degenerate_runs_give_whole_pages(build: Builder, settings: dict[str, object]) -> None:
    """Whatever is missing, both texts are written, every element is closed and no NaN or None is printed."""
    page = build_page(build(**settings))
    elements = Elements(html_page(page))
    assert elements.open == []
    for text in (elements.text, markdown_page(page)):
        assert not re.search(r"\b(nan|NaN|None)\b", text)


def test_an_empty_manifest_is_enough(build: Builder) -> None:
    """All manifest entries are optional."""
    run = build(widths=(512,), n_scored=2)
    assert "unnamed run" in html_page(build_page(RunTables(run.tables, {})))


def test_nothing_is_executed_or_fetched(hostile_html: str) -> None:
    """No script, no event handler, no address: the page is one file under a policy that forbids the rest."""
    elements = Elements(hostile_html)
    assert not {tag for tag, _ in elements.seen} & {"script", "img", "link", "iframe", "object", "embed", "base"}
    for _, attributes in elements.seen:
        assert not [name for name in attributes if name.startswith("on") or name in {"src", "xlink:href"}]
        assert re.match(r"#|(report\.md|scores\.csv)$", attributes.get("href") or "#")
    policies = [a["content"] for t, a in elements.seen if t == "meta" and a.get("http-equiv")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
    assert not re.search(r"url\(|@import", hostile_html)


def test_hostile_text_is_shown_as_text(hostile_html: str) -> None:
    """Tags come out as characters; bidi and control characters come out as visible escapes."""
    assert "<script" not in hostile_html
    assert "<img" not in hostile_html
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", hostile_html)
    text = Elements(hostile_html).text
    assert "<script>alert(1)</script>" in text
    assert "\\u202eevil\\u0000\\u001b" in text
    assert "{{7*7}}" in text


def test_hostile_text_in_markdown_is_inert(hostile_run: RunTables) -> None:
    """No raw tag, no link and no table column is made by a label."""
    text = markdown_page(build_page(hostile_run))
    assert not re.search(r"(?<!\\)<(script|img)", text)
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "\u202e" not in text
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert tables
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1


def test_spreadsheets_read_no_formula(build: Builder) -> None:
    """A label that begins like a formula is guarded; negative numbers stay numbers."""
    run = build(widths=(512,), n_scored=1, value=-0.25)
    run["explanations"]["text"] = "=HYPERLINK(1)"
    text = csv_text(scores_table(run))
    assert "'=HYPERLINK(1)" in text
    assert ",-0.25," in text
    assert not re.search(r"(^|,)\"?=", text)


def test_verdict_and_coverage_stand_before_scores(build: Builder) -> None:
    """What limits the reader comes first: verdict, coverage, then scores; random features come before chosen ones."""
    html = html_page(build_page(build(widths=(512,), n_scored=3)))
    order = [
        "verdict",
        "coverage",
        "scores",
        "quality",
        "trust",
        "cost",
        "random",
        "extreme",
        "failures",
        "reproduce",
        "glossary",
    ]
    places = [html.index(f'<section id="{name}"') for name in order]
    assert places == sorted(places)


def test_random_features_do_not_depend_on_scores(build: Builder) -> None:
    """The draw is the same whatever was scored, and includes features without a score."""
    good, bad = (build(widths=(512,), seed=seed, n_scored=20) for seed in (0, 1))
    order = ["toy-l12/512"]
    chosen = [choose_features(r["features"], values_of(r), writer="examples", order=order) for r in (good, bad)]
    assert chosen[0].random == chosen[1].random
    assert chosen[0].best != chosen[1].best
    assert not set(chosen[0].best) & set(chosen[0].worst)


def test_predictions_stand_on_the_tokens_they_are_about(build: Builder) -> None:
    """A simulation window covers two tiles; its predictions have as many tokens, a document name may hold colons."""
    run = build(widths=(512,), n_scored=1)
    (card,) = build_cards(run, [FeatureId("toy-l12/512", 0)])
    assert len(card.windows) == 6
    for window in card.windows:
        assert "".join(r.text for r in window.truth) == "".join(r.text for r in window.predicted)
        assert "□" not in "".join(r.text for r in window.truth)
        assert "truth: " in window.detection


def test_every_hostile_label_is_on_the_page(hostile_run: RunTables, hostile_html: str) -> None:
    """Neutralising does not mean hiding: the label can still be read."""
    assert HOSTILE in set(hostile_run["explanations"]["text"])
    assert Elements(hostile_html).text.count("<img src=x onerror=alert(2)>") >= 3


def test_explainers_stand_apart(build: Builder) -> None:
    """With two explainers each table, picture and the verdict name the source, and their difference is given."""
    page = build_page(build(widths=(512, 1024), n_scored=6))
    html = html_page(page)
    for measure in page.measures:
        assert {row[1] for row in measure.grid.rows} == {"examples", "lexical"}
        assert [row[0] for row in measure.versus.rows] == ["toy-l12/512", "toy-l12/1024", "all together"]
        assert all(re.search("labels by (examples|lexical)", picture.title) for picture, _ in measure.pictures)
        axes = [re.findall(r'text-anchor="end"[^>]*>([^<]+)</text>', picture.svg) for picture, _ in measure.pictures]
        assert len(axes[0]) >= 3
        assert all(axis == axes[0] for axis in axes)
    assert "Detection, AUROC: labels by examples minus labels by lexical on the 12 features" in html
    assert "of labels by examples. Chosen for being extreme" in html
    alone = build_page(build(widths=(512,), n_scored=2, explainers=("examples",)))
    assert all(measure.versus.rows == () for measure in alone.measures)
    assert "minus labels by" not in html_page(alone)


def test_a_number_without_its_label_is_no_explainers(build: Builder) -> None:
    """It is not given to who wrote nothing: only what has no number may be a label that could not be written."""
    run = build(widths=(512,), n_scored=6, explainers=("examples",))
    scores = run["scores"][run["scores"]["control"] == "none"]
    found = feature_values(scores, run["explanations"].iloc[:0], explainers=("examples", "never"))
    scored = found[found["value"].notna()]
    assert len(scored) == scores["value"].notna().sum()
    assert set(scored["explainer"]) == {NO_LABEL}


def test_a_failed_label_is_by_nobody_unknown(build: Builder) -> None:
    """An explainer that failed on a feature is named in the tables; no label is "by unknown"."""
    run = build(widths=(512,), n_scored=3)
    lost = run["explanations"]["explainer"].eq("lexical") & run["explanations"]["feature"].eq(1)
    keys = set(run["explanations"].loc[lost, "explanation"])
    scores = run["scores"]
    failed = scores["explanation"].isin(keys)
    scores.loc[failed, ["value", "explanation", "status"]] = [None, "", "explain_failed"]
    tables = {**run.tables, "scores": scores, "explanations": run["explanations"][~lost]}
    page = build_page(RunTables(tables, run.manifest))
    text = Elements(html_page(page)).text
    assert "unknown" not in text
    rows = {row[1]: row for row in page.measures[0].grid.rows}
    assert (rows["examples"][5], rows["lexical"][5]) == ("3/4", "2/4")
    (unscored,) = {row[-1] for row in page.metrics.rows if row[1] == "lexical"}
    assert unscored == "explain failed 2"


@pytest.mark.parametrize("certified", [True, False])
def test_no_number_leaves_without_its_standing(build: Builder, certified: bool) -> None:
    """In the CSV each judged score says whether its judge is certified for it, and of whose family the judge is."""
    run = build(widths=(512,), certified=certified)
    rows = list(csv.DictReader(io.StringIO(csv_text(scores_table(run)))))
    examined = {"auroc", "correlation"}
    for row in rows:
        if row["control"] == "lookup":
            assert row["standing"] == ""
        elif row["metric"] in examined:
            assert row["standing"] == ("certified" if certified else "uncertified (failed)")
        else:
            assert row["standing"] == "uncertified (never examined)"
        assert row["family"] == ("" if row["control"] != "none" else "other")  # local:writer, local:judge
