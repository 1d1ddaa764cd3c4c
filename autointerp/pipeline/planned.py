"""The text of a harvest, planned before any of it is run through the subject: who reads what, in which order."""

import heapq
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

from autointerp.core.errors import CorpusError
from autointerp.pipeline.config import Config
from autointerp.pipeline.dividing import check_sides, groups_of, sketch_read
from autointerp.pipeline.text import context_key
from autointerp.sampling.duplicates import Sketch
from autointerp.sampling.sides import side_of
from autointerp.store.files import write_whole
from autointerp.store.parts import part_paths, read_part, write_part
from autointerp.subject.contexts import CONTEXT_TOKENS, TILE_TOKENS, Context, cut_contexts
from autointerp.subject.corpus import distinct, in_keyed_order, list_corpus
from autointerp.subject.dictionaries import Dictionary
from autointerp.subject.documents import Document, name_fingerprint
from autointerp.subject.model import Subject

PLAN = "plan.json"


@dataclass(frozen=True, slots=True)
class TextPlan:
    """What a harvest reads, and what was left out.

    ``shard_tokens``: tokens by shard. ``pool_key``: contexts whose own key is at most this are the pool.
    ``groups``: of every document that resembles another, the first of its group.
    """

    n_documents: int
    n_trained_on: int
    n_too_short: int
    n_contexts: int
    shard_tokens: tuple[int, ...]
    pool_key: int
    groups: dict[str, str]

    @property
    def n_tokens(self) -> int:
        return sum(self.shard_tokens)


@dataclass(slots=True)
class _Reading:
    """What was read so far."""

    n_documents: int = 0
    n_trained_on: int = 0
    n_too_short: int = 0
    n_tokens: int = 0
    sketches: dict[str, Sketch] = field(default_factory=dict)


def shard_name(number: int) -> str:
    return f"shard-{number:07d}"


def plan_text(folder: Path, subject: Subject, config: Config, dictionaries: Sequence[Dictionary]) -> TextPlan:
    """Write the contexts to read, a part a shard, and return the plan; what stands there is read back.

    Raises:
        CorpusError: No document gives a whole tile of 32 tokens, or a side that is needed has no document.
    """
    path = folder / PLAN
    if path.exists():
        stored = json.loads(path.read_text("utf-8"))
        return TextPlan(**stored | {"shard_tokens": tuple(stored["shard_tokens"])})
    plan = _plan(folder, subject, config, dictionaries)
    write_whole(path, lambda file: file.write(json.dumps(asdict(plan)).encode()))
    return plan


def _plan(folder: Path, subject: Subject, config: Config, dictionaries: Sequence[Dictionary]) -> TextPlan:
    reading, pool, tokens, n_contexts = _Reading(), list[int](), list[int](), 0
    contexts = _contexts(subject, config, dictionaries, reading)
    while shard := list(islice(contexts, config.harvest.shard_contexts)):
        keys = [context_key(config.seed, c.doc, c.start) for c in shard]
        pool = heapq.nsmallest(config.harvest.pool_contexts, [*pool, *keys])
        rows = list(_rows(shard, first=n_contexts, seed=config.seed))
        write_part(folder, "contexts", shard_name(len(tokens)), rows)
        tokens.append(sum(len(c.token_ids) for c in shard))
        n_contexts += len(shard)
    if not n_contexts:
        raise CorpusError(_nothing(config, reading))
    groups = groups_of(reading.sketches, threshold=config.harvest.near_duplicate)
    check_sides(reading.sketches, groups, corpus=config.corpus, seed=config.seed)
    _move(folder, {doc: side_of(first, seed=config.seed) for doc, first in groups.items() if first != doc})
    return TextPlan(
        reading.n_documents, reading.n_trained_on, reading.n_too_short, n_contexts, tuple(tokens), pool[-1], groups
    )


def _contexts(
    subject: Subject, config: Config, dictionaries: Sequence[Dictionary], reading: _Reading
) -> Iterator[Context]:
    """Yield the contexts to read: documents in keyed order, none that trained a dictionary.

    Documents are read until there are enough tokens; those behind stay unread.
    """
    trained = frozenset[str]().union(*(d.trained for d in dictionaries))
    per_document = config.harvest.max_tokens_per_document
    listed = in_keyed_order(list_corpus(config.corpus), seed=config.seed)
    # A copy of a document that trained, under another name, is known by its text below.
    unknown = [d for d in listed if name_fingerprint(d.doc) not in trained]
    reading.n_trained_on = len(listed) - len(unknown)
    for document in distinct(unknown):
        if reading.n_tokens >= config.harvest.n_tokens:
            break
        if trained.intersection(document.fingerprints):
            reading.n_trained_on += 1
            continue
        # Tokenising a whole book to keep its first pages would cost more than the forward pass.
        start_of = Document(document.doc, document.text[: per_document * 12])
        mine = list(islice(cut_contexts(subject, start_of), -(-per_document // CONTEXT_TOKENS)))
        if mine:
            is_whole = len(mine) < -(-per_document // CONTEXT_TOKENS)
            reading.sketches[document.doc] = sketch_read(subject, start_of.text, mine, is_whole=is_whole)
        reading.n_tokens += sum(len(c.token_ids) for c in mine)
        reading.n_documents += bool(mine)
        reading.n_too_short += not mine
        yield from mine


def _rows(contexts: Sequence[Context], *, first: int, seed: int) -> Iterator[dict[str, object]]:
    for number, context in enumerate(contexts, first):
        yield {
            "doc": context.doc,
            "side": side_of(context.doc, seed=seed),
            "start": context.start,
            "context": number,
            "token_ids": list(context.token_ids),
        }


def _move(folder: Path, sides: Mapping[str, str]) -> None:
    """Put documents on other sides: which others they resemble is known when all are read."""
    for path in part_paths(folder, "contexts") if sides else ():
        rows = read_part(folder, "contexts", path.stem)
        moved = rows["doc"].map(sides)
        if moved.notna().any():
            write_part(folder, "contexts", path.stem, rows.assign(side=moved.fillna(rows["side"])))


def _nothing(config: Config, reading: _Reading) -> str:
    return (
        f"corpus {', '.join(config.corpus)}: nothing to read; {reading.n_trained_on + reading.n_too_short} documents "
        f"with text, {reading.n_trained_on} of them trained the dictionary, "
        f"{reading.n_too_short} are shorter than {TILE_TOKENS} tokens; name more text under `corpus`"
    )


@dataclass(frozen=True, slots=True)
class PlannedContext:
    """A context to read, its number in the whole text and its side."""

    number: int
    side: str
    context: Context


def read_shard(folder: Path, number: int) -> list[PlannedContext]:
    """Return the contexts of one shard, as planned."""
    rows = read_part(folder, "contexts", shard_name(number))
    columns = (rows["context"], rows["side"], rows["doc"], rows["start"], rows["token_ids"])
    return [
        PlannedContext(int(n), str(side), Context(str(doc), int(start), tuple(map(int, ids))))
        for n, side, doc, start, ids in zip(*columns, strict=True)
    ]
