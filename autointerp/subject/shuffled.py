"""The subject with its weights shuffled: what a dictionary finds where nothing was learned.

Every weight of two or more dimensions (projections and token embeddings; an unembedding that is tied to these
moves with them) has its entries permuted within itself: each matrix keeps its distribution of values, and nothing
of what training put where. Norm gains and biases, of one dimension, stay: they set the scale of the streams.
A control in Towards Monosemanticity (2023); Heap et al. 2025 (arXiv 2501.17727) draw Gaussian weights
instead. One keyed permutation for all, so that a ladder and the runs that read it have the same shuffled subject.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from autointerp.core.draws import draw_key
from autointerp.core.errors import SubjectError
from autointerp.subject.dictionaries import SparseDictionary
from autointerp.subject.model import Subject

KIND = "shuffled"
"""The kind of a dictionary that was trained on a shuffled subject."""

SEED = 0
"""Of the permutations; kept with every dictionary trained on a shuffled subject."""


@torch.no_grad()
def shuffle_weights(subject: Subject) -> None:
    """Permute the subject's weights in place, by the names of its parameters and ``SEED`` alone."""
    for name, weight in subject.model.named_parameters():
        if weight.dim() >= 2:
            weight.copy_(_permuted(weight, draw_key(SEED, "shuffled weights", name)))
    vars(subject).pop("sha256", None)  # of weights that are no longer there


def load_subject(name: str, *, dtype: str, device: str, is_shuffled: bool) -> Subject:
    """Return the subject as ``Subject.load`` does, its weights shuffled where that is asked for."""
    subject = Subject.load(name, dtype=dtype, device=device)
    if is_shuffled:
        shuffle_weights(subject)
    return subject


def check_shuffled(dictionaries: Sequence[SparseDictionary], *, is_shuffled: bool) -> None:
    """Raise SubjectError when a dictionary was trained on the subject as it is and would read the shuffled one."""
    for dictionary in dictionaries:
        was_shuffled = dictionary.kind == KIND
        if was_shuffled != is_shuffled:
            trained, value = ("the shuffled subject", "true") if was_shuffled else ("a subject as it is", "false")
            msg = f"dictionary {dictionary.name}: trained on {trained}; set shuffle_weights = {value}"
            raise SubjectError(msg)


def _permuted(weight: Tensor, key: int) -> Tensor:
    order = torch.randperm(weight.numel(), generator=torch.Generator().manual_seed(key % 2**63))
    return weight.flatten()[order.to(weight.device)].reshape(weight.shape)


def shuffled_metadata(*, is_shuffled: bool) -> dict[str, Any]:
    """Return what a dictionary's own metadata says of a shuffled subject; nothing of one that is as it was trained."""
    return {"subject_shuffled": SEED} if is_shuffled else {}
