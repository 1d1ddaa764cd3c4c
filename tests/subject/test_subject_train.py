"""Training: resumed or not, the same weights; and sae-lens's own BatchTopK."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.errors import ConfigError, StoreError
from autointerp.subject.architectures import PartitionedBatchTopK
from autointerp.subject.checkpoint import check_checkpoint, deciding
from autointerp.subject.contexts import Context
from autointerp.subject.curve import marked_steps
from autointerp.subject.dictionaries import SparseDictionary, trained_documents
from autointerp.subject.loading import load_dictionary
from autointerp.subject.recipe import AXES, Architecture, Member, Recipe
from autointerp.subject.train import Trained, mixed_batches, n_vectors, save_member, train_members

METADATA = {"site": "residual.2", "hook_name": "blocks.1.hook_resid_post", "model_name": "tiny", "max_norm": 50.0}
RECIPE = Recipe(widths=(16, 32), sparsities=(4.0,), batch=64, dead_after_steps=20)

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


def train(shards: list[Path], recipe: Recipe, checkpoint: Path, *, stop_at: int = 0, **decides: object) -> Trained:
    """Train with what third parties warn of left aside; cut short after *stop_at* steps."""

    def watch(done: int, _total: int) -> None:
        if stop_at and done >= stop_at * recipe.batch:
            raise StoppedError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return train_members(
            shards, recipe, metadata=METADATA, checkpoint=checkpoint, on_progress=watch, decides=decides
        )


@pytest.mark.parametrize(
    "recipe",
    [
        RECIPE,
        Recipe("relu", widths=(16,), sparsities=(0.5,), seeds=(0, 1), batch=64),
    ],
    ids=lambda recipe: recipe.architecture,
)
def test_resumed_equals_uninterrupted(shards: list[Path], tmp_path: Path, recipe: Recipe) -> None:
    """Cut short after its second checkpoint and begun again, training ends in the same weights and losses, to the bit.

    For a coefficient this holds only if it does not warm up once more.
    """
    whole = train(shards, recipe, tmp_path / "whole.pt")
    with pytest.raises(StoppedError):
        train(shards, recipe, tmp_path / "cut.pt", stop_at=205)
    assert torch.load(tmp_path / "cut.pt", weights_only=True)["step"] == 200
    resumed = train(shards, recipe, tmp_path / "cut.pt")
    assert n_vectors(shards) // recipe.batch == 240
    assert resumed.curve == whole.curve
    assert list(whole.saes) == list(recipe.members)
    for member, sae in whole.saes.items():
        for name, value in sae.state_dict().items():
            assert torch.equal(value, resumed.saes[member].state_dict()[name]), (member, name)


def test_members_do_not_touch_each_other(shards: list[Path], tmp_path: Path) -> None:
    """A member of widths x sparsities x seeds ends as it does alone; members of two seeds end otherwise."""
    recipe = Recipe(widths=(8, 16), sparsities=(2.0, 4.0), seeds=(0, 1), batch=512)
    together = train(shards, recipe, tmp_path / "all.pt").saes
    assert len(together) == 8
    for member in (Member(16, 2.0, 1), Member(8, 4.0, 0)):
        one = Recipe(widths=(member.width,), sparsities=(member.sparsity,), seeds=(member.seed,), batch=512)
        alone = train(shards, one, tmp_path / f"{member}.pt").saes[member]
        assert torch.equal(alone.W_dec, together[member].W_dec)
    assert not torch.equal(together[Member(8, 2.0, 0)].W_dec, together[Member(8, 2.0, 1)].W_dec)


def test_names_tell_members_apart() -> None:
    """Members have names and folders of their own; an axis of one value leaves no trace in them."""
    recipe = Recipe(widths=(8, 16), sparsities=(2.0, 2.5), seeds=(0, 1))
    assert len({recipe.name("l", m) for m in recipe.members}) == len({recipe.folder(m) for m in recipe.members}) == 8
    assert recipe.name("l", Member(16, 2.5, 1)) == "l-k2.5-s1/16"
    assert [Recipe().name("l", m) for m in Recipe().members] == ["l/512", "l/1024", "l/2048", "l/4096"]
    coefficients = Recipe("relu", sparsities=(0.5, 5.0))
    assert coefficients.folder(Member(512, 5.0, 0)) == "512-c5"


SPARSITY = {"k": 4.0, "l1_coefficient": 1.0, "l0_coefficient": 1.0}


@pytest.mark.parametrize("architecture", AXES)
def test_trained_dictionary_is_saved_and_read(shards: list[Path], tmp_path: Path, architecture: Architecture) -> None:
    """A trained member of any architecture is read back with its name, site and norm rule, and reconstructs alike."""
    recipe = Recipe(architecture, widths=(32,), sparsities=(SPARSITY[AXES[architecture]],), batch=64)
    trained = train(shards, recipe, tmp_path / "c.pt")
    (sae,) = trained.saes.values()
    sae.cfg.metadata["name"] = "small/32"
    save_member(sae, tmp_path / "small" / "32")
    read: SparseDictionary = load_dictionary(tmp_path / "small" / "32")
    assert (read.name, read.site, read.max_norm, read.n_features) == ("small/32", "residual.2", 50.0, 32)
    vectors = torch.from_numpy(np.load(shards[0]).astype(np.float32))
    l0 = float((read.encode(vectors) > 0).sum()) / len(vectors)
    # sae-lens finds the threshold of inference as a running mean from 0, a hundredth a step: after the
    # few steps of this test it is still low, and more features fire than k.
    assert 1 < l0 < 25
    left = float((vectors - read.reconstruct(vectors)).square().sum() / (vectors - vectors.mean(dim=0)).square().sum())
    assert left < 0.95
    assert abs(left - trained.curve[-1].loss) < 0.15, (left, trained.curve[-1].loss, l0)


def test_another_training_is_refused(shards: list[Path], tmp_path: Path) -> None:
    """A checkpoint of another recipe or another text is refused by what differs, and stands as it was."""
    path = tmp_path / "checkpoint.pt"
    mine = Recipe(widths=(8,), sparsities=(2.0,), batch=64)
    with pytest.raises(StoppedError):
        train(shards, mine, path, stop_at=101, corpus={"a": "1"})
    before = path.read_bytes()
    others = {
        r"k was \[2\.0\], is \[3\.0\]\.": (Recipe(widths=(8,), sparsities=(3.0,), batch=64), {"a": "1"}),
        r"architecture was \"batchtopk\", is \"topk\"\.": (Recipe("topk", (8,), (2.0,), batch=64), {"a": "1"}),
        r"seeds was \[0\], is \[0, 1\]\.": (Recipe(widths=(8,), sparsities=(2.0,), seeds=(0, 1), batch=64), {"a": "1"}),
        r'corpus was \{"a": "1"\}, is \{"a": "2"\}\.': (mine, {"a": "2"}),
    }
    for told, (recipe, corpus) in others.items():
        with pytest.raises(ConfigError, match=rf"checkpoint\.pt: a checkpoint from another training: {told}.*delete"):
            train(shards, recipe, path, corpus=corpus)
    assert path.read_bytes() == before
    check_checkpoint(path, deciding(mine, corpus={"a": "1"}))
    path.write_bytes(before[: len(before) // 2])
    with pytest.raises(StoreError, match="not a whole checkpoint"):
        train(shards, mine, path, corpus={"a": "1"})


def test_curve_is_the_loss_before_training(shards: list[Path], tmp_path: Path) -> None:
    """The first point is the untrained member's loss on the first batch, counted anew; k is the L0 of all points."""
    recipe = Recipe("topk", widths=(16,), sparsities=(3.0,), batch=64)
    trained = train(shards, recipe, tmp_path / "c.pt")
    steps = [point.step for point in trained.curve]
    assert steps == marked_steps(steps_an_epoch=240, epochs=1)
    assert sum(point.n_measured for point in trained.curve) == trained.curve[-1].tokens == 240 * 64
    assert all(point.l0 == pytest.approx(3.0, abs=0.2) for point in trained.curve)
    assert trained.curve[-1].loss < 0.9 * trained.curve[0].loss
    # W_enc, W_dec, b_enc, b_dec.
    assert trained.curve[0].flops == 6 * (2 * 16 * 24 + 16 + 24) * 64

    first = next(mixed_batches(shards, batch=64, epochs=1, seed=0))
    shard = torch.from_numpy(np.load(shards[0]).astype(np.float32))
    lazy = Recipe("topk", widths=(16,), sparsities=(3.0,), batch=64, learning_rate=1e-12)
    untrained = train(shards, lazy, tmp_path / "lazy.pt").saes[Member(16, 3.0, 0)]
    with torch.no_grad():
        error = float((first - untrained(first)).square().sum() / (first - shard.mean(dim=0)).square().sum())
    assert trained.curve[0].loss == pytest.approx(error, rel=1e-4)


def test_epochs_are_told_apart(shards: list[Path], tmp_path: Path) -> None:
    """No point mixes tokens of two epochs, and every epoch ends in a point."""
    curve = train(shards, Recipe(widths=(8,), sparsities=(2.0,), batch=512, epochs=3), tmp_path / "c.pt").curve
    assert {30: 1, 60: 2, 90: 3}.items() <= {point.step: point.epoch for point in curve}.items()
    starts = [0, *(point.step for point in curve)]
    assert all(start // 30 == (p.step - 1) // 30 == p.epoch - 1 for start, p in zip(starts, curve, strict=False))


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        (Recipe(widths=(8,), sparsities=(2.0,), batch=20_000), "batch = 20,000 is more than the 15,360 vectors"),
        (Recipe("relu", widths=(8,), sparsities=(1.0,), batch=64, learning_rate=1e30), "lower `learning_rate`"),
    ],
)
def test_training_that_comes_to_nothing(shards: list[Path], tmp_path: Path, recipe: Recipe, told: str) -> None:
    """Less than a batch, and a loss that is no number, are errors that say what to change."""
    with pytest.raises(ConfigError, match=told):
        train(shards, recipe, tmp_path / "c.pt")


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
