"""Encoders of sae-lens, some features at a time: what fires, without a dense [tokens, n_features] of a wide one."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

Entries = tuple[Tensor, Tensor, Tensor]
"""(row, feature, value) of the non-zero activations, all of shape [n_nonzero]; values as the encoder gives them."""

Columns = slice
Encoded = tuple[Tensor, Tensor]
"""(values [n, block], where they are activations that are not zero, NaN among them: bool of the same shape)."""

Encode = Callable[[Any, Tensor, Columns], Encoded]


def encode_entries(sae: Any, vectors: Tensor, *, block: int) -> Entries:
    """Return the non-zero activations of vectors [n, d]: what ``sae.encode`` gives, NaN among them.

    The largest tensor made has n * *block* elements (a single row of n_features where the encoder cannot be
    cut), beside what fires. Equal values may be taken in another order than ``torch.topk`` takes them.
    """
    if is_topk(sae):
        return _largest(sae, vectors, block)
    encode = ENCODERS.get(sae.cfg.architecture())
    parts = _by_columns(sae, vectors, encode, block) if encode else _by_rows(sae, vectors, block)
    row, feature, value = zip(*parts, strict=True)
    return torch.cat(row), torch.cat(feature), torch.cat(value)


def is_topk(sae: Any) -> bool:
    """Return whether the encoder keeps the k largest of a token; so do transcoders that were given this activation."""
    from sae_lens.saes.topk_sae import TopK

    return isinstance(sae.activation_fn, TopK)


def _before_activation(sae: Any, inputs: Tensor, columns: Columns) -> Tensor:
    before: Tensor = inputs @ sae.W_enc[:, columns] + sae.b_enc[columns]
    return before


def _above(values: Tensor, least: Tensor | float) -> Encoded:
    # Not "values > least": NaN has to be found, too.
    return values, torch.le(values, least).logical_not_()


def _relu(sae: Any, inputs: Tensor, columns: Columns) -> Encoded:
    return _above(_before_activation(sae, inputs, columns), 0.0)


def _jumprelu(sae: Any, inputs: Tensor, columns: Columns) -> Encoded:
    return _above(_before_activation(sae, inputs, columns), sae.threshold[columns].clamp(min=0))


def _gated(sae: Any, inputs: Tensor, columns: Columns) -> Encoded:
    projected = inputs @ sae.W_enc[:, columns]
    is_on = projected > -sae.b_gate[columns]
    magnitude: Tensor = projected.mul_(sae.r_mag[columns].exp()).add_(sae.b_mag[columns])
    return _non_zero(magnitude.relu_().mul_(is_on))


def _non_zero(activations: Tensor) -> Encoded:
    return activations, activations != 0


ENCODERS: dict[str, Encode] = {
    "standard": _relu,
    "transcoder": _relu,
    "skip_transcoder": _relu,
    "jumprelu": _jumprelu,
    "jumprelu_transcoder": _jumprelu,
    "jumprelu_skip_transcoder": _jumprelu,
    "gated": _gated,
}
"""Encoders whose features do not depend on each other, by sae-lens's name of the architecture.

BatchTopK and Matryoshka dictionaries are saved as JumpReLU.
"""


def _blocks(n_features: int, block: int) -> Iterator[Columns]:
    return (slice(start, start + block) for start in range(0, n_features, block))


def _by_columns(sae: Any, vectors: Tensor, encode: Encode, block: int) -> Iterator[Entries]:
    inputs = sae.process_sae_in(vectors)
    for columns in _blocks(sae.cfg.d_sae, block):
        yield _entries(*encode(sae, inputs, columns), first_row=0, first_feature=columns.start)


def _by_rows(sae: Any, vectors: Tensor, block: int) -> Iterator[Entries]:
    n_rows = max(1, len(vectors) * block // sae.cfg.d_sae)
    for start in range(0, max(1, len(vectors)), n_rows):
        activations = sae.encode(vectors[start : start + n_rows])
        yield _entries(*_non_zero(activations), first_row=start, first_feature=0)


def _entries(values: Tensor, is_on: Tensor, *, first_row: int, first_feature: int) -> Entries:
    flat = _places(is_on)
    width = max(values.shape[1], 1)
    row = torch.div(flat, width, rounding_mode="floor")
    return row + first_row, flat - row * width + first_feature, values.flatten()[flat]


def _places(is_on: Tensor) -> Tensor:
    """Return where a matrix is true, counted along its rows."""
    if is_on.device.type == "cpu":
        # Where few are true NumPy finds them five times faster than torch.
        return torch.from_numpy(np.flatnonzero(is_on.numpy()))
    return torch.nonzero(is_on.flatten()).squeeze(1)


def _largest(sae: Any, vectors: Tensor, block: int) -> Entries:
    """Return the k largest of each row: the best of each block, then the best of those."""
    inputs, k = sae.process_sae_in(vectors), sae.activation_fn.k
    values = inputs.new_empty(len(inputs), 0)
    features = torch.empty(len(inputs), 0, dtype=torch.int64, device=inputs.device)
    for columns in _blocks(sae.cfg.d_sae, block):
        before = _before_activation(sae, inputs, columns)
        if getattr(sae.cfg, "rescale_acts_by_decoder_norm", False):
            before *= sae.W_dec[columns].norm(dim=-1)
        best = before.topk(min(k, before.shape[1]), dim=-1, sorted=False)
        values = torch.cat([values, best.values], dim=-1)
        features = torch.cat([features, best.indices + columns.start], dim=-1)
        kept = values.topk(min(k, values.shape[1]), dim=-1, sorted=False)
        values, features = kept.values, features.gather(-1, kept.indices)
    row, place = torch.nonzero(values.relu(), as_tuple=True)
    return row, features[row, place], values[row, place]
