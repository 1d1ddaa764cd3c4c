"""One pass over the text for all dictionaries: site vectors encoded, non-zero activations kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autointerp.core.errors import SubjectError
from autointerp.subject.contexts import Context, batches_of_one_length, kept_tokens
from autointerp.subject.dictionaries import Dictionary, SparseCodes, site_of
from autointerp.subject.model import Site, Subject

BATCH = 8
FINAL_NORMS = ("norm", "ln_f", "final_layer_norm", "final_layernorm")


@dataclass(frozen=True, slots=True)
class SparseActivations:
    """Non-zero activations of one dictionary on one shard, sorted by (feature, context, position).

    All of shape [n_nonzero]; ``context`` is the running number given to the context.
    """

    dictionary: str
    feature: NDArray[np.int32]
    context: NDArray[np.int32]
    position: NDArray[np.int16]
    activation: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class HarvestedShard:
    """One shard's activations by dictionary, and a mask [T] a context: False on tokens of massive norm."""

    activations: tuple[SparseActivations, ...]
    kept: dict[int, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Reader:
    """A dictionary, where it reads, and the norm above which a token there is left out."""

    dictionary: Dictionary
    site: Site
    max_norm: float


def check_fit(subject: Subject, dictionaries: Sequence[Dictionary], *, default: str = "") -> None:
    """Raise SubjectError when a dictionary's site is not known, is not *default*, or has vectors of another size.

    ``default``: where dictionaries are read whose files do not say it; "" where they all say it.
    """
    sites = [site_of(dictionary, default) for dictionary in dictionaries]
    for dictionary, site in zip(dictionaries, sites, strict=True):
        if default and not _is_same(subject, site, Site.parse(default)):
            msg = (
                f"dictionary {dictionary.name}: trained at {site}, not at {default}; set site = '{site}', "
                "or leave it out: each dictionary is read at its own"
            )
            raise SubjectError(msg)
    widths = subject.widths_of(sites)
    for dictionary, site in zip(dictionaries, sites, strict=True):
        if dictionary.d_model != (found := widths[site]):
            msg = (
                f"dictionary {dictionary.name}: made for vectors of {dictionary.d_model} numbers, "
                f"but {subject.name} has {found} at {site}; name the subject it was trained on"
            )
            raise SubjectError(msg)


def _is_same(subject: Subject, one: Site, other: Site) -> bool:
    """Return whether two names mean one place: ``residual.3`` is the output of ``model.layers.2``."""
    return one == other or subject.tap(one) == subject.tap(other)


def _keys(codes: SparseCodes, numbers: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Return numbers that sort as (feature, context, position) do; the rows of *codes* are [B * length] tokens.

    There is room for 134 million features, 537 million contexts and 128 positions.
    """
    row, position = np.divmod(codes.row.cpu().numpy(), length)
    return (codes.feature.cpu().numpy() << 36) | (numbers[row] << 7) | position


def _unpack(dictionary: str, keys: list[NDArray[np.int64]], values: list[NDArray[np.float32]]) -> SparseActivations:
    key, value = np.concatenate(keys), np.concatenate(values)
    order = np.argsort(key)
    key = key[order]
    return SparseActivations(
        dictionary=dictionary,
        feature=(key >> 36).astype(np.int32),
        context=((key >> 7) & (2**29 - 1)).astype(np.int32),
        position=(key & 127).astype(np.int16),
        activation=value[order],
    )


@torch.inference_mode()
def harvest_shard(
    subject: Subject, readers: Sequence[Reader], contexts: Sequence[tuple[int, Context]]
) -> HarvestedShard:
    """Return the non-zero activations of all dictionaries on numbered contexts, from one pass over them.

    A token of massive norm at any of the sites has no activations and is marked as not kept: all dictionaries
    are measured on the same tokens. Raises SubjectError for activations that are negative, NaN or infinite.
    """
    keys: dict[str, list[NDArray[np.int64]]] = {r.dictionary.name: [] for r in readers}
    values: dict[str, list[NDArray[np.float32]]] = {r.dictionary.name: [] for r in readers}
    kept: dict[int, NDArray[np.bool_]] = {}
    number_of = {context: number for number, context in contexts}
    for batch in batches_of_one_length([c for _, c in contexts], size=BATCH):
        vectors = subject.vectors_at([c.token_ids for c in batch], {r.site for r in readers})
        mask = torch.stack([kept_tokens(vectors[r.site], max_norm=r.max_norm) for r in readers]).all(dim=0)
        numbers = np.array([number_of[c] for c in batch], np.int64)
        kept |= {int(n): row for n, row in zip(numbers, mask.cpu().numpy(), strict=True)}
        rows = torch.nonzero(mask.flatten()).squeeze(1)
        flat = {site: found.flatten(0, 1)[rows] for site, found in vectors.items()}
        for reader in readers:
            name, codes = reader.dictionary.name, reader.dictionary.encode_sparse(flat[reader.site])
            keys[name].append(_keys(replace(codes, row=rows[codes.row]), numbers, mask.shape[1]))
            values[name].append(codes.value.cpu().numpy())
    return HarvestedShard(tuple(_unpack(name, keys[name], values[name]) for name in keys), kept)


def output_tokens(
    subject: Subject, dictionary: Dictionary, features: Sequence[int], *, n: int = 60
) -> dict[int, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return (promoted, suppressed) output tokens of each feature, *n* of each: direction times unembedding.

    Sixty reach to the ranks of which ``logits`` asks. None for a dictionary without decoder, or whose directions
    do not stand in the residual stream's space (neurons, heads).

    The final norm's weight is folded into the unembedding; its centre and scale differ from token to
    token and are left out (logit lens, nostalgebraist 2020; Gur-Arieh et al. 2025).
    """
    if not dictionary.has_decoder or dictionary.directions.shape[1] != subject.d_model:
        return dict.fromkeys(features, ((), ()))
    head = subject.model.get_output_embeddings().weight.detach().float()
    gain = final_gain(subject)
    found: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for feature in features:
        logits = head @ (dictionary.directions[feature].to(gain.device) * gain)
        most = min(n, len(logits))
        found[feature] = (_names(subject, logits.topk(most).indices), _names(subject, (-logits).topk(most).indices))
    return found


def final_gain(subject: Subject) -> Tensor:
    """Return the gain of the norm before the unembedding, float32 [d_model]; ones where no such norm is known."""
    for name, module in subject.model.named_modules():
        *outer, own = name.split(".")
        if own in FINAL_NORMS and not any(part.isdigit() for part in outer) and hasattr(module, "weight"):
            weight: Tensor = module.weight.detach().float()
            # Gemma's norms keep what is added to a gain of one.
            return weight + 1 if type(module).__name__.startswith("Gemma") else weight
    return torch.ones(subject.d_model, device=subject.device)


def _names(subject: Subject, ids: Tensor) -> tuple[str, ...]:
    return tuple(subject.display_token(int(i)) for i in ids)
