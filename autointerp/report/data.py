"""A report as data: one JSON object with every table cell as it is printed, and one CSV of all tables."""

import csv
import io
import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from autointerp.report.blocks import Block, Cards, Facts, Figures, Folded, Places, Points, Section, Table, every_table
from autointerp.report.cards import Card
from autointerp.report.charts import Picture
from autointerp.report.grids import Grid
from autointerp.report.page import Page
from autointerp.report.sections import sections_of
from autointerp.report.text import csv_cell, visible

CSV_HEAD = ("section", "table", "row", "column", "cell")


def page_data(page: Page) -> dict[str, Any]:
    """Return the report as one object for JSON: sections in their order, each a list of blocks.

    Cells of tables are the texts of the page; the numbers of pictures are there unrounded, too.
    """
    sections = [
        {"name": section.name, "title": section.title, "blocks": [_block(block) for block in section.blocks]}
        for section in sections_of(page)
    ]
    facts = {name: visible(value) for name, value in page.facts}
    return {"title": visible(page.title), "facts": facts, "has_text": page.has_text, "sections": sections}


def tables_csv(page: Page) -> str:
    """Return every table of the report as one CSV, a row a cell; guarded against spreadsheets that read formulas."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_HEAD)
    writer.writerows(row for section in sections_of(page) for row in _cells(section))
    return text.getvalue()


def _cells(section: Section) -> Iterator[tuple[str, str, int, str, str]]:
    for table in every_table(section.blocks):
        for number, row in enumerate(table.grid.rows, 1):
            for name, cell in zip(table.grid.head, row, strict=True):
                yield section.name, csv_cell(table.caption), number, one_line(name), csv_cell(cell)


def one_line(text: str) -> str:
    """Return the head of a column, which a page may break."""
    return " ".join(text.split())


def _block(block: Block) -> dict[str, Any]:
    return {"kind": block.kind, **_content(block)}


def _content(block: Block) -> dict[str, Any]:
    match block:
        case Table(caption, grid):
            return {"caption": visible(caption), **_grid(grid)}
        case Figures(pictures):
            return {"pictures": [_picture(picture, grid) for picture, grid in pictures]}
        case Points(statements):
            return {"statements": [{"tone": s.tone, "text": visible(s.text)} for s in statements]}
        case Facts(pairs):
            return {"pairs": [[visible(name), visible(value)] for name, value in pairs]}
        case Places(title, features):
            return {"title": title, "features": [visible(name) for name, _ in features]}
        case Cards(cards):
            return {"cards": [_card(card) for card in cards]}
        case Folded(title, blocks):
            return {"title": title, "blocks": [_block(inner) for inner in blocks]}
    names = [name for name in ("name", "text", "scale") if hasattr(block, name)]
    return {name: _clean(getattr(block, name)) for name in names}


def _grid(grid: Grid) -> dict[str, Any]:
    rows = [[visible(cell) for cell in row] for row in grid.rows]
    return {"head": [one_line(name) for name in grid.head], "rows": rows, "empty": "" if rows else grid.empty}


def _picture(picture: Picture, grid: Grid) -> dict[str, Any]:
    return {
        "title": visible(picture.title),
        "description": visible(picture.description),
        **_grid(grid),
        "numbers": [
            {str(name): _clean(cell) for name, cell in row.items()} for row in picture.table.to_dict("records")
        ],
    }


def _card(card: Card) -> dict[str, Any]:
    """Return a feature with its labels and scores; ``windows`` hold the text of each, without its shades."""
    texts = [{"stratum": w.stratum, "text": visible("".join(run.text for run in w.truth))} for w in card.windows]
    names = ("status", "density", "peak", "single_token")
    return {
        "feature": visible(str(card.feature)),
        **{name: getattr(card, name) for name in names},
        "labels": [_texts(label) for label in card.labels],
        "scores": [_texts(score) for score in card.scores],
        "windows": texts,
    }


def _texts(value: Any) -> dict[str, str]:
    return {name: visible(getattr(value, name)) for name in value.__slots__}


def _clean(cell: Any) -> Any:
    """Return a cell as JSON has it: no number is null, not NaN."""
    if isinstance(cell, str):
        return visible(cell)
    if cell is None or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell)):
        return None
    return cell.item() if hasattr(cell, "item") else cell
