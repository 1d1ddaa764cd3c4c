"""Weights in others' formats, read from local files as a configuration and a state that sae-lens builds upon.

Nothing here reads a pickle. sae-lens's own readers of these formats fetch from a hub, save that for sparsify,
which turns the decoder about and folds its bias in by another rule than sparsify does.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autointerp.core.errors import SubjectError
from autointerp.subject.sites import Site

State = dict[str, Tensor]
Reading = tuple[dict[str, Any], State]
"""(configuration, state) as sae-lens names things."""


def read_gemma_scope(path: Path) -> Reading:
    """Read Gemma Scope's ``params.npz`` (Lieberum et al. 2024): JumpReLU, the bias not taken from the input.

    Layer and site are read off the folders' names, which are those of the repositories.
    """
    with np.load(path, allow_pickle=False) as file:
        state = {_capital(name): torch.from_numpy(np.array(file[name], np.float32)) for name in file.files}
    if "embedding" in path.parts:
        # These were trained on the rows of the table; the model puts them in times sqrt(d_model).
        root = state["W_enc"].shape[0] ** 0.5
        state |= {"W_enc": state["W_enc"] / root, "W_dec": state["W_dec"] * root}
    # The gain of the norm before the MLP was folded into the MLP when the transcoders were trained.
    site, output = _site_in(path, transcoder_reads="mlp_normalized")
    return _configured("jumprelu_transcoder" if output else "jumprelu", state, site, output), state


def read_gemma_scope_2(path: Path) -> Reading:
    """Read Gemma Scope 2's ``params.safetensors``: as Gemma Scope, transcoders with an affine skip among them."""
    raw = _safetensors(path)
    state = {_capital(name): tensor for name, tensor in raw.items() if name != "affine_skip_connection"}
    if state["W_dec"].ndim != 2:
        msg = f"dictionary {path}: a cross-layer transcoder writes at many layers; name one that writes at one"
        raise SubjectError(msg)
    site, output = _site_in(path, transcoder_reads="mlp_in")
    kind = "jumprelu_transcoder" if output else "jumprelu"
    if "affine_skip_connection" in raw:
        # There vectors stand to the left of it, in sae-lens to the right.
        state["W_skip"], kind = raw["affine_skip_connection"].T.contiguous(), "jumprelu_skip_transcoder"
    return _configured(kind, state, site, output), state


def read_sparsify(path: Path) -> Reading:
    """Read sparsify's ``sae.safetensors`` and ``cfg.json``: TopK, transcoders and skip transcoders among them.

    The folder is named by the module: an autoencoder reads what it gives out, a transcoder what it takes in.
    """
    said, raw = json.loads((path.parent / "cfg.json").read_text("utf-8")), _safetensors(path)
    strange = [name for name in ("embed_skip", "gram_lookup") if said.get(name)]
    if said.get("activation", "topk") != "topk" or strange or "W_dec" not in raw:
        why = ", ".join(strange) or (f"activation {said.get('activation')}" if "W_dec" in raw else "no decoder")
        msg = f"dictionary {path.parent}: sparsify with {why} is not read here; name one with TopK and a decoder"
        raise SubjectError(msg)
    state = {
        "W_enc": raw["encoder.weight"].T,
        "b_enc": raw["encoder.bias"],
        "W_dec": raw["W_dec"],
        "b_dec": raw["b_dec"],
    }
    if "W_skip" in raw:
        state["W_skip"] = raw["W_skip"]
    module, k = path.parent.name, int(said["k"])
    if not said.get("transcode"):
        if "W_skip" in raw:
            msg = f"dictionary {path.parent}: an autoencoder with a skip connection is not read here"
            raise SubjectError(msg)
        return _configured("topk", state, _module_site(module), k=k, apply_b_dec_to_input=True), state
    kind = "skip_transcoder" if "W_skip" in raw else "transcoder"
    return _configured(kind, state, f"module:{module}:in", _module_site(module), topk=k), state


def read_dictionary_learning(path: Path) -> Reading:
    """Read dictionary_learning's weights, converted to ``ae.safetensors``, and its ``config.json``."""
    said, raw = json.loads((path.parent / "config.json").read_text("utf-8"))["trainer"], _safetensors(path)
    kind = str(said["dict_class"])
    if kind not in LEARNED:
        msg = f"dictionary {path.parent}: dict_class {kind} is not read here; those that are: {', '.join(LEARNED)}"
        raise SubjectError(msg)
    architecture, is_shifted = LEARNED[kind]
    names = {"W_enc", "b_enc", "W_dec", "b_dec", "r_mag", "b_gate", "b_mag"}
    if architecture == "jumprelu":
        names.add("threshold")
    turned = {LEARNED_NAMES.get(name, name): tensor.T if tensor.ndim == 2 and "." in name else tensor
              for name, tensor in raw.items()}  # fmt: skip
    state = {name: tensor for name, tensor in turned.items() if name in names}
    if architecture == "jumprelu":
        # One number for all features in BatchTopK and Matryoshka; -1 before it was ever measured.
        state["threshold"] = state["threshold"].float().expand(state["W_enc"].shape[1]).clone()
    more: dict[str, Any] = {"k": int(raw["k"])} if architecture == "topk" else {}
    site = _learned_site(said.get("submodule_name") or "resid_post_layer", int(said["layer"]))
    return _configured(architecture, state, site, apply_b_dec_to_input=is_shifted, **more), state


LEARNED = {
    "AutoEncoder": ("standard", True),
    "AutoEncoderNew": ("standard", False),
    "GatedAutoEncoder": ("gated", True),
    "JumpReluAutoEncoder": ("jumprelu", False),
    "AutoEncoderTopK": ("topk", True),
    "BatchTopKSAE": ("jumprelu", True),
    "MatryoshkaBatchTopKSAE": ("jumprelu", True),
}
"""dictionary_learning's classes: the architecture in sae-lens, and whether the decoder's bias leaves the input."""

LEARNED_NAMES = {
    "encoder.weight": "W_enc",
    "encoder.bias": "b_enc",
    "decoder.weight": "W_dec",
    "decoder.bias": "b_dec",
    "bias": "b_dec",
    "decoder_bias": "b_dec",
    "gate_bias": "b_gate",
    "mag_bias": "b_mag",
}

READERS: Mapping[str, Callable[[Path], Reading]] = {
    "params.npz": read_gemma_scope,
    "params.safetensors": read_gemma_scope_2,
    "sae.safetensors": read_sparsify,
    "ae.safetensors": read_dictionary_learning,
}
"""What a file of weights is called, and how it is read."""


def _configured(
    architecture: str, state: State, site: str, output: str = "", *, topk: int | None = None, **options: Any
) -> dict[str, Any]:
    """Return a configuration of today's sae-lens; sizes are those of the weights.

    ``topk``: how many features a transcoder keeps, for which sae-lens has no class.
    """
    from sae_lens import __version__

    metadata = {"sae_lens_version": __version__, "site": site, "output_site": output, "topk": topk}
    width = {"d_out": state["W_dec"].shape[1]} if "transcoder" in architecture else {}
    return {
        "architecture": architecture,
        "d_in": state["W_enc"].shape[0],
        "d_sae": state["W_enc"].shape[1],
        "apply_b_dec_to_input": False,
        "metadata": metadata,
        **width,
        **options,
    }


def _safetensors(path: Path) -> State:
    from safetensors.torch import load_file

    tensors: State = load_file(path)
    return tensors


def _capital(name: str) -> str:
    return f"W_{name[2:]}" if name.startswith("w_") else name


def _site_in(path: Path, *, transcoder_reads: str) -> tuple[str, str]:
    """Return (site, output site) as the folders of Gemma Scope name them: ``gemma-scope-2b-pt-res/layer_12/…``.

    "" where they do not say; a transcoder alone has an output site.
    """
    text = str(path.parent)
    if "embedding" in path.parts:
        return "embedding", ""
    layers = re.findall(r"layer_(\d+)", text)
    if not layers:
        return "", ""
    n = int(layers[-1]) + 1
    if "transcoder" in text:
        return f"{transcoder_reads}.{n}", f"mlp.{n}"
    named = {r"resid_post|pt-res|it-res": "residual", r"mlp_out|pt-mlp|it-mlp": "mlp", r"attn_out|-att\b": "heads"}
    return next((f"{part}.{n}" for pattern, part in named.items() if re.search(pattern, text)), ""), ""


def _module_site(module: str) -> str:
    """Return what a module of the text model gives out: ``layers.3`` is the stream after four layers."""
    if module == "embed_tokens":
        return "embedding"
    found = re.fullmatch(r"(?:layers|h)\.(\d+)", module)
    return str(Site("residual", int(found[1]) + 1)) if found else f"module:{module}"


def _learned_site(submodule: str, layer: int) -> str:
    parts = {"resid_post": "residual", "attention_out": "attention", "attn_out": "attention", "mlp_out": "mlp"}
    part = next((part for name, part in parts.items() if submodule.startswith(name)), None)
    return f"{part}.{layer + 1}" if part else ""
