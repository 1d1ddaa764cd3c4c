"""The MLP's neurons: what they write into the residual stream; their activations stand at the site ``neurons.N``."""

import re
from typing import Any

from torch import Tensor, nn

from autointerp.core.errors import SubjectError
from autointerp.subject.model import Site, Subject
from autointerp.subject.sites import MODULE_INPUT

BEHIND_OWN_MLP = ("residual", "mlp")
"""The parts of a layer that are computed from its own neurons."""


def down_projection(subject: Subject, layer: int) -> nn.Module:
    """Return the module that writes the neurons into the residual stream. Raises SubjectError where none is known."""
    return subject.tap(Site("neurons", layer)).module


def written_by_neurons(subject: Subject, layer: int) -> Tensor:
    """Return what each neuron adds to the residual stream at an activation of 1, [d_mlp, d_model]."""
    projection: Any = down_projection(subject, layer)
    weight: Tensor = projection.weight.detach()
    # A Linear holds [out, in]; GPT-2's Conv1D holds [in, out].
    return weight.T if isinstance(projection, nn.Linear) else weight


def neurons_before(site: Site) -> tuple[Site, ...]:
    """Return the sites of all MLP neurons that are computed before *site*, the first layer's first.

    A layer's own neurons come before what its MLP adds and before the stream behind it; not before its attention,
    its MLP's input, or themselves. Nothing comes before the embedding and the first MLP's input.

    Raises:
        SubjectError: It is a module of which the name does not tell the layer.
    """
    return tuple(Site("neurons", layer) for layer in range(1, _n_layers_before(site) + 1))


def _n_layers_before(site: Site) -> int:
    if not site.path:
        return site.layer if site.part in BEHIND_OWN_MLP else max(site.layer - 1, 0)
    found = re.search(r"(?:^|\.)(?:layers|h)\.(\d+)(\.[\w.]+)?$", site.path)
    if found is None:
        msg = f"site {site}: its name does not say which layers come before it; name a module of a layer"
        raise SubjectError(msg)
    # A list of layers counts from 0: what goes into the third, number 2, has two before it.
    is_behind = site.part != MODULE_INPUT and found[2] in (None, ".mlp")
    return int(found[1]) + is_behind
