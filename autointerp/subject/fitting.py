"""Baselines fitted: text that is then no evidence, its vectors, and thresholds at a density."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from autointerp.subject.baselines import Directions
from autointerp.subject.contexts import CONTEXT_TOKENS, Context, batches_of_one_length, cut_contexts, kept_tokens
from autointerp.subject.dictionaries import Dictionary
from autointerp.subject.documents import Document
from autointerp.subject.gather import OnProgress
from autointerp.subject.model import Site, Subject

BATCH = 8
ROWS = 2048
"""Vectors encoded at a time."""

DIRECTIONS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class FittingText:
    """Contexts to fit on, and the fingerprints of the documents they come from: these are no evidence."""

    contexts: tuple[Context, ...]
    fingerprints: frozenset[str]

    @property
    def n_tokens(self) -> int:
        return sum(len(c.token_ids) for c in self.contexts)


@dataclass(frozen=True, slots=True)
class FittingSite:
    """Where vectors are taken: the hidden neurons of ``layer``, or what stands at ``site``.

    Either way tokens are left out by their norm at ``site``, as a harvest leaves them out.
    """

    site: Site
    max_norm: float
    of_neurons: bool = False

    def vectors(self, subject: Subject, batch: Sequence[Context]) -> tuple[Tensor, Tensor]:
        """Return (vectors [B, T, d], mask [B, T] of the tokens kept) of contexts of one length."""
        read = Site("neurons", self.site.layer) if self.of_neurons else self.site
        found = subject.vectors_at([c.token_ids for c in batch], {self.site, read})
        return found[read], kept_tokens(found[self.site], max_norm=self.max_norm)


def read_for_fitting(
    subject: Subject, documents: Iterable[Document], *, n_tokens: int, per_document: int
) -> FittingText:
    """Return the contexts of the documents in their order until there are *n_tokens*, or as many as there are."""
    contexts: list[Context] = []
    fingerprints: set[str] = set()
    have = 0
    for document in documents:
        # Tokenising a whole book to keep its first pages would cost more than the forward pass.
        beginning = Document(document.doc, document.text[: per_document * 12])
        mine = list(islice(cut_contexts(subject, beginning), -(-per_document // CONTEXT_TOKENS)))
        contexts += mine
        have += sum(len(c.token_ids) for c in mine)
        fingerprints.update(document.fingerprints if mine else ())
        if have >= n_tokens:
            break
    return FittingText(tuple(contexts), frozenset(fingerprints))


def token_vectors(
    subject: Subject, reader: FittingSite, contexts: Sequence[Context], on_progress: OnProgress
) -> Tensor:
    """Return the kept tokens' vectors, float32 [n, d], on the CPU."""
    parts: list[Tensor] = []
    done, total = 0, sum(len(c.token_ids) for c in contexts)
    for batch in batches_of_one_length(contexts, size=BATCH):
        vectors, kept = reader.vectors(subject, batch)
        parts.append(vectors[kept].cpu())
        done += sum(len(c.token_ids) for c in batch)
        on_progress(done, total)
    return torch.cat(parts) if parts else torch.empty(0, 0)


def text_means(subject: Subject, reader: FittingSite, contexts: Sequence[Context]) -> Tensor:
    """Return the mean vector of each document's kept tokens, float32 [n_documents, d], in the documents' order."""
    totals: dict[str, Tensor] = {}
    counts: dict[str, int] = dict.fromkeys((c.doc for c in contexts), 0)
    for batch in batches_of_one_length(contexts, size=BATCH):
        vectors, kept = reader.vectors(subject, batch)
        for context, row, mask in zip(batch, vectors, kept, strict=True):
            totals[context.doc] = totals.get(context.doc, torch.zeros(())) + row[mask].sum(dim=0).cpu()
            counts[context.doc] += int(mask.sum())
    rows = [totals[doc] / n for doc, n in counts.items() if n]
    return torch.stack(rows) if rows else torch.empty(0, 0)


def median_density(dictionaries: Sequence[Dictionary], vectors: Tensor, *, device: torch.device) -> float | None:
    """Return the median density (per token) of all features that fire on the vectors [n, d]; None when none does."""
    counts = [torch.zeros(dictionary.n_features, dtype=torch.long) for dictionary in dictionaries]
    for dictionary, count in zip(dictionaries, counts, strict=True):
        for part in torch.split(vectors, ROWS):
            codes = dictionary.encode_sparse(part.to(device))
            count += torch.bincount(codes.feature.cpu(), minlength=dictionary.n_features)
    alive = np.concatenate([count[count > 0].numpy() for count in counts]) if counts else np.zeros(0)
    return float(np.median(alive)) / len(vectors) if alive.size else None


@torch.inference_mode()
def thresholds_at(parts: Directions, centred: Tensor, density: float) -> tuple[Tensor, Tensor]:
    """Return (thresholds, densities reached), both [2 * n_directions], of centred vectors [n, d].

    A feature's threshold is the value that a share *density* of the tokens exceed, one token at least. Where
    values are equal (a neuron silent on most text) fewer may exceed it; so what is reached is returned.
    """
    n_firing = max(1, round(density * len(centred)))
    thresholds, reached = torch.zeros(len(parts), 2), torch.zeros(len(parts), 2)
    for start in range(0, len(parts), DIRECTIONS_AT_ONCE):
        end = min(start + DIRECTIONS_AT_ONCE, len(parts))
        signed = parts.readings(centred, start, end)
        for sign, values in enumerate((signed, -signed)):
            limit = values.topk(n_firing + 1, dim=0).values[-1]
            thresholds[start:end, sign] = limit
            reached[start:end, sign] = (values > limit).double().mean(dim=0)
    return thresholds.flatten(), reached.flatten()
