"""Documents cut into contexts of tokens, and the rule for tokens of massive norm."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from autointerp.subject.documents import Document
from autointerp.subject.model import Site, Subject

CONTEXT_TOKENS = 128
TILE_TOKENS = 32
MASSIVE_NORM_RATIO = 10.0


@dataclass(frozen=True, slots=True)
class Context:
    """A run of tokens of one document, without BOS; ``start`` counts tokens from the document's beginning.

    ``group``: the document whose side this one shares, "" where it resembles no other.
    """

    doc: str
    start: int
    token_ids: tuple[int, ...]
    group: str = ""


def cut_contexts(subject: Subject, document: Document, *, tile: int = TILE_TOKENS) -> Iterator[Context]:
    """Yield the document's contexts of 128 tokens; the last one is cut to whole tiles, what is shorter is left out."""
    ids = subject.token_ids(document.text)
    for start in range(0, len(ids), CONTEXT_TOKENS):
        part = ids[start : start + CONTEXT_TOKENS]
        whole = len(part) - len(part) % tile
        if whole:
            yield Context(document.doc, start, tuple(part[:whole]))


def batches_of_one_length(contexts: Iterable[Context], *, size: int) -> Iterator[list[Context]]:
    """Yield batches of at most *size* contexts of one length; nothing is padded, nothing left out."""
    waiting: dict[int, list[Context]] = {}
    for context in contexts:
        batch = waiting.setdefault(len(context.token_ids), [])
        batch.append(context)
        if len(batch) == size:
            yield waiting.pop(len(context.token_ids))
    yield from waiting.values()


def massive_norm(subject: Subject, site: Site, contexts: Sequence[Context]) -> float:
    """Return the norm above which a token counts as massive: 10 times the median over the given contexts.

    A few tokens (BOS, some separators) carry norms a hundred times the rest; one of them decides the
    peak of every feature it touches and most of the variance. Sun et al. 2024, Massive Activations.
    """
    norms = [
        subject.site_vectors([c.token_ids for c in batch], site).norm(dim=-1).flatten()
        for batch in batches_of_one_length(contexts, size=8)
    ]
    return float(MASSIVE_NORM_RATIO * torch.cat(norms).median())


def kept_tokens(vectors: Tensor, *, max_norm: float) -> Tensor:
    """Return a mask [B, T], False on tokens of massive norm."""
    kept: Tensor = vectors.norm(dim=-1) <= max_norm
    return kept
