"""What a section of a report is made of; each way of writing it (HTML, Markdown, JSON, terminal) knows these kinds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from autointerp.analysis.statements import Statement
from autointerp.report.cards import Card
from autointerp.report.charts import Picture
from autointerp.report.grids import Grid


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph; a soft one explains what stands below it."""

    kind: ClassVar = "prose"
    text: str
    is_soft: bool = True


@dataclass(frozen=True, slots=True)
class Points:
    """Sentences with their tone: a ``verdict``, or the ``limits`` of one table."""

    kind: ClassVar = "points"
    statements: tuple[Statement, ...]
    look: Literal["verdict", "limits"] = "verdict"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within a section."""

    kind: ClassVar = "heading"
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """A grid under its caption, which names it wherever it is read without the page."""

    kind: ClassVar = "table"
    caption: str
    grid: Grid


@dataclass(frozen=True, slots=True)
class Figures:
    """Pictures side by side, each with its numbers."""

    kind: ClassVar = "figures"
    pictures: tuple[tuple[Picture, Grid], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with what they stand for."""

    kind: ClassVar = "facts"
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Places:
    """Features by name, with the id of the place on the page that each is shown at."""

    kind: ClassVar = "places"
    title: str
    features: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Key:
    """What the shades of tokens mean; ``scale``: the largest digit a judge could predict."""

    kind: ClassVar = "key"
    scale: float


@dataclass(frozen=True, slots=True)
class Cards:
    """Features, one card each."""

    kind: ClassVar = "cards"
    cards: tuple[Card, ...]
    is_first_open: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """Text as it was used: a prompt, a configuration; ``name`` says which."""

    kind: ClassVar = "source"
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Folded:
    """Blocks behind a line that opens them; on paper they are open."""

    kind: ClassVar = "folded"
    title: str
    blocks: "tuple[Block, ...]"


Block: TypeAlias = Prose | Points | Heading | Table | Figures | Facts | Places | Key | Cards | Source | Folded


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report: its id on the page, its title, and the short title of the contents."""

    name: str
    title: str
    short: str
    blocks: tuple[Block, ...]


def every_block(blocks: Sequence[Block]) -> Iterator[Block]:
    """Yield the blocks in their order, folded ones among them."""
    for block in blocks:
        yield block
        if isinstance(block, Folded):
            yield from every_block(block.blocks)


def every_table(blocks: Sequence[Block]) -> Iterator[Table]:
    """Yield every table of these blocks, those of pictures' numbers among them."""
    for block in every_block(blocks):
        if isinstance(block, Table):
            yield block
        if isinstance(block, Figures):
            yield from (Table(picture.title, grid) for picture, grid in block.pictures)
