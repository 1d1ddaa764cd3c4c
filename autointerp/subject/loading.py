"""Dictionaries by name: folders, files and names of sae-lens's registry, found and loaded."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from autointerp.checkpoints import check_device
from autointerp.core.errors import SubjectError
from autointerp.subject.dictionaries import SparseDictionary
from autointerp.subject.formats import READERS, naming_parts
from autointerp.subject.pickles import is_pickled, refuse_pickles
from autointerp.subject.registry import REGISTRY, load_registered, quiet
from autointerp.subject.sites import Site

SAE_LENS_WEIGHTS = "sae_weights.safetensors"

CENTRED = ("residual", "residual_mid", "attention", "mlp", "embedding")
"""Parts that TransformerLens centres where a model is loaded with ``center_writing_weights``."""

Source = Path | str
"""One dictionary: a folder, a file, or a name of the registry."""


def find_sources(name: str) -> list[Source]:
    """Return the dictionaries behind a name: one, or those of a ladder's folder in order of width.

    Raises SubjectError when there is none, or only a pickle.
    """
    return [name] if name.startswith(REGISTRY) else [*dictionary_folders(Path(name).expanduser())]


def dictionary_folders(path: Path) -> list[Path]:
    """Return a dictionary's folder or file itself, or the folders of a ladder in order of width.

    Raises SubjectError when there is none, or only a pickle.
    """
    refuse_pickles(path)
    if path.suffix in (".npz", ".safetensors") and path.is_file():
        return [path]
    if _is_dictionary(path):
        return [path]
    found = [folder for folder in path.glob("*/") if _is_dictionary(folder)]
    if not found:
        msg = (
            f"{path}: no dictionary here (no cfg.json, {', '.join(READERS)}); name a dictionary's folder, "
            f"a ladder's, or {REGISTRY}RELEASE/ID"
        )
        raise SubjectError(msg)
    return sorted(found, key=lambda p: (len(p.name), p.name))


def load_dictionary(source: Source, *, device: str = "cpu", dtype: str = "float32") -> SparseDictionary:
    """Load one dictionary; it computes in *dtype*.

    Raises:
        SubjectError: There is none, its weights are a pickle, or they cannot be read, wherever they are from.
        EnvironmentProblem: A name of the registry whose files are not here and cannot be fetched, or no such device.
    """
    check_device(device)
    if isinstance(source, str):

        def read(folder: Path) -> Any:
            return _read(folder, _weights_of(folder), device=device, dtype=dtype)

        sae, parts = load_registered(source, device=device, dtype=dtype, read=read)
        return _finished(sae, family_width(parts, sae.cfg.d_sae), Path(source), where=source)
    weights = _weights_of(source)
    folder = weights.parent
    try:
        sae = _read(folder, weights, device=device, dtype=dtype)
    except SubjectError:
        raise
    except Exception as error:
        msg = f"dictionary {source}: {type(error).__name__}: {error}; write the weights again or copy them whole"
        raise SubjectError(msg) from error
    return _finished(sae, _local_name(folder, weights, sae), folder, where=str(source))


def _is_dictionary(path: Path) -> bool:
    return any((path / name).exists() for name in ("cfg.json", *READERS)) or is_pickled(path)


def _weights_of(source: Path) -> Path:
    """Return the file of weights of a dictionary's folder, or the file itself. Raises SubjectError for others."""
    refuse_pickles(source)
    if source.is_file():
        if source.name not in (*READERS, SAE_LENS_WEIGHTS) and source.suffix != ".npz":
            known = ", ".join((SAE_LENS_WEIGHTS, *READERS))
            msg = f"dictionary {source}: its format is not known; files are known by their names, {known}"
            raise SubjectError(msg)
        return source
    for name in READERS:
        if (source / name).exists():
            return source / name
    if not (source / "cfg.json").exists():
        msg = f"dictionary {source}: no cfg.json there; name a folder in SAE-Lens format"
        raise SubjectError(msg)
    return source / SAE_LENS_WEIGHTS


def _read(folder: Path, weights: Path, *, device: str, dtype: str) -> Any:
    from sae_lens import SAE

    reader = READERS.get(weights.name) or (READERS["params.npz"] if weights.suffix == ".npz" else None)
    if reader is None:
        _refuse_unknown(folder)
        with quiet():
            return _folded(SAE.load_from_disk(folder, device=device, dtype=dtype), folder)

    def convert(_path: Any, device: Any, cfg_overrides: Any) -> Any:
        settings, state = reader(weights)
        return settings | {"device": device} | (cfg_overrides or {}), state

    return SAE.load_from_disk(folder, device=device, dtype=dtype, converter=convert)


def _refuse_unknown(folder: Path) -> None:
    """Raise SubjectError for an architecture that sae-lens loads only to train it on."""
    from sae_lens.registry import SAE_CLASS_REGISTRY

    kind = json.loads((folder / "cfg.json").read_text("utf-8")).get("architecture", "standard")
    if kind not in SAE_CLASS_REGISTRY:
        msg = (
            f"dictionary {folder}: architecture {kind!r} is not among those of finished dictionaries: "
            f"{', '.join(SAE_CLASS_REGISTRY)}; save it with sae-lens's save_inference_model"
        )
        raise SubjectError(msg)


def _folded(sae: Any, folder: Path) -> Any:
    """Return the autoencoder with the scale of its training folded in, where a checkpoint has it beside."""
    path = folder / "activation_scaler.json"
    if sae.cfg.normalize_activations == "expected_average_only_in" and path.exists():
        sae.fold_activation_norm_scaling_factor(float(json.loads(path.read_text("utf-8"))["scaling_factor"]))
    return sae


def _finished(sae: Any, name: str, folder: Path, *, where: str) -> SparseDictionary:
    """Return the dictionary of a loaded sae-lens model. Raises SubjectError for one that is of no use here."""
    metadata = sae.cfg.metadata
    if why := _unfit(sae):
        msg = f"dictionary {where}: {why}"
        raise SubjectError(msg)
    if metadata["topk"] is not None:
        from sae_lens.saes.topk_sae import TopK

        sae.activation_fn = TopK(int(metadata["topk"]))
    # Heads stand side by side in our vectors already.
    sae.turn_off_forward_pass_hook_z_reshaping()
    sae.eval()
    sae.requires_grad_(False)
    site = _ours(metadata["site"] or metadata["hook_name"])
    output = _ours(metadata["output_site"] or metadata["hook_name_out"])
    asked = metadata["model_from_pretrained_kwargs"] or {}
    is_centred = bool(asked.get("center_writing_weights")) and site.split(".")[0] in CENTRED
    return SparseDictionary(name, site, sae, folder, output or site, is_centred)


def _unfit(sae: Any) -> str:
    """Return why a dictionary cannot be read vector by vector as it stands; "" when it can."""
    if sae.cfg.architecture() == "temporal":
        return "a temporal autoencoder reads whole contexts; name one that reads single vectors"
    if sae.cfg.metadata["hook_head_index"] is not None:
        return "it reads a single attention head; name one that reads all of them"
    left = sae.cfg.normalize_activations
    if left in ("expected_average_only_in", "covariance_whitening"):
        return (
            f"it was trained on vectors normalised by {left}, and the numbers for that are not in its files; fold "
            "them in with sae-lens (fold_activation_norm_scaling_factor, fold_activation_whitening) and save it again"
        )
    return ""


def _ours(name: str | None) -> str:
    """Return a site's name as it is written here; a name not known here as it stands."""
    with suppress(SubjectError):
        return str(Site.parse(name or ""))
    return name or ""


def _local_name(folder: Path, weights: Path, sae: Any) -> str:
    """Return ``family/width``: the name in the file, else of the folders that lead to it."""
    if named := sae.cfg.metadata["name"]:
        return str(named)
    parts = naming_parts(folder)
    if parts[-1] == str(sae.cfg.d_sae):
        parts = parts[:-1]
    if weights.name not in READERS and weights.name != SAE_LENS_WEIGHTS:
        parts.append(weights.stem)
    return family_width(parts, sae.cfg.d_sae)


def family_width(parts: list[str], width: int) -> str:
    """Return the name of a dictionary whose recipe these parts of a path spell, its width left out of them.

    >>> family_width(["gemma-scope-2b-pt-res", "layer_12", "width_16k", "canonical"], 16384)
    'gemma-scope-2b-pt-res.layer_12.canonical/16384'
    """
    family = [re.sub(r"[^\w.-]+", "-", part) for part in parts if not re.fullmatch(r"width_\d+[km]", part)]
    return f"{'.'.join(family)}/{width}"
