"""What controls, other judges and the zoo say of scores: the same in page, Markdown, CSV and terminal, in words."""

import csv
import io
import re
from html import unescape
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from report_builders import HOSTILE, JUDGE, Builder

from autointerp.core.types import FeatureId
from autointerp.report.csv_text import csv_text
from autointerp.report.feature import build_feature
from autointerp.report.grids import Grid
from autointerp.report.page import Page, build_page
from autointerp.report.render import html_page, markdown_page, scores_table
from autointerp.report.tables import RunTables
from autointerp.report.terminal import page_text
from autointerp.report.text import markdown, visible
from autointerp.store.parts import part_path, read_table, write_part
from autointerp.store.schemas import TABLES

OTHER = "openai:judge-large"
HEADINGS = ("Judges beside each other", "Labels above other features", "Shares of yes, set right")


def trusted(
    build: Builder, *, other: str = OTHER, n_right: int = 8, windows: int = 6, sensitivity: float = 0.9
) -> RunTables:
    """A run of 8 features: the judge answers *n_right* labels truly and the rest like swapped ones; another errs apart.

    Each label has answers on so many windows, half of which fire, with two swapped labels beside it.
    """
    run = build(widths=(512,), n_scored=8, explainers=("examples",))
    labels = run["explanations"].query("explainer == 'examples'")
    rows = [
        run["predictions"].iloc[0].to_dict()
        | {
            "dictionary": label.dictionary, "feature": label.feature, "explanation": name, "scorer": "detection",
            "variant": "", "judge": judge, "control": control, "draw": draw, "item": f"web:{window}:0",
            "truth": float(window % 2), "guess": guess, "weight": 1.0, "reason": "scored",
        }
        for number, label in enumerate(labels.itertuples())
        for window in range(windows)
        for name, judge, control, draw, guess in (
            (label.explanation, JUDGE, "none", 0, float(window % 2) if number < n_right else 0.4),
            (label.explanation, other, "none", 0, float((window + number) % 3 == 0)),
            ("s0", JUDGE, "shuffled", 0, 0.4), ("s1", JUDGE, "shuffled", 1, 0.4),
        )
    ]  # fmt: skip
    scores = run["scores"].query("metric == 'precision' and control == 'none'")
    rates = [scores.assign(metric=metric, value=share) for metric, share in (("recall", 0.62), ("false_fire", 0.27))]
    certificates = run["certificates"].assign(sensitivity=sensitivity, specificity=0.8, n_fitting=400, n_unfitting=400)
    return RunTables(
        {
            **run.tables, "predictions": pd.DataFrame(rows), "certificates": certificates,
            "scores": pd.concat([run["scores"], *rates], ignore_index=True),
        },
        run.manifest,
    )  # fmt: skip


def cells_in_html(grid: Grid, text: str) -> None:
    """Fail unless every row stands in the page, cell by cell, in order."""
    found = [
        tuple(unescape(re.sub("<[^>]+>", "", cell)) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S))
        for row in re.findall(r"<tr>(.*?)</tr>", text, re.S)
    ]
    assert {tuple(map(visible, row)) for row in grid.rows} <= set(found)


def cells_in_markdown(grid: Grid, text: str) -> None:
    for row in grid.rows:
        assert "| " + " | ".join(map(markdown, row)) + " |" in text


def grids(page: Page) -> tuple[Grid, Grid, Grid]:
    return page.judges, page.labelled, page.right


@pytest.mark.parametrize("other", [OTHER, HOSTILE, f"local:{HOSTILE}"])
def test_page_and_markdown_say_the_same(build: Builder, other: str) -> None:
    """Each of the three tables stands in both with the same cells, whatever a judge is called, and runs nothing."""
    page = build_page(trusted(build, other=other))
    html, text = html_page(page), markdown_page(page)
    for grid in grids(page):
        assert grid.rows
        assert grid.about
        cells_in_html(grid, html)
        cells_in_markdown(grid, text)
    for heading in HEADINGS:
        assert html.count(f"<h3>{heading}") == text.count(f"### {heading}") == 1
    assert "<script>alert" not in html
    assert "\u202e" not in html + text


def test_the_share_labelled_is_said_in_table_verdict_csv_and_terminal(build: Builder) -> None:
    """Six of eight labels answer the truth: everywhere the same six."""
    run = trusted(build, n_right=6)
    page = build_page(run)
    assert [row[2:5] for row in page.labelled.rows] == [("detection", "6 of 8", "0.75 [0.41, 0.93]")]
    assert any("singly, 6 of 8 stand above other features' labels" in s.text for s in page.statements)
    rows = list(csv.DictReader(io.StringIO(csv_text(scores_table(run, page.tags, page.tests)))))
    mine = [r for r in rows if r["scorer"] == "detection" and r["control"] == "none" and r["judge"] == JUDGE]
    answers = {int(r["feature"]): (r["labelled"], r["p_above_swapped"]) for r in mine}
    assert sum(answer == "yes" for answer, _ in answers.values()) == 6
    assert {(r["labelled"], r["p_above_swapped"]) for r in rows if r not in mine} == {("", "")}
    for feature, (answer, p) in answers.items():
        (label,) = build_feature(run, FeatureId("toy-l12/512", feature)).labels
        (m,) = [m for m in label.scores if m.measure == "detection, AUROC"]
        assert (m.labelled, m.p, m.n_tested) == (answer, float(p), 8)
        text = page_text(build_feature(run, FeatureId("toy-l12/512", feature)))
        assert f"{'above' if answer == 'yes' else 'not above'} them at a false discovery rate of 5% (8 labels" in text


def test_too_few_windows_are_said_in_words(build: Builder) -> None:
    """Two windows and two swapped labels: p is 1/9 at best, so there is no share, in no place."""
    run = trusted(build, windows=2)
    page = build_page(run)
    assert [row[3:5] for row in page.labelled.rows] == [("cannot be decided\nwith 2 windows", "none")]
    assert any("cannot be decided with 2 windows" in s.text for s in page.statements)
    assert not any("singly" in s.text for s in page.statements)
    assert "cannot be decided with 2 windows" in page_text(build_feature(run, FeatureId("toy-l12/512", 0)))
    assert {t.answer for t in page.tests} == {"undecidable"}


def test_one_judge_stands_beside_nobody(build: Builder) -> None:
    """With one judge, without swapped labels and without counted error rates nothing is claimed of any of the three."""
    page = build_page(build(widths=(512,), n_scored=2))
    assert [grid.rows for grid in grids(page)] == [(), (), ()]
    html, text = html_page(page), markdown_page(page)
    assert "Judges beside each other" not in html + text
    assert "Shares of yes, set right" not in html + text
    assert page.labelled.empty in unescape(html)


def test_judges_of_one_family_are_flagged(build: Builder) -> None:
    """Two sizes of one model may share their mistakes; two families are not flagged."""
    same, apart = (build_page(trusted(build, other=name)).judges for name in ("openai:judge-large", "openai:qwen3"))
    assert [row[-1].split(";")[0] for row in same.rows] == ["one model family: judge"]
    assert "family" not in apart.rows[0][-1]


def test_shares_are_set_right_or_undecidable(build: Builder) -> None:
    """0.62 and 0.27 of a 0.9 / 0.8 judge are 0.6 and 0.1; one of 0.4 / 0.8 gives a word and no number."""
    right = build_page(trusted(build)).right
    assert [row[2].split(":")[0] for row in right.rows] == ["detection, recall", "detection, false fire"]
    assert [row[3].split()[0] for row in right.rows] == ["0.62", "0.27"]
    assert [row[4].split()[0] for row in right.rows] == ["0.60", "0.10"]
    assert right.rows[0][-1] == "0.90 of 400,\n0.80 of 400"
    assert "may not carry over to other concepts" in right.about
    blind = build_page(trusted(build, sensitivity=0.4)).right
    assert [row[4] for row in blind.rows] == ["undecidable"] * 2


def test_certificates_of_an_older_version_are_read(build: Builder, tmp_path: Path) -> None:
    """A file without the numbers behind the error rates gives certificates without them, and no shares set right."""
    run = trusted(build)
    write_part(tmp_path, "certificates", "j", run["certificates"])
    path = part_path(tmp_path, "certificates", "j")
    old: pa.Table = pq.read_table(path).drop_columns(["n_fitting", "n_unfitting"])
    pq.write_table(old, path)
    read = read_table(tmp_path, "certificates")
    assert list(read.columns) == TABLES["certificates"].names
    page = build_page(RunTables({**run.tables, "certificates": read}, run.manifest))
    assert len(page.certificates.rows) == 3
    assert page.right.rows == ()
