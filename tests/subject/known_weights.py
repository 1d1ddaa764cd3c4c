"""Known weights, and what each architecture makes of them, in numpy alone."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from architectures import D
from numpy.typing import NDArray

N, K = 40, 5
Array = NDArray[np.float32]
Weights = dict[str, Array]


def make_weights(d: int = D) -> Weights:
    """Return biases that matter, thresholds within reach, decoder norms from 0.5 to 2."""
    draws = np.random.default_rng(3)
    made = {
        "W_enc": draws.normal(size=(d, N)) / d**0.5,
        "W_dec": draws.normal(size=(N, d)),
        "b_enc": draws.normal(size=N) * 0.3,
        "b_dec": draws.normal(size=d),
        "threshold": draws.uniform(0.2, 1.0, N),
        "r_mag": draws.normal(size=N) * 0.3,
        "b_gate": draws.normal(size=N) * 0.3,
        "b_mag": draws.normal(size=N) * 0.3,
        "W_skip": draws.normal(size=(d, d)),
    }
    return {name: array.astype(np.float32) for name, array in made.items()}


def vectors(d: int = D) -> Array:
    return np.random.default_rng(4).normal(size=(30, d)).astype(np.float32)


# The formulas.


def pre(w: Weights, x: Array, *, shifted: bool) -> Array:
    return (x - w["b_dec"] * shifted) @ w["W_enc"] + w["b_enc"]


def relu(w: Weights, x: Array, *, shifted: bool) -> Array:
    return np.maximum(pre(w, x, shifted=shifted), 0)


def jumprelu(w: Weights, x: Array, *, shifted: bool) -> Array:
    before = pre(w, x, shifted=shifted)
    return np.where(before > w["threshold"], np.maximum(before, 0), 0)


def topk(w: Weights, x: Array, *, shifted: bool) -> Array:
    before = pre(w, x, shifted=shifted)
    kth = np.sort(before, axis=1)[:, -K][:, None]
    return np.where(before >= kth, np.maximum(before, 0), 0)


def gated(w: Weights, x: Array, *, shifted: bool) -> Array:
    projected = (x - w["b_dec"] * shifted) @ w["W_enc"]
    return (projected + w["b_gate"] > 0) * np.maximum(projected * np.exp(w["r_mag"]) + w["b_mag"], 0)


def one_threshold(w: Weights, x: Array, *, shifted: bool) -> Array:
    return jumprelu(w | {"threshold": np.full(N, 0.5, np.float32)}, x, shifted=shifted)


def times_norm(w: Weights, codes: Array) -> Array:
    return codes * np.linalg.norm(w["W_dec"], axis=1)


# The format of SAE-Lens, and the tensors of Gemma Scope.

GEMMA = ("W_enc", "W_dec", "b_enc", "b_dec", "threshold")


def write_sae_lens(folder: Path, w: Weights, architecture: str, **options: Any) -> Path:
    from sae_lens import SAE, __version__

    metadata = {"sae_lens_version": __version__, "hook_name": "blocks.2.hook_resid_post"} | options.pop("metadata", {})
    settings = {"architecture": architecture, "d_in": D, "d_sae": N, "apply_b_dec_to_input": True, "metadata": metadata}
    sae = SAE.from_dict(settings | options)
    sae.load_state_dict({name: torch.from_numpy(w[name]) for name in sae.state_dict()})
    sae.save_model(folder)
    return folder
