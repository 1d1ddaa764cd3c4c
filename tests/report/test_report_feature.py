"""One feature for the terminal: its verdict follows from certificate and controls, and it agrees with card and CSV."""

import csv
import io
import json
import re
from dataclasses import replace

import pandas as pd
import pytest
from report_builders import HOSTILE, JUDGE, Builder

from autointerp.analysis.diagnosis import Tag
from autointerp.core.types import FeatureId
from autointerp.report.cards import build_cards
from autointerp.report.csv_text import csv_text
from autointerp.report.diagnoses import tagged_labels, tags_by_label
from autointerp.report.feature import build_feature, marked
from autointerp.report.known import Against, Labelled, Measured
from autointerp.report.page import build_page
from autointerp.report.reliance import verdict_on
from autointerp.report.render import html_page, markdown_page, scores_table
from autointerp.report.tables import RunTables, named
from autointerp.report.terminal import page_text

FEATURE = FeatureId("toy-l12/512", 0)
GOOD = Measured(
    measure="detection, AUROC", value=0.9, low=0.8, high=0.97, n_read=20, n_asked=20, chance=0.5,
    controls=(Against("shuffled", 0.52, 0.38),), standing="certified", judge="j", judge_family="qwen",
    is_same_family=False, p=0.01, status="scored", reason="", is_main=True,
)  # fmt: skip


def tagged_run(build: Builder, **settings: object) -> RunTables:
    """A run whose every label is a duplicate, as the builder writes one text, and whose first feature is dense."""
    run = build(widths=(512,), n_scored=3, **settings)
    features = run["features"]
    is_first = features["feature"] == FEATURE.index
    return RunTables({**run.tables, "features": features.assign(density=features["density"].mask(is_first, 0.5))},
                     run.manifest)  # fmt: skip


def labelled(*scores: Measured, tags: tuple[str, ...] = ()) -> Labelled:
    return Labelled("cats", "examples", "local:m", tags, tags, scores, (), 20)


def test_card_table_and_terminal_agree(build: Builder) -> None:
    """The same tags in the card, in the CSV and in ``features show``, and the same value beside its counts."""
    run = tagged_run(build)
    tags = tags_by_label(tagged_labels(run))
    (card,) = build_cards(run, [FEATURE], tags=tags)
    page = build_feature(run, FEATURE)
    rows = [r for r in csv.DictReader(io.StringIO(csv_text(scores_table(run, tags)))) if r["feature"] == "0"]
    assert [label.tags for label in page.labels] == [("dense", "duplicate label")] * 2
    assert {label.diagnosis for label in card.labels} == {"dense, duplicate label"}
    assert {r["diagnosis"] for r in rows if r["control"] == "none"} == {"dense, duplicate label"}
    assert {r["diagnosis"] for r in rows if r["control"] != "none"} == {""}
    shown = [(m.measure, m.standing, f"{m.n_read}/{m.n_asked}", m.value) for lab in page.labels for m in lab.scores]
    assert [(s.measure, s.standing, s.read) for s in card.scores] == [one[:3] for one in shown]
    assert {round(float(r["value"]), 9) for r in rows} >= {round(one[3] or 0.0, 9) for one in shown}


def test_tags_and_csv_are_the_same_of_names_as_categories(build: Builder) -> None:
    """However a run's tables hold their names, labels have the same tags and the CSV the same bytes."""
    run = tagged_run(build)
    tags = tags_by_label(tagged_labels(run))
    assert tags
    assert tags_by_label(tagged_labels(named(run))) == tags
    assert csv_text(scores_table(named(run), tags)) == csv_text(scores_table(run, tags))


def test_the_page_counts_and_explains_each_tag_once(build: Builder) -> None:
    """A row a dictionary and explainer, n/N labels; a meaning a tag; nothing of all this where nothing is tagged."""
    page = build_page(tagged_run(build))
    assert page.diagnosis.head == ("dictionary", "labels by", "dense", "duplicate label", "any")
    assert page.diagnosis.rows == (
        ("toy-l12/512", "examples", "1/3", "3/3", "3/3"),
        ("toy-l12/512", "lexical", "1/3", "3/3", "3/3"),
    )
    for text in (html_page(page), markdown_page(page)):
        assert text.count("another feature of the dictionary has the same label") == 1
    run = build(widths=(512,), n_scored=1)
    bare = build_page(RunTables({**run.tables, "predictions": run["predictions"].iloc[:0]}, run.manifest))
    assert bare.diagnosis.rows == ()
    assert 'id="matter"' not in html_page(bare)
    assert "## What is the matter" not in markdown_page(bare)


def test_a_label_is_relied_on_only_when_certified_and_above_others() -> None:
    """Both have to hold, and the interval has to lie above chance; tags and one model family are said beside it."""
    assert verdict_on([labelled(GOOD)], "scored").startswith('Can be relied on: "cats" (examples) has detection')
    for change in (
        {"standing": "uncertified (failed)"}, {"p": 0.2}, {"p": None}, {"low": 0.45},
        {"labelled": "no", "n_tested": 12}, {"labelled": "undecidable", "judged": "3 windows"},
        {"controls": (Against("shuffled", 0.95, -0.05),)},
    ):  # fmt: skip
        assert verdict_on([labelled(replace(GOOD, **change))], "scored").startswith("Do not rely on it")
    limited = verdict_on([labelled(replace(GOOD, is_same_family=True), tags=("too broad",))], "scored")
    assert "too broad" in limited
    assert "one model family" in limited


def test_what_has_no_number_has_a_reason() -> None:
    """No label, or labels without a score: the verdict says why, and claims nothing."""
    assert "no label (explain failed)" in verdict_on([], "explain failed")
    lost = replace(GOOD, value=None, low=None, high=None, status="judge refused", reason="said no")
    assert "unscored: judge refused (said no)" in verdict_on([labelled(lost)], "scored")


def test_mistakes_are_the_wrong_answers_the_surest_first(build: Builder) -> None:
    """Exactly the items answered on the wrong side of one half, with what was said and the truth."""
    run = build(widths=(512,), n_scored=1)
    said = run["predictions"]
    mine = said[(said["scorer"] == "detection") & said["guess"].notna()]
    wrong = mine[(mine["guess"] >= 0.5) != (mine["truth"] > 0)]
    (label, _) = build_feature(run, FEATURE).labels
    assert label.n_verdicts == len(mine)
    assert {m.item: m.p_yes for m in label.mistakes} == dict(zip(wrong["item"], wrong["guess"], strict=True))
    sure = [abs(m.p_yes - 0.5) for m in label.mistakes]
    assert sure == sorted(sure, reverse=True)
    assert all((m.truth == "fires") == (m.p_yes < 0.5) for m in label.mistakes)


@pytest.mark.parametrize("without", [(), ("predictions",), ("predictions", "evidence"), ("certificates", "scores")])
def test_whatever_is_missing_the_page_is_whole(build: Builder, without: tuple[str, ...]) -> None:
    """Verdict first, JSON without NaN, text without None."""
    run = build(widths=(512,), n_scored=2)
    empty: dict[str, pd.DataFrame] = {name: run[name].iloc[:0] for name in without}
    bare = RunTables({**run.tables, **empty}, run.manifest)
    for feature in (FEATURE, FeatureId("toy-l12/512", 2)):
        page = build_feature(bare, feature)
        json.dumps(page.as_dict(), allow_nan=False)
        text = page_text(page)
        assert text.splitlines()[:2] == [str(feature), page.verdict]
        assert not re.search(r"\b(nan|NaN|None)\b", text)


def test_hostile_text_cannot_steer_a_terminal(build: Builder) -> None:
    """No control, bidi or zero-width character in text or JSON, and no mark but ours."""
    run = build(hostile=True, widths=(512,), n_scored=1)
    assert HOSTILE in set(run["explanations"]["text"])
    page = build_feature(run, FEATURE)
    for text in (page_text(page), json.dumps(page.as_dict(), ensure_ascii=False)):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text)
        assert "\\u202eevil" in text
    assert marked(["a\u203a\u2039", "b"], [0.0, 1.0]) == "a\\u203a\\u2039\u2039b\u203a"


def test_rates_are_of_the_configured_judge(build: Builder) -> None:
    """A run whose manifest names another judge has no tag that rests on this one's answers."""
    run = build(widths=(512,), n_scored=1)
    read = run["predictions"][run["predictions"]["scorer"] == "detection"]
    silent = read.assign(truth=(read["item"].str.split(":").str[2].astype(int) < 3).astype(float), guess=1.0)
    worthless = silent.assign(control="shuffled", guess=0.0)
    said = RunTables({**run.tables, "predictions": pd.concat([silent, worthless])}, run.manifest)
    other = RunTables(said.tables, {**run.manifest, "judge": "another"})
    (mine, theirs) = ({tag for tags in tagged_labels(r)["tags"] for tag in tags} for r in (said, other))
    assert run.manifest["judge"] == JUDGE
    assert theirs < mine == {*theirs, Tag.TOO_BROAD}


def test_a_label_never_written_is_said(build: Builder) -> None:
    """An explainer of the configuration without a label stands with the reason, and hostile text in it is harmless."""
    run = build(widths=(512,), n_scored=1)
    scores = run["scores"]
    lost = scores.iloc[:1].assign(explanation="", value=None, status="explain_failed", reason=HOSTILE)
    config = {"config": {"explain": {"explainers": ["examples", "lexical", "outputs"]}}}
    page = build_feature(
        RunTables({**run.tables, "scores": pd.concat([scores, lost])}, {**run.manifest, **config}), FEATURE
    )
    (sentence,) = page.unwritten
    assert sentence.startswith("no label by outputs: explain failed (<script>")
    assert "\u202e" not in page_text(page)
    assert sentence in page_text(page)
