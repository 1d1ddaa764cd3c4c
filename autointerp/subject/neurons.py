"""The MLP's neurons: what they write into the residual stream; their activations stand at the site ``neurons.N``."""

from typing import Any

from torch import Tensor, nn

from autointerp.subject.model import Site, Subject


def down_projection(subject: Subject, layer: int) -> nn.Module:
    """Return the module that writes the neurons into the residual stream. Raises SubjectError where none is known."""
    return subject.tap(Site("neurons", layer)).module


def written_by_neurons(subject: Subject, layer: int) -> Tensor:
    """Return what each neuron adds to the residual stream at an activation of 1, [d_mlp, d_model]."""
    projection: Any = down_projection(subject, layer)
    weight: Tensor = projection.weight.detach()
    # A Linear holds [out, in]; GPT-2's Conv1D holds [in, out].
    return weight.T if isinstance(projection, nn.Linear) else weight
