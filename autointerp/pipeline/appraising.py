"""What the dictionaries of a ladder are worth: on documents that never trained them, and how many features live."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autointerp.pipeline.ladder_config import TrainConfig
from autointerp.pipeline.run import OnProgress
from autointerp.subject.contexts import CONTEXT_TOKENS
from autointerp.subject.dictionaries import SparseDictionary
from autointerp.subject.documents import Document
from autointerp.subject.evaluate import alive_features, cross_entropies, reconstruction
from autointerp.subject.gather import in_sampling_order, take_contexts
from autointerp.subject.model import Site, Subject
from autointerp.subject.train import n_vectors

CONTEXTS_A_DOCUMENT = 4


def appraise(
    subject: Subject,
    site: Site,
    dictionaries: list[SparseDictionary],
    documents: list[Document],
    shards: Sequence[Path],
    config: TrainConfig,
    *,
    max_norm: float,
    on_progress: OnProgress,
) -> dict[str, dict[str, Any]]:
    """Return by dictionary what ``measure_ladder`` says on *documents*, and what is alive on the training *shards*."""
    measured = measure_ladder(
        subject, site, dictionaries, documents, config, max_norm=max_norm, on_progress=on_progress
    )
    alive = alive_features(dictionaries, shards, on_progress=lambda a, b: on_progress("alive", a, b, "vectors"))
    seen = {"tokens_seen": n_vectors(shards) * config.epochs}
    return {d.name: measured[d.name] | seen | alive[d.name] for d in dictionaries}


def measure_ladder(
    subject: Subject,
    site: Site,
    dictionaries: list[SparseDictionary],
    documents: list[Document],
    config: TrainConfig,
    *,
    max_norm: float,
    on_progress: OnProgress,
) -> dict[str, dict[str, Any]]:
    """Return sparsity, variance explained and cross-entropy recovered by dictionary, on *documents*.

    fraction_ce_recovered = (CE(zero) - CE(dictionary)) / (CE(zero) - CE(subject)), zero ablation as in
    Towards Monosemanticity and SAEBench.
    """
    wanted = config.n_evaluation_contexts * CONTEXT_TOKENS
    contexts, used = take_contexts(
        subject, documents, n_tokens=wanted, seed=config.seed, per_document=CONTEXTS_A_DOCUMENT
    )
    few = in_sampling_order(contexts)[: config.n_cross_entropy_contexts]
    quality = reconstruction(
        subject, site, dictionaries, contexts, max_norm=max_norm,
        on_progress=lambda done, total: on_progress("variance", done, total, "batches"),
    )  # fmt: skip
    entropy = cross_entropies(
        subject, site, dictionaries, few, max_norm=max_norm,
        on_progress=lambda done, total: on_progress("cross-entropy", done, total, "batches"),
    )  # fmt: skip
    span = entropy["zero"] - entropy["subject"]
    return {
        d.name: quality[d.name]
        | {
            "n_documents": len(used),
            "ce_subject": entropy["subject"],
            "ce_zero": entropy["zero"],
            "ce_dictionary": entropy[d.name],
            "n_tokens_cross_entropy": len(few) * CONTEXT_TOKENS,
            "fraction_ce_recovered": (entropy["zero"] - entropy[d.name]) / span,
        }
        for d in dictionaries
    }
