"""Site vectors of a training corpus, harvested once into shards and shown to all members of a ladder."""

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from autointerp.core.draws import draw_key
from autointerp.core.errors import CorpusError
from autointerp.subject.contexts import CONTEXT_TOKENS, Context, cut_contexts, kept_tokens
from autointerp.subject.corpus import in_keyed_order
from autointerp.subject.documents import Document
from autointerp.subject.model import Site, Subject

CONTEXTS_A_SHARD = 256
BATCH = 8

OnProgress = Callable[[int, int], None]


def is_for_training(document: Document, *, seed: int, fraction: float) -> bool:
    """Return whether the document may train a dictionary; decided by its name alone, the same for every width."""
    return draw_key(seed, "trained", document.doc) < fraction * 2**64


def take_contexts(
    subject: Subject, documents: Sequence[Document], *, n_tokens: int, seed: int, per_document: int | None = None
) -> tuple[list[Context], list[Document]]:
    """Return full contexts of at least *n_tokens* tokens in keyed order, and the documents they come from.

    ``per_document`` bounds what one document gives (a keyed choice of its contexts), so that a few
    long documents do not make up the whole sample.

    Raises CorpusError when the documents hold fewer tokens.
    """
    contexts: list[Context] = []
    used: list[Document] = []
    for document in in_keyed_order(documents, seed=seed):
        if len(contexts) * CONTEXT_TOKENS >= n_tokens:
            return contexts, used
        full = [c for c in cut_contexts(subject, document) if len(c.token_ids) == CONTEXT_TOKENS]
        if per_document is not None:
            full = in_sampling_order(full)[:per_document]
        contexts += full
        used += [document] if full else []
    if len(contexts) * CONTEXT_TOKENS < n_tokens:
        msg = (
            f"this side of the corpus holds {len(contexts) * CONTEXT_TOKENS:,} tokens in full contexts, "
            f"{n_tokens:,} were asked for; add sources to `corpus` or lower `n_tokens` or `n_evaluation_contexts`"
        )
        raise CorpusError(msg)
    return contexts, used


def in_sampling_order(contexts: Sequence[Context]) -> list[Context]:
    """Return the contexts in a keyed order that makes every prefix a fair sample of them."""
    return sorted(contexts, key=lambda c: draw_key(2, c.doc, c.start))


def shuffled_contexts(contexts: Sequence[Context], *, n_tokens: int) -> list[Context]:
    """Return contexts of *n_tokens* tokens in a keyed order, so that every shard is a fair sample of the corpus."""
    return sorted(contexts, key=lambda c: draw_key(1, c.doc, c.start))[: -(-n_tokens // CONTEXT_TOKENS)]


def site_shard(subject: Subject, site: Site, contexts: Sequence[Context], *, max_norm: float) -> Tensor:
    """Return the kept tokens' vectors, float16 [n, d_model]."""
    parts: list[Tensor] = []
    for batch in _batched(contexts, BATCH):
        vectors = subject.site_vectors([c.token_ids for c in batch], site)
        parts.append(vectors[kept_tokens(vectors, max_norm=max_norm)].half())
    return torch.cat(parts)


def _batched(items: Sequence[Context], size: int) -> Iterator[list[Context]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def gather_vectors(
    subject: Subject, site: Site, contexts: Sequence[Context], folder: Path, *, max_norm: float, on_progress: OnProgress
) -> list[Path]:
    """Write the site vectors of all contexts as shards and return their paths; shards that stand there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for number, start in enumerate(range(0, len(contexts), CONTEXTS_A_SHARD)):
        path = folder / f"vectors-{number:05d}.npy"
        if not path.exists():
            part = site_shard(subject, site, contexts[start : start + CONTEXTS_A_SHARD], max_norm=max_norm)
            _save_whole(path, part.cpu().numpy())
        paths.append(path)
        on_progress(min(start + CONTEXTS_A_SHARD, len(contexts)) * CONTEXT_TOKENS, len(contexts) * CONTEXT_TOKENS)
    return paths


def _save_whole(path: Path, array: np.ndarray) -> None:
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        np.save(file, array)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
