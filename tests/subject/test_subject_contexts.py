"""Contexts: whole tiles of one document; batches that lose nothing; the rule for massive norms."""

from collections import Counter
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autointerp.subject.contexts import (
    CONTEXT_TOKENS,
    TILE_TOKENS,
    Context,
    batches_of_one_length,
    cut_contexts,
    kept_tokens,
    massive_norm,
)
from autointerp.subject.documents import Document
from autointerp.subject.model import Site, Subject


@given(st.integers(0, 700))
def test_contexts_are_whole_tiles(n: int) -> None:
    """Contexts follow each other, hold whole tiles, and only what is shorter than a tile is left out."""
    counter = SimpleNamespace(token_ids=lambda _text: list(range(n)))
    contexts = list(cut_contexts(counter, Document("d", "")))  # type: ignore[arg-type]
    assert [i for c in contexts for i in c.token_ids] == list(range(n - n % TILE_TOKENS))
    assert all(c.start % CONTEXT_TOKENS == 0 and c.start == c.token_ids[0] for c in contexts)
    assert all(0 < len(c.token_ids) <= CONTEXT_TOKENS for c in contexts)


@given(st.lists(st.sampled_from([32, 64, 96, 128])), st.integers(1, 5))
def test_batches_lose_nothing(lengths: list[int], size: int) -> None:
    """Every context is in one batch; a batch has one length and at most *size* contexts."""
    contexts = [Context("d", number, (0,) * length) for number, length in enumerate(lengths)]
    batches = list(batches_of_one_length(contexts, size=size))
    assert Counter(c for batch in batches for c in batch) == Counter(contexts)
    assert all(len({len(c.token_ids) for c in batch}) == 1 and len(batch) <= size for batch in batches)


def test_massive_norm_is_ten_medians(subject: Subject) -> None:
    """The limit is 10 times the median norm, BOS not counted; a token above it is not kept."""
    site = Site("residual", 2)
    ids = subject.token_ids("the river runs to the sea and the small boat is on it while a red house stands by the old")
    context = Context("d", 0, tuple(ids[:32]))
    norms = subject.site_vectors([context.token_ids], site).norm(dim=-1)
    assert massive_norm(subject, site, [context]) == pytest.approx(10 * float(norms.median()))
    vectors = torch.ones(1, 3, 4)
    vectors[0, 1] *= 100
    assert kept_tokens(vectors, max_norm=10.0).tolist() == [[True, False, True]]
