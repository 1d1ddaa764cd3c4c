"""Chunks of features: the drawn features of one dictionary, some at a time, each chunk a part file of its own."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autointerp.core.types import Reason
from autointerp.pipeline.run import Run
from autointerp.store.parts import has_part, read_part


@dataclass(frozen=True, slots=True)
class Chunk:
    """Features of one dictionary that are explained, or scored, together; ``number`` counts from 1."""

    name: str
    dictionary: str
    number: int
    features: tuple[int, ...]


def cut_chunks(dictionary: str, features: Iterable[int], *, size: int) -> list[Chunk]:
    """Return the features in their order, *size* to a chunk; without features one empty chunk.

    The empty chunk carries what is to be said of a dictionary in which nothing could be drawn.

    >>> [c.name for c in cut_chunks("tiny/16", [7, 3, 5], size=2)]
    ['tiny/16 1 of 2', 'tiny/16 2 of 2']
    """
    ordered = sorted(features)
    pieces = [tuple(ordered[start : start + size]) for start in range(0, len(ordered), size)] or [()]
    return [
        Chunk(f"{dictionary} {number} of {len(pieces)}", dictionary, number, piece)
        for number, piece in enumerate(pieces, start=1)
    ]


def chunks_of(run_dir: Path, dictionary: str, *, size: int) -> list[Chunk]:
    """Return the chunks of a dictionary whose evidence stands."""
    drawn = [("status", "==", Reason.PENDING.value)]
    features = read_part(run_dir, "features", dictionary, columns=["feature"], filters=drawn)
    return cut_chunks(dictionary, (int(index) for index in features["feature"]), size=size)


def run_chunks(run: Run) -> list[Chunk]:
    """Return the chunks of all dictionaries of a run whose evidence is complete, found once."""
    size = run.config.features.chunk
    return run.once(
        "chunks", lambda: [c for d in run.dictionaries for c in chunks_of(run.directory, d.name, size=size)]
    )


def chunk_named(run: Run, name: str) -> Chunk:
    """Return the chunk of this name."""
    return next(chunk for chunk in run_chunks(run) if chunk.name == name)


def chunks_without(run: Run, table: str) -> list[str]:
    """Return the names of the chunks of which *table* has no part yet."""
    return [chunk.name for chunk in run_chunks(run) if not has_part(run.directory, table, chunk.name)]
