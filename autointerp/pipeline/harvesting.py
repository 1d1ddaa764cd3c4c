"""The harvest stage: which text is read, shard by shard, into context and activation parts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa

from autointerp.core.errors import CorpusError
from autointerp.pipeline.config import Config
from autointerp.pipeline.dividing import check_sides, sketch_read, with_groups
from autointerp.pipeline.run import Run
from autointerp.sampling.duplicates import Sketch
from autointerp.sampling.sides import side_of
from autointerp.store.manifest import write_manifest
from autointerp.store.parts import has_part, write_part
from autointerp.subject.contexts import CONTEXT_TOKENS, TILE_TOKENS, Context, cut_contexts, massive_norm
from autointerp.subject.corpus import distinct, in_keyed_order, list_corpus
from autointerp.subject.dictionaries import SparseDictionary, trained_documents
from autointerp.subject.documents import Document, name_fingerprint
from autointerp.subject.harvest import HarvestedShard, harvest_shard
from autointerp.subject.model import Site, Subject

N_FOR_NORM = 32


@dataclass(frozen=True)
class TextPlan:
    """The contexts of a harvest in order, and what was left out."""

    contexts: tuple[Context, ...]
    n_documents: int
    n_trained_on: int
    n_too_short: int

    @property
    def n_tokens(self) -> int:
        return sum(len(c.token_ids) for c in self.contexts)

    @property
    def near_duplicates(self) -> dict[str, str]:
        """The group of every document that resembles another."""
        return {c.doc: c.group for c in self.contexts if c.group}

    def shards(self, size: int) -> list[list[tuple[int, Context]]]:
        """Return the numbered contexts, *size* to a shard."""
        numbered = list(enumerate(self.contexts))
        return [numbered[start : start + size] for start in range(0, len(numbered), size)]


def plan_text(subject: Subject, config: Config, dictionaries: Sequence[SparseDictionary]) -> TextPlan:
    """Return the contexts to read: documents in keyed order, none that trained a dictionary.

    Documents are read until there are enough tokens; those behind stay unread.

    Raises:
        CorpusError: No document gives a whole tile of 32 tokens, or a side that is needed has no document.
    """
    trained = frozenset[str]().union(*(trained_documents(d.folder) for d in dictionaries))
    per_document, n_wanted = config.harvest.max_tokens_per_document, config.harvest.n_tokens
    contexts: list[Context] = []
    sketches: dict[str, Sketch] = {}
    most_contexts = -(-per_document // CONTEXT_TOKENS)
    n_tokens = n_documents = n_short = 0
    listed = in_keyed_order(list_corpus(config.corpus), seed=config.seed)
    # A copy of a document that trained, under another name, is known by its text below.
    unknown = [d for d in listed if name_fingerprint(d.doc) not in trained]
    n_trained_on = len(listed) - len(unknown)
    for document in distinct(unknown):
        if n_tokens >= n_wanted:
            break
        if trained.intersection(document.fingerprints):
            n_trained_on += 1
            continue
        # Tokenising a whole book to keep its first pages would cost more than the forward pass.
        start_of = Document(document.doc, document.text[: per_document * 12])
        mine = list(islice(cut_contexts(subject, start_of), most_contexts))
        contexts += mine
        if mine:
            is_whole = len(mine) < most_contexts
            sketches[document.doc] = sketch_read(subject, start_of.text, mine, is_whole=is_whole)
        n_tokens += sum(len(c.token_ids) for c in mine)
        n_documents += bool(mine)
        n_short += not mine
    if not contexts:
        msg = (
            f"corpus {', '.join(config.corpus)}: nothing to read; {n_trained_on + n_short} documents with text, "
            f"{n_trained_on} of them trained the dictionary, "
            f"{n_short} are shorter than {TILE_TOKENS} tokens; name more text under `corpus`"
        )
        raise CorpusError(msg)
    divided = with_groups(contexts, sketches, threshold=config.harvest.near_duplicate)
    check_sides(divided, corpus=config.corpus, seed=config.seed)
    return TextPlan(tuple(divided), n_documents, n_trained_on, n_short)


def norm_limit(subject: Subject, site: Site, plan: TextPlan, dictionaries: Sequence[SparseDictionary]) -> float:
    """Return the norm above which tokens are left out: the dictionaries' own rule, or 10 times the median here."""
    own = [d.max_norm for d in dictionaries if d.max_norm is not None]
    return min(own) if own else massive_norm(subject, site, plan.contexts[:N_FOR_NORM])


def shard_name(number: int) -> str:
    return f"shard-{number:06d}"


def is_shard_done(folder: Path, number: int) -> bool:
    """Return whether the shard's parts stand; contexts are written last."""
    return has_part(folder, "contexts", shard_name(number))


def write_shard(
    folder: Path,
    number: int,
    contexts: Sequence[tuple[int, Context]],
    *,
    subject: Subject,
    site: Site,
    dictionaries: Sequence[SparseDictionary],
    max_norm: float,
    seed: int,
) -> None:
    """Harvest one shard and write its parts."""
    harvested = harvest_shard(subject, site, dictionaries, contexts, max_norm=max_norm)
    write_part(folder, "activations", shard_name(number), _activation_rows(harvested))
    write_part(folder, "contexts", shard_name(number), list(_context_rows(contexts, harvested, seed=seed)))


def _activation_rows(harvested: HarvestedShard) -> pa.Table:
    """Return the activations in the order in which they are stored, without a copy."""
    return pa.concat_tables(
        pa.table(
            {
                "dictionary": pa.DictionaryArray.from_arrays(np.zeros(len(a.feature), np.int8), [a.dictionary]),
                "feature": a.feature,
                "context": a.context,
                "position": a.position,
                "activation": a.activation,
            }
        )
        for a in sorted(harvested.activations, key=lambda a: a.dictionary)
    ).unify_dictionaries()


def _context_rows(
    contexts: Sequence[tuple[int, Context]], harvested: HarvestedShard, *, seed: int
) -> Iterator[dict[str, object]]:
    for number, context in contexts:
        yield {
            "doc": context.doc,
            "side": side_of(context.group or context.doc, seed=seed),
            "start": context.start,
            "context": number,
            "token_ids": list(context.token_ids),
            "kept": harvested.kept[number].tolist(),
        }


# ---- the stage


def harvest_chunks(run: Run) -> list[str]:
    """Return the shards still to be harvested; none when the harvest is complete."""
    if (run.harvest_folder / "manifest.json").exists():
        return []
    shards = text_plan(run).shards(run.config.harvest.shard_contexts)
    return [str(n) for n in range(len(shards)) if not is_shard_done(run.harvest_folder, n)]


def text_plan(run: Run) -> TextPlan:
    """Return the text this run reads, planned once."""
    return run.once("text_plan", lambda: _plan(run))


def _plan(run: Run) -> TextPlan:
    plan = plan_text(run.subject, run.config, run.dictionaries)
    if alike := plan.near_duplicates:
        n_groups = len(set(alike.values()))
        run.on_progress("text", len(alike), plan.n_documents, f"documents in {n_groups} groups of near-duplicates")
    return plan


def max_norm(run: Run) -> float:
    """Return the norm above which tokens are left out, decided once."""
    return run.once("max_norm", lambda: norm_limit(run.subject, run.site, text_plan(run), run.dictionaries))


def harvest_chunk(run: Run, chunk: str) -> None:
    """Harvest one shard of text for all dictionaries."""
    plan, size = text_plan(run), run.config.harvest.shard_contexts
    shards = plan.shards(size)
    write_shard(
        run.harvest_folder,
        int(chunk),
        shards[int(chunk)],
        subject=run.subject,
        site=run.site,
        dictionaries=run.dictionaries,
        max_norm=max_norm(run),
        seed=run.config.seed,
    )
    done = sum(len(c.token_ids) for shard in shards[: int(chunk) + 1] for _, c in shard)
    run.on_progress("harvest", done, plan.n_tokens, "tokens")


def finish_harvest(run: Run) -> None:
    """Mark the harvest as complete: its manifest is written last."""
    if (run.harvest_folder / "manifest.json").exists():
        return
    plan = text_plan(run)
    write_manifest(
        run.harvest_folder,
        {
            "subject": run.config.subject,
            "subject_sha256": run.subject.sha256,
            "site": str(run.site),
            "dictionaries": {d.name: d.sha256 for d in run.dictionaries},
            "corpus": list(run.config.corpus),
            "corpus_contents": run.corpus_contents,
            "n_documents": plan.n_documents,
            "n_documents_trained_on_left_out": plan.n_trained_on,
            "n_documents_too_short": plan.n_too_short,
            "n_documents_near_duplicate": len(plan.near_duplicates),
            "n_groups_of_near_duplicates": len(set(plan.near_duplicates.values())),
            "n_contexts": len(plan.contexts),
            "n_tokens": plan.n_tokens,
            "max_norm": max_norm(run),
        },
    )
