"""Texts that were not harvested, run through the subject: the harvest's own code, another way in."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autointerp.core.draws import content_key
from autointerp.core.steps import Passage
from autointerp.core.types import Failure, Reason, Window
from autointerp.subject.contexts import CONTEXT_TOKENS, Context
from autointerp.subject.harvest import Reader, SparseActivations, harvest_shard
from autointerp.subject.model import Subject

AT_ONCE = 256
"""Passages whose activations are held at a time."""

Ids = tuple[int, ...]


def run_passages(subject: Subject, reader: Reader, passages: Sequence[Passage]) -> list[Window | Failure]:
    """Return each passage as one window with its feature's activations; of a long text the first 128 tokens.

    A token of massive norm counts as silent, as it does in a harvest. A text without tokens is a failure.
    """
    found: list[Window | Failure] = []
    for start in range(0, len(passages), AT_ONCE):
        some = passages[start : start + AT_ONCE]
        ids = [tuple(subject.token_ids(passage.text)[:CONTEXT_TOKENS]) for passage in some]
        numbers = {own: number for number, own in enumerate(dict.fromkeys(filter(None, ids)))}
        contexts = [(number, Context(content_key(own), 0, own)) for own, number in numbers.items()]
        harvested = harvest_shard(subject, [reader], contexts) if contexts else None
        for passage, own in zip(some, ids, strict=True):
            if harvested is None or not own:
                detail = "a text without tokens cannot be run"
                found.append(Failure("score", str(passage.feature), Reason.UNDEFINED, detail))
                continue
            values = _values(harvested.activations[0], passage.feature.index, numbers[own], len(own))
            found.append(Window("passage", 0, subject.display_tokens(own), tuple(values.tolist())))
    return found


def _values(sparse: SparseActivations, feature: int, context: int, n_tokens: int) -> NDArray[np.float32]:
    """Return one feature's activations on one context, [n_tokens], from those sorted by feature and context."""
    key = (sparse.feature.astype(np.int64) << 32) | sparse.context
    wanted = (feature << 32) | context
    first, past = np.searchsorted(key, [wanted, wanted + 1])
    values = np.zeros(n_tokens, np.float32)
    values[sparse.position[first:past]] = sparse.activation[first:past]
    return values
