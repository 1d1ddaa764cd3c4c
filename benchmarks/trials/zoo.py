"""The zoo's features in the demo corpus: read once, planted one at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autointerp.core.types import Evidence, Window
from autointerp.subject.corpus import in_keyed_order, read_corpus
from autointerp.trust.frames import SideSizes
from autointerp.trust.ladders import Ladder, ladder_among
from autointerp.trust.planting import PlantSettings, plant_among, population
from autointerp.trust.templates import TILE, split_text
from autointerp.trust.zoo import ZooFeature, read_zoo
from trials.marks import marked_ladder

FOLDER = Path(__file__).parents[2] / "data" / "zoo"
CORPUS = ("gensim-wikipedia", "gensim-news", "python-topics", "python-stdlib~0.1")
TILES_A_DOCUMENT = 8
N_FIRING, N_SILENT, N_NEAR = 200, 500, 300


@dataclass(frozen=True)
class Planted:
    """A feature, its ladder with true shares, and its evidence: 200 firing and 800 silent held-out windows.

    ``of_marks``: the same ladder with shares of marked windows, which fuzzing asks about.
    """

    feature: ZooFeature
    ladder: Ladder
    of_marks: Ladder
    evidence: Evidence


def load_zoo() -> tuple[ZooFeature, ...]:
    return read_zoo(path.read_text("utf-8") for path in sorted(FOLDER.rglob("*.json")))


def corpus_tiles(n: int) -> list[Window]:
    """Return *n* tiles of the demo corpus, at most eight a document, without activations."""
    tiles: list[Window] = []
    for document in in_keyed_order(read_corpus(CORPUS), seed=0):
        tokens = split_text(document.text[: 60 * TILE * TILES_A_DOCUMENT])
        starts = range(0, min(len(tokens) - TILE, TILE * TILES_A_DOCUMENT), TILE)
        tiles += [Window(document.doc, start, tokens[start : start + TILE], (0.0,) * TILE) for start in starts]
        if len(tiles) >= n:
            break
    return tiles[:n]


def planted_features(zoo: tuple[ZooFeature, ...], tiles: list[Window], *, n_template_docs: int) -> Iterator[Planted]:
    """Yield each feature planted among the tiles and *n_template_docs* documents made of its own sentences."""
    sizes = SideSizes(top=0, firing=N_FIRING, silent=N_SILENT, near=N_NEAR)
    settings = PlantSettings(held_out=sizes, min_available=10**9, n_template_docs=n_template_docs)
    for feature in zoo:
        everything = population(feature, tiles, settings)
        ladder = ladder_among(feature, everything)
        of_marks = marked_ladder(feature, ladder, everything)
        yield Planted(feature, ladder, of_marks, plant_among(feature, everything, settings))
