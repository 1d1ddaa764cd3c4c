"""A report for a terminal: the same sections, tables with aligned columns, no pictures and no windows."""

from collections.abc import Iterator

from autointerp.report.blocks import Block, Cards, Facts, Figures, Folded, Heading, Places, Points, Prose, Table
from autointerp.report.cards import Card
from autointerp.report.data import one_line
from autointerp.report.grids import Grid
from autointerp.report.page import Page
from autointerp.report.sections import sections_of
from autointerp.report.text import visible

SIGNS = {"warning": "! ", "good": "+ ", "plain": "- "}


def plain_page(page: Page) -> str:
    """Return the report as text that cannot steer a terminal."""
    lines = [page.title, *(f"{name}: {value}" for name, value in page.facts)]
    for section in sections_of(page):
        lines += ["", f"== {section.title} ==", *_lines(section.blocks)]
    return "\n".join(visible(line, keep="").rstrip() for line in lines)


def _lines(blocks: tuple[Block, ...]) -> Iterator[str]:
    for block in blocks:
        yield from _block_lines(block)


def _block_lines(block: Block) -> Iterator[str]:
    match block:
        case Prose(text):
            yield text
        case Heading(text):
            yield from ("", f"-- {text} --")
        case Points(statements):
            yield from (f"{SIGNS[s.tone]}{s.text}" for s in statements)
        case Table(caption, grid):
            yield from ("", f"{caption}:", *grid_lines(grid))
        case Figures(pictures):
            for picture, numbers in pictures:
                yield from ("", f"{picture.title}:", *grid_lines(numbers))
        case Facts(pairs):
            yield from (f"{name}: {' '.join(value.split())}" for name, value in pairs)
        case Places(title, features):
            yield f"{title}: {', '.join(name for name, _ in features) or 'none'}"
        case Cards(cards):
            yield from (line for card in cards for line in _card_lines(card))
        case Folded(title, inner):
            yield from ("", title, *_lines(inner))


def _card_lines(card: Card) -> Iterator[str]:
    yield from ("", f"{card.feature}: {card.status}, density {card.density}, peak {card.peak}")
    for label in card.labels:
        yield f"  {label.explainer}: {' '.join(label.text.split())}"
    for score in card.scores:
        judged = f"judge {score.standing}: {score.value} · {score.read} read · chance {score.chance}"
        yield f"  {score.measure}, labels by {score.explainer}, {judged} · {score.controls}"


def grid_lines(grid: Grid) -> Iterator[str]:
    """Yield the table with aligned columns, names to the left and numbers to the right."""
    if not grid.rows:
        yield grid.empty
        return
    rows = [[visible(one_line(cell), keep="") for cell in row] for row in (grid.head, *grid.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, range(len(row)), strict=True)
        yield "  ".join(c.ljust(w) if place < grid.n_names else c.rjust(w) for c, w, place in cells).rstrip()
