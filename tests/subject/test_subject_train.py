"""Training: resumed or not, the same weights; and sae-lens's own BatchTopK."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autointerp.subject.contexts import Context
from autointerp.subject.dictionaries import SparseDictionary, trained_documents
from autointerp.subject.loading import load_dictionary
from autointerp.subject.train import PartitionedBatchTopK, Recipe, mixed_batches, n_vectors, save_member, train_members

METADATA = {"site": "residual.2", "hook_name": "blocks.1.hook_resid_post", "model_name": "tiny", "max_norm": 50.0}
RECIPE = Recipe(widths=(16, 32), k=4.0, batch=64, dead_after_steps=20)

pytestmark = pytest.mark.usefixtures("third_parties")


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Random vectors in three shards: 240 steps of 64."""
    folder = tmp_path_factory.mktemp("vectors")
    draws = np.random.default_rng(0)
    paths = [folder / f"vectors-{i:05d}.npy" for i in range(3)]
    for path in paths:
        np.save(path, draws.normal(1.0, 2.0, (5120, 24)).astype(np.float16))
    return paths


class StoppedError(Exception):
    """The training was cut short."""


@given(st.integers(1, 30), st.integers(4, 40), st.floats(0.5, 4), st.integers(0, 2**31))
def test_partition_equals_sae_lens(rows: int, width: int, k: float, seed: int) -> None:
    """The same activations survive as in sae-lens's BatchTopK, values untouched."""
    from sae_lens.saes.batchtopk_sae import BatchTopK

    hidden = torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(PartitionedBatchTopK(k)(hidden), BatchTopK(k)(hidden), rtol=0, atol=0)


def test_gradient_flows_through_survivors_only() -> None:
    """The gradient is 1 where an activation survives and 0 elsewhere."""
    hidden = torch.randn(8, 12, generator=torch.Generator().manual_seed(1)).requires_grad_()
    kept = PartitionedBatchTopK(2.0)(hidden)
    kept.sum().backward()
    assert hidden.grad is not None
    assert torch.equal(hidden.grad, (kept > 0).float())
    assert int((kept > 0).sum()) == 16


def test_resumed_equals_uninterrupted(shards: list[Path], tmp_path: Path) -> None:
    """Cut short after its second checkpoint and begun again, training ends in the same weights, to the last bit."""

    def train(checkpoint: Path, *, stop_at: int = 0) -> dict[int, object]:
        def watch(done: int, _total: int) -> None:
            if stop_at and done >= stop_at * RECIPE.batch:
                raise StoppedError

        return train_members(shards, RECIPE, metadata=METADATA, checkpoint=checkpoint, on_progress=watch)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = train(tmp_path / "whole.pt")
        with pytest.raises(StoppedError):
            train(tmp_path / "cut.pt", stop_at=205)
        assert torch.load(tmp_path / "cut.pt", weights_only=True)["step"] == 200
        resumed = train(tmp_path / "cut.pt")
    assert n_vectors(shards) // RECIPE.batch == 240
    for width in RECIPE.widths:
        for name, value in whole[width].state_dict().items():  # type: ignore[attr-defined]
            assert torch.equal(value, resumed[width].state_dict()[name]), (width, name)  # type: ignore[attr-defined]


def test_trained_dictionary_is_saved_and_read(shards: list[Path], tmp_path: Path) -> None:
    """A trained member is read back with its name, site and norm rule, fires sparsely and explains variance."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sae = train_members(
            shards, Recipe(widths=(32,), k=4.0, batch=64), metadata=METADATA,
            checkpoint=tmp_path / "c.pt", on_progress=lambda _done, _total: None,
        )[32]  # fmt: skip
        sae.cfg.metadata["name"] = "small/32"
        save_member(sae, tmp_path / "small" / "32")
    read: SparseDictionary = load_dictionary(tmp_path / "small" / "32")
    assert (read.name, read.site, read.max_norm, read.n_features) == ("small/32", "residual.2", 50.0, 32)
    vectors = torch.from_numpy(np.load(shards[0]).astype(np.float32))
    l0 = float((read.encode(vectors) > 0).sum()) / len(vectors)
    # sae-lens finds the threshold of inference as a running mean from 0, a hundredth a step: after the
    # few steps of this test it is still low, and more features fire than k.
    assert 2 < l0 < 12
    error = (vectors - read.reconstruct(vectors)).square().sum()
    assert error < (vectors - vectors.mean(dim=0)).square().sum()


def test_batches_hold_every_vector_once(shards: list[Path]) -> None:
    """An epoch shows every vector once, up to less than one batch at its end, and mixes them over shards."""
    shown = torch.cat(list(mixed_batches(shards, batch=64, epochs=1, seed=0)))
    stored = np.concatenate([np.load(p) for p in shards]).astype(np.float32)
    assert np.array_equal(np.sort(shown.numpy(), axis=0), np.sort(stored, axis=0))
    assert not np.array_equal(shown.numpy(), stored)


def test_no_contexts_no_trained_documents(tmp_path: Path) -> None:
    """A dictionary that came without a list of documents forbids none."""
    assert trained_documents(tmp_path / "x") == frozenset()
    assert Context("d", 0, (1,)).doc == "d"
