"""The toy with known truth: points in clusters, a top-1 dictionary of ``train``, and how much of a cluster it knows."""

import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from autointerp.metrics.clusters import cluster_entropy, n_found
from autointerp.subject.loading import load_dictionary
from autointerp.subject.recipe import Member, Recipe
from autointerp.subject.train import Trained, save_member, train_members
from autointerp.trust.clusters import ClusteredPoints, anchor_nearness, clustered_points

N_CLUSTERS = 8
RECIPE = Recipe(
    "topk", widths=(2, 4, 8, 16), sparsities=(1.0,), batch=64, learning_rate=1e-2, epochs=10, dead_after_steps=2
)

pytestmark = pytest.mark.usefixtures("third_parties")


@pytest.fixture(scope="module")
def toy() -> ClusteredPoints:
    return clustered_points(N_CLUSTERS, 128, spread=0.05, seed=0)


@pytest.fixture(scope="module")
def vectors(toy: ClusteredPoints) -> NDArray[np.float32]:
    return anchor_nearness(toy.points, seed=0).astype(np.float32)


@pytest.fixture(scope="module")
def trained(vectors: NDArray[np.float32], tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A ladder on the toy: 160 steps of 64 points, all widths at once."""
    folder = tmp_path_factory.mktemp("toy")
    np.save(folder / "vectors-00000.npy", vectors.astype(np.float16))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return train_members(
            [folder / "vectors-00000.npy"],
            RECIPE,
            metadata={"site": "toy", "max_norm": None},
            checkpoint=folder / "checkpoint.pt",
            on_progress=lambda _done, _total: None,
        )


@pytest.fixture(scope="module")
def features(
    trained: Trained, vectors: NDArray[np.float32], tmp_path_factory: pytest.TempPathFactory
) -> dict[int, NDArray[np.int64]]:
    """By width, the feature of each point as the saved dictionary has it, -1 where none fires."""
    return dict(_features(trained, vectors, tmp_path_factory.mktemp("saved")))


def _features(trained: Trained, vectors: NDArray[np.float32], folder: Path) -> Iterator[tuple[int, NDArray[np.int64]]]:
    for member, sae in trained.saes.items():
        save_member(sae, folder / RECIPE.folder(member))
        activations = load_dictionary(folder / RECIPE.folder(member)).encode(torch.from_numpy(vectors)).numpy()
        assert ((activations > 0).sum(axis=1) <= 1).all()
        yield member.width, np.where(activations.max(axis=1) > 0, activations.argmax(axis=1), -1)


def test_a_feature_for_every_cluster(toy: ClusteredPoints, features: dict[int, NDArray[np.int64]]) -> None:
    """As many features as clusters that stand apart, or more: every cluster is found and nothing is left open."""
    for width in (N_CLUSTERS, 2 * N_CLUSTERS):
        entropy = cluster_entropy(features[width], toy.cluster)
        assert entropy is not None
        assert entropy < 0.1
        assert n_found(features[width], toy.cluster) == N_CLUSTERS


def test_too_few_features_must_share(toy: ClusteredPoints, features: dict[int, NDArray[np.int64]]) -> None:
    """Fewer features than clusters leave at least log2(clusters / values), and more the fewer they are."""
    left = []
    for width in (2, 4, 8):
        entropy = cluster_entropy(features[width], toy.cluster)
        assert entropy is not None
        assert entropy >= np.log2(N_CLUSTERS / (width + 1)) - 1e-9
        left.append(entropy)
    assert left[1] < np.log2(N_CLUSTERS) - 1
    assert all(more > less + 0.3 for more, less in pairwise(left))


def test_random_labels_leave_all_open(toy: ClusteredPoints, features: dict[int, NDArray[np.int64]]) -> None:
    """Against clusters dealt out at random the same features know next to nothing: log2(8) = 3 bits are left."""
    dealt = np.random.default_rng(0).permutation(toy.cluster)
    entropy = cluster_entropy(features[N_CLUSTERS], dealt)
    assert entropy == pytest.approx(np.log2(N_CLUSTERS), abs=0.06)
    assert n_found(features[N_CLUSTERS], dealt) == 0


def test_loss_falls_with_width(trained: Trained) -> None:
    """The loss that training reports orders the widths as the entropy does."""
    last = {point.member: point.loss for point in trained.curve}
    losses = [last[Member(width, 1.0, 0)] for width in (2, 4, 8)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.1
