"""``autointerp train``: a ladder from its recipe, with what it is worth on text it never saw."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autointerp.core.draws import content_key
from autointerp.core.errors import ConfigError
from autointerp.pipeline.appraising import appraise
from autointerp.pipeline.ladder_config import TrainConfig
from autointerp.pipeline.run import PACKAGES, OnProgress, _version
from autointerp.store.files import write_whole
from autointerp.store.parts import write_part
from autointerp.store.places import cache_of
from autointerp.subject.checkpoint import check_checkpoint, deciding, differences
from autointerp.subject.contents import corpus_contents
from autointerp.subject.contexts import Context, massive_norm
from autointerp.subject.corpus import describe_machine, read_corpus
from autointerp.subject.curve import CurvePoint
from autointerp.subject.dictionaries import EVALUATION_FILE
from autointerp.subject.documents import Document
from autointerp.subject.gather import (
    gather_vectors,
    in_sampling_order,
    is_for_training,
    shuffled_contexts,
    take_contexts,
)
from autointerp.subject.loading import load_dictionary
from autointerp.subject.model import Site, Subject
from autointerp.subject.recipe import Recipe, recipe_fields
from autointerp.subject.shuffled import load_subject, shuffled_metadata
from autointerp.subject.train import n_vectors, save_member, train_members

N_FOR_NORM = 64
MANIFEST = "manifest.json"
CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class _Text:
    """What trains the ladder, in the order it is harvested, and the documents that may not."""

    harvested: list[Context]
    trained: list[Document]
    fresh: list[Document]
    limit: float


def train_ladder(config: TrainConfig, *, home: Path, folder: Path, command: str, on_progress: OnProgress) -> Path:
    """Train the ladder into *folder* and return it; site vectors already harvested are used again.

    Writes one folder a member in SAE-Lens format with ``evaluation.json``, the table ``training``,
    ``trained_documents.txt`` (fingerprints of every document that trained it) and, last,
    ``manifest.json``. Cut short, the same call goes on from ``checkpoint.pt``, which goes when all is
    done; of a finished ladder only an evaluation with other settings is made again.

    Raises:
        ConfigError: The folder holds another ladder, or the checkpoint of another training.
    """
    subject = load_subject(config.subject, dtype=config.dtype, device=config.device, is_shuffled=config.shuffle_weights)
    site, decides = Site.parse(config.site), _decides(config, subject)
    known = finished_manifest(folder, deciding(config.recipe, **decides))
    if known and known["config"] == config.model_dump(mode="json"):
        return folder
    check_checkpoint(folder / CHECKPOINT, deciding(config.recipe, **decides))
    text = _take_text(config, subject, site)
    shards = gather_vectors(
        subject, site, text.harvested, cache_of(home) / "vectors" / _vectors_key(decides), max_norm=text.limit,
        on_progress=lambda done, total: on_progress("harvest", done, total, "tokens"),
    )  # fmt: skip
    if not known:
        _train(config, site, text, shards, folder, decides, on_progress)
    dictionaries = [
        load_dictionary(folder / config.recipe.folder(member), device=config.device) for member in config.recipe.members
    ]
    measured = appraise(
        subject, site, dictionaries, text.fresh, shards, config, max_norm=text.limit, on_progress=on_progress
    )
    for dictionary in dictionaries:
        _write_json(dictionary.folder / EVALUATION_FILE, measured[dictionary.name])
    fingerprints = sorted({f for d in text.trained for f in d.fingerprints})
    write_whole(folder / "trained_documents.txt", lambda file: file.write("\n".join(fingerprints).encode() + b"\n"))
    ours = _manifest(config, site, text, shards, decides)
    _write_json(folder / MANIFEST, ours | {"command": command, "dictionaries": dict(sorted(measured.items()))})
    for leftover in folder.glob("checkpoint.*"):
        leftover.unlink()
    return folder


def _train(
    config: TrainConfig,
    site: Site,
    text: _Text,
    shards: list[Path],
    folder: Path,
    decides: Mapping[str, Any],
    on_progress: OnProgress,
) -> None:
    """Write the trained members and their losses against compute."""
    recipe = config.recipe
    trained = train_members(
        shards,
        recipe,
        metadata={
            "site": str(site), "hook_name": site.hook_name, "model_name": config.subject, "max_norm": text.limit
        } | shuffled_metadata(is_shuffled=config.shuffle_weights),
        checkpoint=folder / CHECKPOINT,
        decides=decides,
        device=config.device,
        on_progress=lambda done, total: on_progress("train", done, total, "tokens"),
    )  # fmt: skip
    for member, sae in trained.saes.items():
        sae.cfg.metadata["name"] = recipe.name(config.name, member)
        save_member(sae, folder / recipe.folder(member))
    write_part(folder, "training", "ladder", [_row(config.name, recipe, point) for point in trained.curve])


def _manifest(
    config: TrainConfig, site: Site, text: _Text, shards: list[Path], decides: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what decided and what describes the training, as plain values."""
    subject = {"name": config.subject, "sha256": decides["subject_sha256"], "weights": _weights_note(config)}
    subject |= shuffled_metadata(is_shuffled=config.shuffle_weights)
    return {
        "name": config.name,
        "config": config.model_dump(mode="json"),
        "recipe": recipe_fields(config.recipe) | {"optimiser": "Adam (0.9, 0.999)"},
        "decides": deciding(config.recipe, **decides),
        "subject": subject,
        "site": {"name": str(site), "hook_name": site.hook_name},
        "left_out": {"positions": "BOS", "norm_above": text.limit, "rule": "10 times the median norm at the site"},
        "training": {
            "n_documents": len(text.trained),
            "n_distinct_vectors": n_vectors(shards),
            "epochs": config.epochs,
            "tokens_seen": n_vectors(shards) * config.epochs,
            "tokens_by_source": _by_source(text.harvested),
        },
        "evaluation": "on documents never trained on; see evaluation.json of each dictionary",
        "versions": {name: _version(name) for name in PACKAGES} | {"machine": describe_machine()},
    }


def finished_manifest(folder: Path, decides: Mapping[str, str]) -> dict[str, Any]:
    """Return the manifest of the ladder that stands finished in *folder*, empty where none does.

    Raises ConfigError when it is another ladder: its members would stand beside ours, or under them.
    """
    path = folder / MANIFEST
    if not path.exists():
        return {}
    manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if manifest.get("decides") == decides:
        return manifest
    told = "; ".join(differences(manifest["decides"], decides)) if "decides" in manifest else "it does not say how"
    msg = f"{folder}: another ladder was trained there: {told}. Name another folder with --into, or move this one away"
    raise ConfigError(msg)


def _decides(config: TrainConfig, subject: Subject) -> dict[str, Any]:
    """Return what decides the vectors that are trained on, by name, and what the members are called."""
    return {
        "name": config.name,
        "subject": config.subject,
        "subject_sha256": subject.sha256,
        "site": config.site,
        "dtype": config.dtype,
        "n_tokens": config.n_tokens,
        "seed": config.seed,
        "fraction_trained": config.fraction_trained,
        "corpus": corpus_contents(config.corpus),
    }


def _vectors_key(decides: Mapping[str, Any]) -> str:
    """Return the key of the harvested vectors, whatever the ladder trained on them is called."""
    return content_key(json.dumps({n: value for n, value in decides.items() if n != "name"}, sort_keys=True))


def _take_text(config: TrainConfig, subject: Subject, site: Site) -> _Text:
    """Return the text of both sides. Raises CorpusError when there is less than was asked for."""
    documents = list(read_corpus(config.corpus))
    for_training = [d for d in documents if _is_for_training(d, config)]
    contexts, used = take_contexts(subject, for_training, n_tokens=config.n_tokens, seed=config.seed)
    harvested = shuffled_contexts(contexts, n_tokens=config.n_tokens)
    names = {c.doc for c in harvested}
    return _Text(
        harvested=harvested,
        trained=[d for d in used if d.doc in names],
        fresh=[d for d in documents if not _is_for_training(d, config)],
        limit=massive_norm(subject, site, in_sampling_order(contexts)[:N_FOR_NORM]),
    )


def _row(ladder: str, recipe: Recipe, point: CurvePoint) -> dict[str, Any]:
    """Return the point as a row of the table ``training``."""
    name = recipe.name(ladder, point.member)
    return {
        "dictionary": name,
        "family": name.rpartition("/")[0],
        "width": point.member.width,
        "architecture": recipe.architecture,
        "axis": recipe.axis,
        "sparsity": point.member.sparsity,
        "seed": point.member.seed,
        "epoch": point.epoch,
        "step": point.step,
        "tokens": point.tokens,
        "n_measured": point.n_measured,
        "n_parameters": point.n_parameters,
        "flops": point.flops,
        "loss": point.loss,
        "l0": point.l0,
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
