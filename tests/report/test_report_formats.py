"""Formats: every table cell is the same in all of them, text of the corpus can be left out, a PDF needs a browser."""

import csv
import io
import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_builders import Builder

from autointerp.core.errors import ConfigError, EnvironmentProblem
from autointerp.report.blocks import every_table
from autointerp.report.csv_text import csv_text
from autointerp.report.data import page_data, tables_csv
from autointerp.report.page import Page, build_page
from autointerp.report.plain import plain_page
from autointerp.report.printing import find_browser
from autointerp.report.render import html_page, markdown_page, scores_table
from autointerp.report.sections import sections_of
from autointerp.report.tables import RunTables
from autointerp.report.text import markdown, visible
from autointerp.report.write import FILES, write_formats, writers

SECRET = "xyzzyplugh"


class Cells(HTMLParser):
    """Collects the cells of every table by its caption, row by row."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.rows: list[list[str]] | None = None
        self.is_body = self.is_cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "div" and found.get("class") == "scroll":
            self.rows = self.tables.setdefault(found["aria-label"] or "", [])
        self.is_body = tag == "tbody" or (self.is_body and tag != "thead")
        if tag == "tr" and self.is_body and self.rows is not None:
            self.rows.append([])
        if tag in {"td", "th"} and self.is_body and self.rows:
            self.rows[-1].append("")
            self.is_cell = True

    def handle_endtag(self, tag: str) -> None:
        self.is_cell = self.is_cell and tag not in {"td", "th"}
        self.is_body = self.is_body and tag != "tbody"

    def handle_data(self, data: str) -> None:
        if self.is_cell and self.rows:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def run(build: Builder) -> RunTables:
    found = build(widths=(512, 1024), n_scored=5)
    found["evidence"]["tokens"] = [[SECRET, *tokens[1:]] for tokens in found["evidence"]["tokens"]]
    found["failures"]["detail"] = f"the judge said: {SECRET}"
    found["scores"].loc[:3, "reason"] = SECRET
    return found


@pytest.fixture(scope="module")
def page(run: RunTables) -> Page:
    return build_page(run)


def test_every_number_is_the_same_everywhere(page: Page) -> None:
    """Each cell of each table stands alike in HTML, JSON, CSV, Markdown and on the terminal."""
    html, terminal, text = Cells(html_page(page)).tables, plain_page(page), markdown_page(page)
    data = {section["name"]: json.dumps(section, ensure_ascii=False) for section in page_data(page)["sections"]}
    rows = list(csv.DictReader(io.StringIO(tables_csv(page))))
    tables = [(s.name, table) for s in sections_of(page) for table in every_table(s.blocks)]
    assert len(tables) > 20
    assert sum(len(table.grid.rows) * len(table.grid.head) for _, table in tables) == len(rows)
    for name, table in tables:
        caption = unescape(visible(table.caption))
        for row in table.grid.rows:
            assert list(row) in html[caption]
            assert f"| {' | '.join(map(markdown, row))} |" in text
            assert json.dumps([visible(cell) for cell in row], ensure_ascii=False) in data[name]
            assert all(" ".join(visible(cell).split()) in terminal for cell in row)


def test_numbers_of_the_csv_are_those_of_the_tables(page: Page) -> None:
    """The CSV of all tables holds each cell under its section, table, row and column."""
    rows = list(csv.DictReader(io.StringIO(tables_csv(page))))
    mine = [row for row in rows if row["table"] == "Coverage by dictionary" and row["row"] == "1"]
    assert [row["cell"].removeprefix("'") for row in mine] == list(page.coverage.rows[0])


def test_a_report_without_text_holds_no_token(run: RunTables, page: Page) -> None:
    """No window, example of a failure or reason is in any format; labels and numbers stay."""
    bare = build_page(run, with_text=False)
    names = [name for name in sum(FILES.values(), ()) if name != "report.pdf"]
    for name, fill in writers(run, bare, names).items():
        if name != "report.pdf":
            file = io.BytesIO()
            fill(file)
            text = file.getvalue().decode()
            assert SECRET not in text, name
            assert "the word cat and other words about animals" in text or name == "report.csv"
    assert bare.coverage == page.coverage
    assert [m.grid for m in bare.measures] == [m.grid for m in page.measures]
    assert SECRET in html_page(page)
    assert SECRET in csv_text(scores_table(run))


def test_the_page_is_small(page: Page) -> None:
    """An ordinary page stays far below 3 MB, so that it can be sent."""
    assert len(html_page(page).encode()) < 1_000_000


def test_the_verdict_is_three_sentences(page: Page) -> None:
    """They state the number of features, an interval, coverage, and what cannot be concluded."""
    first, second, third = (statement.text for statement in page.headline)
    assert re.match(r"Scored: 10 of 12 features drawn from 2 dictionaries of 1,536 features", first)
    assert re.search(r"-?\d\.\d\d \[-?\d\.\d\d, -?\d\.\d\d\].*n = 5.*where chance is", second)
    assert third.startswith("It cannot be concluded that any single label is right")
    assert "fire too rarely" in third


def test_a_pdf_needs_a_browser(tmp_path: Path) -> None:
    """Without one the error says what to install."""
    with pytest.raises(EnvironmentProblem, match="apt-get install chromium"):
        find_browser(path=str(tmp_path))


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    """Nothing is read or written for a format that does not exist."""
    with pytest.raises(ConfigError, match="there are html, md, csv, json, pdf"):
        write_formats(tmp_path, ["docx"])
