"""Encoding by blocks: equal to the whole encoder at once, in memory that does not grow with the width."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_encoders import ARCHITECTURES, D, build, dense
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from autointerp.subject.dictionaries import SparseDictionary

pytestmark = pytest.mark.usefixtures("third_parties")


@pytest.mark.parametrize("name", ARCHITECTURES)
@settings(max_examples=25)
@given(n=st.integers(0, 9), width=st.integers(1, 50), block=st.integers(1, 60), seed=st.integers(0, 5))
def test_blocks_equal_the_whole(name: str, n: int, width: int, block: int, seed: int) -> None:
    """Whatever the width and the block, what fires is what the whole encoder says, each place once."""
    dictionary = build(name, width, seed=seed)
    if name == "matching_pursuit":
        dictionary.sae.W_dec.abs_()
    vectors = torch.randn(n, D, generator=torch.Generator().manual_seed(seed))
    vectors = vectors.abs() if name == "matching_pursuit" else vectors
    expected = dictionary.encode(vectors)
    codes = dictionary.encode_sparse(vectors, block=block)
    torch.testing.assert_close(dense(codes, expected.shape), expected, atol=1e-5, rtol=1e-5)
    assert len(codes.value) == int((dense(codes, expected.shape) != 0).sum())
    assert (codes.row.dtype, codes.feature.dtype, codes.value.dtype) == (torch.int64, torch.int64, torch.float32)


@given(block=st.integers(1, 14), values=st.lists(st.integers(-2, 2), min_size=12, max_size=12))
def test_ties_give_equal_values(block: int, values: list[int]) -> None:
    """Among equal values another feature may be kept, but as many of them and of the same size."""
    dictionary = build("topk", 12)
    with torch.no_grad():
        dictionary.sae.W_enc.zero_()
        dictionary.sae.b_enc.copy_(torch.tensor(values).float())
        dictionary.sae.W_dec.copy_(torch.eye(12)[:, :D] + 1e-9)
        dictionary.sae.W_dec[:, 0] = 1.0
    unscaled = SparseDictionary("test/12", "", dictionary.sae, Path("nowhere"))
    kept = unscaled.sae.encode(torch.zeros(1, D))
    codes = unscaled.encode_sparse(torch.zeros(1, D), block=block)
    norms = unscaled.decoder_norms[codes.feature]
    torch.testing.assert_close((codes.value / norms).sort().values, kept[kept > 0].sort().values)


class Largest(TorchDispatchMode):
    """Notes the number of elements of the largest tensor that any operation gives."""

    def __init__(self) -> None:
        super().__init__()
        self.n_elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        is_view = func.is_view
        for leaf in tree_leaves(made):
            if isinstance(leaf, Tensor) and not is_view:
                self.n_elements = max(self.n_elements, leaf.numel())
        return made


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != "matching_pursuit"])
def test_no_matrix_of_tokens_by_features(name: str) -> None:
    """The largest tensor made has tokens times block elements, for a dictionary a hundred times as wide."""
    n, width, block = 64, 5000, 50
    dictionary = build(name, width)
    # Rarely firing, as dictionaries are: what fires is held whole, and is not what is measured here.
    for bias in ("b_enc", "b_gate"):
        if isinstance(getattr(dictionary.sae, bias, None), Tensor):
            getattr(dictionary.sae, bias).fill_(-3.5)
    vectors = torch.randn(n, D, generator=torch.Generator().manual_seed(1))
    n_fired = len(dictionary.encode_sparse(vectors, block=block).value)
    bound = max(n * block, 2 * n_fired, width)
    with Largest() as largest:
        codes = dictionary.encode_sparse(vectors, block=block)
    assert len(codes.value) == n_fired > 0
    assert largest.n_elements <= bound < n * width / 10
    with Largest() as largest:
        dictionary.encode(vectors)
    assert largest.n_elements == n * width


def test_encoders_that_cannot_be_cut_go_row_by_row() -> None:
    """Where features depend on each other some rows are encoded at a time; one row is the least there can be."""
    dictionary = build("matching_pursuit", 500)
    dictionary.sae.W_dec.abs_()
    vectors = torch.rand(40, D)
    with Largest() as largest:
        dictionary.encode_sparse(vectors, block=25)
    assert largest.n_elements <= max(40 * 25, 500 * D)


def test_norms_and_directions_block_by_block() -> None:
    """Norms in float32 and unit directions are what one computation over the whole decoder gives."""
    from autointerp.subject import dictionaries

    dictionary = build("jumprelu", dictionaries.BLOCK + 100)
    weight = dictionary.sae.W_dec
    torch.testing.assert_close(dictionary.decoder_norms, weight.norm(dim=1))
    torch.testing.assert_close(dictionary.directions, weight / weight.norm(dim=1, keepdim=True))
    assert dictionary.decoder_norms.dtype == torch.float32


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_on_a_gpu(dtype: torch.dtype) -> None:
    """On a GPU, in every number format, what fires is near what fires on a CPU in float32."""
    for name in ARCHITECTURES[:8]:
        same_on_gpu(name, dtype)


def same_on_gpu(name: str, dtype: torch.dtype) -> None:
    exact, vectors = build(name, 3000), torch.randn(100, D, generator=torch.Generator().manual_seed(2))
    there = SparseDictionary("test/3000", "", build(name, 3000).sae.to(device="cuda", dtype=dtype), Path("nowhere"))
    expected = exact.encode(vectors)
    codes = there.encode_sparse(vectors.cuda(), block=700)
    found = dense(codes, expected.shape)
    tolerance = 1e-4 if dtype == torch.float32 else 0.1
    is_near = torch.isclose(found, expected, atol=tolerance, rtol=tolerance)
    # At a threshold, or between equal ranks, half precision may fall to the other side.
    assert is_near.float().mean() > (0.9999 if dtype == torch.float32 else 0.98)
    whole = there.encode(vectors.cuda()).cpu()
    assert torch.isclose(found, whole, atol=tolerance, rtol=tolerance).float().mean() > 0.99
