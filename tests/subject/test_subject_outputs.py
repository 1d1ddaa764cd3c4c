"""Output tokens: the final norm's gain is folded in on every architecture; other spaces have none."""

from dataclasses import dataclass

import pytest
import torch
from architectures import ARCHITECTURES, LAYERS, D, build_subject, standardised
from torch import Tensor

from autointerp.subject.harvest import final_gain, output_tokens
from autointerp.subject.sites import Site

pytestmark = pytest.mark.usefixtures("third_parties")


@dataclass(frozen=True)
class Directions:
    """As much of a dictionary as output tokens are read from."""

    directions: Tensor
    has_decoder: bool = True


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_final_gain_is_what_the_model_applies(name: str) -> None:
    """Two streams' difference before the unembedding is that of their standardised forms times the gain."""
    subject = build_subject(name)
    caught: list[Tensor] = []
    handle = subject.model.get_output_embeddings().register_forward_pre_hook(lambda _m, i: caught.append(i[0]))
    ids = [3, 17, 29, 8]
    try:
        with torch.inference_mode():
            subject.model(input_ids=subject.with_bos([ids]), use_cache=False)
    finally:
        handle.remove()
    streams = standardised(ARCHITECTURES[name], subject.site_vectors([ids], Site("residual", LAYERS))[0])
    seen = caught[0][0, -len(ids) :]
    torch.testing.assert_close(
        seen[1:] - seen[0], (streams[1:] - streams[0]) * final_gain(subject), atol=1e-4, rtol=1e-4
    )


def test_directions_of_another_space_have_no_output_tokens() -> None:
    """Directions among neurons or heads are not in the unembedding's space: nothing is promoted, nothing fails."""
    subject = build_subject("llama")
    found = output_tokens(subject, Directions(torch.eye(D + 3)), [0, 2])  # type: ignore[arg-type]
    assert found == {0: ((), ()), 2: ((), ())}
