"""The MLP's neurons: what enters its down projection, and what that writes."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from autointerp.core.errors import SubjectError
from autointerp.subject.model import Site, Subject

DOWN_PROJECTIONS = ("down_proj", "c_proj", "dense_4h_to_h", "fc2", "w2", "wo")


def down_projection(subject: Subject, layer: int) -> nn.Module:
    """Return the module that writes the neurons into the residual stream. Raises SubjectError where none is known."""
    mlp = subject.module_at(Site("mlp", layer))
    for name in DOWN_PROJECTIONS:
        if hasattr(mlp, name):
            return getattr(mlp, name)  # type: ignore[no-any-return]
    msg = f"neurons of {subject.name}: its MLP has no {' or '.join(DOWN_PROJECTIONS)}; leave this baseline out"
    raise SubjectError(msg)


def written_by_neurons(subject: Subject, layer: int) -> Tensor:
    """Return what each neuron adds to the residual stream at an activation of 1, [d_mlp, d_model]."""
    projection: Any = down_projection(subject, layer)
    weight: Tensor = projection.weight.detach()
    # A Linear holds [out, in]; GPT-2's Conv1D holds [in, out].
    return weight.T if isinstance(projection, nn.Linear) else weight


@torch.inference_mode()
def neuron_vectors(subject: Subject, contexts: Sequence[Sequence[int]], layer: int) -> Tensor:
    """Return the neurons' activations, float32 [B, T, d_mlp], BOS row cut off; the pass stops behind the MLP."""
    caught: list[Tensor] = []

    def catch(_module: nn.Module, inputs: Any) -> None:
        caught.append(inputs[0])

    handle = down_projection(subject, layer).register_forward_pre_hook(catch)
    try:
        subject.site_vectors(contexts, Site("mlp", layer))
    finally:
        handle.remove()
    return caught[0][:, -len(contexts[0]) :].float()
