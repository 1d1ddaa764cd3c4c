"""The MLP's neurons: what enters its down projection, and what that writes."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from autointerp.core.errors import SubjectError
from autointerp.subject.model import Subject

DOWN_PROJECTIONS = ("down_proj", "c_proj", "dense_4h_to_h", "fc2", "fc_out")


class _CaughtError(Exception):
    """The forward pass came to the neurons; what follows is not needed."""


def down_projection(subject: Subject, layer: int) -> nn.Module:
    """Return what writes the neurons of a layer, from 1, into the residual stream. Raises SubjectError for none."""
    lists = (m for m in subject.model.modules() if isinstance(m, nn.ModuleList) and len(m) == subject.n_layers)
    mlp = getattr(next(lists)[layer - 1], "mlp", None)
    for name in DOWN_PROJECTIONS:
        if hasattr(mlp, name):
            return getattr(mlp, name)  # type: ignore[no-any-return]
    msg = f"neurons of {subject.name}: no MLP with a {' or '.join(DOWN_PROJECTIONS)}; leave this baseline out"
    raise SubjectError(msg)


def written_by_neurons(subject: Subject, layer: int) -> Tensor:
    """Return what each neuron adds to the residual stream at an activation of 1, [d_mlp, d_model]."""
    projection: Any = down_projection(subject, layer)
    weight: Tensor = projection.weight.detach()
    # A Linear holds [out, in]; GPT-2's Conv1D holds [in, out].
    return weight.T if isinstance(projection, nn.Linear) else weight


@torch.inference_mode()
def neuron_vectors(subject: Subject, contexts: Sequence[Sequence[int]], layer: int) -> Tensor:
    """Return the neurons' activations, float32 [B, T, d_mlp], BOS row cut off; the pass stops there."""
    caught: list[Tensor] = []

    def catch(_module: nn.Module, inputs: Any) -> None:
        caught.append(inputs[0])
        raise _CaughtError

    handle = down_projection(subject, layer).register_forward_pre_hook(catch)
    try:
        with suppress(_CaughtError):
            subject.model(input_ids=subject.with_bos(contexts), use_cache=False)
    finally:
        handle.remove()
    return caught[0][:, -len(contexts[0]) :].float()
