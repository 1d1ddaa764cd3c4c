"""Dictionaries of every architecture that sae-lens reads, with random weights."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autointerp.subject.dictionaries import SparseCodes, SparseDictionary

ARCHITECTURES = (
    "standard",
    "topk",
    "jumprelu",
    "gated",
    "transcoder",
    "skip_transcoder",
    "jumprelu_transcoder",
    "jumprelu_skip_transcoder",
    "topk that scales",
    "topk transcoder",
    "matching_pursuit",
)
D = 8


def build(name: str, width: int, *, seed: int = 0, k: int = 4) -> SparseDictionary:
    """Return a dictionary of an architecture with random weights."""
    from sae_lens import SAE
    from sae_lens.saes.topk_sae import TopK

    architecture = {"topk that scales": "topk", "topk transcoder": "transcoder"}.get(name, name)
    settings: dict[str, Any] = {"architecture": architecture, "d_in": D, "d_sae": width, "apply_b_dec_to_input": True}
    if "transcoder" in architecture:
        settings |= {"d_out": D, "apply_b_dec_to_input": False}
    if architecture == "topk":
        settings |= {"k": min(k, width), "rescale_acts_by_decoder_norm": name == "topk that scales"}
    if architecture == "matching_pursuit":
        settings |= {"max_iterations": 3}
    sae = SAE.from_dict(settings)
    draws = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in sae.parameters():
            weight.copy_(torch.randn(weight.shape, generator=draws) * 0.5)
        if hasattr(sae, "threshold"):
            sae.threshold.copy_(torch.rand(width, generator=draws))
    if name == "topk transcoder":
        sae.activation_fn = TopK(min(k, width))
    return SparseDictionary(f"test/{width}", "residual.1", sae.eval().requires_grad_(False), Path("nowhere"))


def dense(codes: SparseCodes, shape: torch.Size) -> Tensor:
    """Return the codes as a matrix on the CPU; one place named twice would be a sum."""
    places = (codes.row.cpu(), codes.feature.cpu())
    return torch.zeros(shape).index_put_(places, codes.value.cpu(), accumulate=True)
