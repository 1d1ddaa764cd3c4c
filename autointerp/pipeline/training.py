"""``autointerp train``: a ladder from its recipe, with what it is worth on text it never saw."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autointerp.core.draws import content_key
from autointerp.pipeline.config import TrainConfig
from autointerp.pipeline.run import PACKAGES, _version
from autointerp.store.files import write_whole
from autointerp.store.places import cache_of
from autointerp.subject.contents import corpus_contents
from autointerp.subject.contexts import CONTEXT_TOKENS, Context, massive_norm
from autointerp.subject.corpus import describe_machine, read_corpus
from autointerp.subject.dictionaries import EVALUATION_FILE, SparseDictionary, load_dictionary
from autointerp.subject.documents import Document
from autointerp.subject.evaluate import alive_features, cross_entropies, reconstruction
from autointerp.subject.gather import (
    gather_vectors,
    in_sampling_order,
    is_for_training,
    shuffled_contexts,
    take_contexts,
)
from autointerp.subject.model import Site, Subject
from autointerp.subject.train import Recipe, n_vectors, recipe_fields, save_member, train_members

N_FOR_NORM = 64
CONTEXTS_A_DOCUMENT = 4

Progress = Callable[[str, int, int, str], None]


def train_ladder(config: TrainConfig, *, home: Path, folder: Path, command: str, on_progress: Progress) -> Path:
    """Train the ladder into *folder* and return it; site vectors already harvested are used again.

    Writes one folder a width in SAE-Lens format with ``evaluation.json``, ``trained_documents.txt``
    (fingerprints of every document that trained it) and, last, ``manifest.json``.
    """
    subject = Subject.load(config.subject, dtype=config.dtype, device=config.device)
    site = Site.parse(config.site)
    documents = list(read_corpus(config.corpus))
    for_training = [d for d in documents if _is_for_training(d, config)]
    contexts, used = take_contexts(subject, for_training, n_tokens=config.n_tokens, seed=config.seed)
    limit = massive_norm(subject, site, in_sampling_order(contexts)[:N_FOR_NORM])
    vectors = vectors_folder(config, home)
    harvested = shuffled_contexts(contexts, n_tokens=config.n_tokens)
    shards = gather_vectors(
        subject,
        site,
        harvested,
        vectors,
        max_norm=limit,
        on_progress=lambda done, total: on_progress("harvest", done, total, "tokens"),
    )
    recipe = Recipe(config.widths, config.k, config.batch, config.learning_rate, config.epochs, seed=config.seed)
    members = train_members(
        shards,
        recipe,
        metadata={"site": str(site), "hook_name": site.hook_name, "model_name": config.subject, "max_norm": limit},
        checkpoint=vectors / f"checkpoint-{content_key(config.model_dump_json())}.pt",
        on_progress=lambda done, total: on_progress("train", done, total, "tokens"),
    )
    for width, sae in members.items():
        sae.cfg.metadata["name"] = f"{config.name}/{width}"
        save_member(sae, folder / str(width))
    fresh = [d for d in documents if not _is_for_training(d, config)]
    dictionaries = [load_dictionary(folder / str(width)) for width in config.widths]
    measured = measure_ladder(subject, site, dictionaries, fresh, config, max_norm=limit, on_progress=on_progress)
    tokens_seen = n_vectors(shards) * config.epochs
    alive = alive_features(dictionaries, shards, on_progress=lambda a, b: on_progress("alive", a, b, "vectors"))
    for dictionary in dictionaries:
        measured[dictionary.name] |= {"tokens_seen": tokens_seen, **alive[dictionary.name]}
        _write_json(dictionary.folder / EVALUATION_FILE, measured[dictionary.name])
    names = {c.doc for c in harvested}
    trained = [d for d in used if d.doc in names]
    fingerprints = sorted({f for d in trained for f in d.fingerprints})
    write_whole(folder / "trained_documents.txt", lambda file: file.write("\n".join(fingerprints).encode() + b"\n"))
    manifest = {
        "name": config.name,
        "command": command,
        "config": config.model_dump(mode="json"),
        "recipe": recipe_fields(recipe),
        "subject": {"name": config.subject, "sha256": subject.sha256, "weights": _weights_note(config)},
        "site": {"name": str(site), "hook_name": site.hook_name},
        "left_out": {"positions": "BOS", "norm_above": limit, "rule": "10 times the median norm at the site"},
        "training": {
            "n_documents": len(trained),
            "n_distinct_vectors": n_vectors(shards),
            "epochs": config.epochs,
            "tokens_seen": tokens_seen,
            "tokens_by_source": _by_source(harvested),
        },
        "evaluation": "on documents never trained on; see evaluation.json of each width",
        "dictionaries": {name: measured[name] for name in sorted(measured)},
        "versions": {name: _version(name) for name in PACKAGES} | {"machine": describe_machine()},
    }
    _write_json(folder / "manifest.json", manifest)
    return folder


def vectors_folder(config: TrainConfig, home: Path) -> Path:
    """Return where the harvested vectors of this subject, site and text stand."""
    parts = (config.subject, config.site, config.dtype, config.n_tokens, config.seed, config.fraction_trained)
    contents = sorted(corpus_contents(config.corpus).items())
    return cache_of(home) / "vectors" / content_key(*parts, config.corpus, contents)


def measure_ladder(
    subject: Subject,
    site: Site,
    dictionaries: list[SparseDictionary],
    documents: list[Document],
    config: TrainConfig,
    *,
    max_norm: float,
    on_progress: Progress,
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


def _is_for_training(document: Document, config: TrainConfig) -> bool:
    return is_for_training(document, seed=config.seed, fraction=config.fraction_trained)


def _by_source(contexts: list[Context]) -> dict[str, int]:
    """Return tokens by the first part of the document's name."""
    totals: dict[str, int] = {}
    for context in contexts:
        source = context.doc.split("/")[0]
        totals[source] = totals.get(source, 0) + len(context.token_ids)
    return totals


def _weights_note(config: TrainConfig) -> str:
    return "Q4_1 GGUF, dequantised" if "smollm2" in config.subject else config.dtype


def _write_json(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=1, allow_nan=False)
    write_whole(path, lambda file: file.write(text.encode() + b"\n"))
