"""How good a dictionary is on documents that never trained it: sparsity, variance, cross-entropy."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from autointerp.subject.contexts import Context, batches_of_one_length, kept_tokens
from autointerp.subject.dictionaries import SparseDictionary
from autointerp.subject.gather import OnProgress
from autointerp.subject.model import Site, Subject

BATCH = 8
N_FOR_ALIVE = 500_000


@contextmanager
def _replaced(subject: Subject, site: Site, replace: Any) -> Iterator[None]:
    """Within the context, what stands at the site is ``replace(vectors)``, BOS left as it is."""
    start = 0 if subject.bos is None else 1

    def swap(whole: Tensor) -> Tensor:
        changed = whole.clone()
        changed[:, start:] = replace(whole[:, start:].float()).to(whole.dtype)
        return changed

    handle = subject.tap(site).replace(swap)
    try:
        yield
    finally:
        handle.remove()


@torch.inference_mode()
def _cross_entropy(subject: Subject, batch: Sequence[Context]) -> float:
    """Return the summed next-token cross-entropy (nats) of a batch of contexts of one length."""
    ids = subject.with_bos([c.token_ids for c in batch])
    logits = subject.model(input_ids=ids, use_cache=False).logits[:, :-1].float()
    return float(nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="sum"))


def cross_entropies(
    subject: Subject,
    site: Site,
    dictionaries: Sequence[SparseDictionary],
    contexts: Sequence[Context],
    *,
    max_norm: float,
    on_progress: OnProgress,
) -> dict[str, float]:
    """Return mean cross-entropies (nats a token): ``subject`` untouched, ``zero`` and each dictionary spliced in.

    Tokens of massive norm keep their own vectors in every condition, zero included, since the
    dictionary never claims them.
    """

    def keep_massive(new: Any) -> Any:
        def replace(vectors: Tensor) -> Tensor:
            kept = kept_tokens(vectors, max_norm=max_norm)[..., None]
            return torch.where(kept, new(vectors), vectors)

        return replace

    conditions = {"zero": torch.zeros_like} | {d.name: d.reconstruct for d in dictionaries}
    totals = dict.fromkeys(["subject", *conditions], 0.0)
    n_tokens = 0
    batches = list(batches_of_one_length(contexts, size=BATCH))
    for number, batch in enumerate(batches, 1):
        n_tokens += sum(len(c.token_ids) for c in batch) - (len(batch) if subject.bos is None else 0)
        totals["subject"] += _cross_entropy(subject, batch)
        for name, new in conditions.items():
            with _replaced(subject, site, keep_massive(new)):
                totals[name] += _cross_entropy(subject, batch)
        on_progress(number, len(batches))
    return {name: total / n_tokens for name, total in totals.items()}


@torch.inference_mode()
def reconstruction(
    subject: Subject,
    site: Site,
    dictionaries: Sequence[SparseDictionary],
    contexts: Sequence[Context],
    *,
    max_norm: float,
    on_progress: OnProgress,
) -> dict[str, dict[str, float]]:
    """Return l0, fraction_variance_explained and n_alive by dictionary, over the kept tokens.

    Variance explained = 1 - sum |x - x'|^2 / sum |x - mean|^2. A feature is alive when it fired at least once.
    """
    parts = []
    batches = list(batches_of_one_length(contexts, size=BATCH))
    for number, batch in enumerate(batches, 1):
        vectors = subject.site_vectors([c.token_ids for c in batch], site)
        parts.append(vectors[kept_tokens(vectors, max_norm=max_norm)])
        on_progress(number, len(batches))
    vectors = torch.cat(parts)
    variance = float((vectors - vectors.mean(dim=0)).square().sum())
    return {d.name: _quality(d, vectors, variance) for d in dictionaries}


def _quality(dictionary: SparseDictionary, vectors: Tensor, variance: float) -> dict[str, float]:
    """Return the measures of one dictionary on vectors [n, d_model]; in slices, to bound the memory."""
    error, n_active, fired = 0.0, 0, torch.zeros(dictionary.n_features, dtype=torch.bool)
    for part in torch.split(vectors, 2048):
        activations = dictionary.encode(part)
        n_active += int((activations > 0).sum())
        fired |= (activations > 0).any(dim=0).cpu()
        error += float((part - dictionary.reconstruct(part)).square().sum())
    return {
        "l0": n_active / len(vectors),
        "fraction_variance_explained": 1 - error / variance,
        "n_alive_on_evaluation": int(fired.sum()),
        "n_tokens": len(vectors),
    }


@torch.inference_mode()
def alive_features(
    dictionaries: Sequence[SparseDictionary], shards: Sequence[Path], *, on_progress: OnProgress
) -> dict[str, dict[str, int | float]]:
    """Return n_alive and alive_share by dictionary: features that fire at least once on the given vectors.

    Reads shards until ``N_FOR_ALIVE`` vectors; how many were read is returned as n_vectors_alive.
    (Scaling Monosemanticity calls a feature dead that is silent over 10^7 tokens; fewer are read here,
    so rare features may be counted as dead.)
    """
    fired = {d.name: torch.zeros(d.n_features, dtype=torch.bool) for d in dictionaries}
    n_read = 0
    for path in shards:
        if n_read >= N_FOR_ALIVE:
            break
        vectors = torch.from_numpy(np.load(path).astype(np.float32))
        n_read += len(vectors)
        for part in torch.split(vectors, 2048):
            for dictionary in dictionaries:
                fired[dictionary.name] |= (dictionary.encode(part) > 0).any(dim=0).cpu()
        on_progress(n_read, N_FOR_ALIVE)
    return {
        name: {"n_alive": int(f.sum()), "alive_share": float(f.float().mean()), "n_vectors_alive": n_read}
        for name, f in fired.items()
    }
