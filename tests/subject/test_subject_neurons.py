"""Which neurons come before a site."""

import pytest

from autointerp.core.errors import SubjectError
from autointerp.subject.model import Site
from autointerp.subject.neurons import neurons_before


@pytest.mark.parametrize(
    ("site", "n_layers"),
    [
        ("residual.12", 12), ("residual.0", 0), ("embedding", 0), ("mlp.3", 3), ("residual_mid.3", 2),
        ("attention.3", 2), ("heads.1", 0), ("neurons.3", 2), ("mlp_in.3", 2), ("mlp_normalized.1", 0),
        ("blocks.11.hook_resid_post", 12), ("blocks.0.hook_resid_pre", 0), ("model.layers.3", 4),
        ("model.layers.3.mlp", 4), ("model.layers.3.mlp.input", 3), ("model.layers.3.input", 3),
        ("module:transformer.h.3.attn.c_proj", 3),
    ],
)  # fmt: skip
def test_neurons_before_a_site_are_those_it_is_computed_from(site: str, n_layers: int) -> None:
    """A layer's own neurons come before its MLP's output and the stream behind it, and before nothing earlier."""
    found = neurons_before(Site.parse(site))
    assert [str(one) for one in found] == [f"neurons.{layer}" for layer in range(1, n_layers + 1)]


def test_a_module_of_no_layer_is_refused() -> None:
    """Which neurons come before the final norm is not guessed from its name."""
    with pytest.raises(SubjectError, match="which layers come before"):
        neurons_before(Site.parse("module:model.norm"))
