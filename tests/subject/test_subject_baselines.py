"""Baselines: the formula, blocks, thresholds at a density, the directions found, and what is kept on the disk."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from autointerp.core.errors import ConfigError, CorpusError, SubjectError
from autointerp.pipeline.sections import BASELINES
from autointerp.subject.baselines import WEIGHTS, Baseline, Directions, load_baseline, save_baseline
from autointerp.subject.dictionaries import BLOCK, Dictionary
from autointerp.subject.directions import FOUND, neurons, probes
from autointerp.subject.fitting import thresholds_at

pytestmark = pytest.mark.usefixtures("third_parties")


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def made_of(parts: Directions, *, mean: Tensor, thresholds: Tensor, folder: Path = Path("x")) -> Baseline:
    return Baseline(
        name=f"made/{2 * len(parts)}",
        kind="random",
        site="residual.2",
        output_site="residual.2",
        max_norm=50.0,
        mean=mean,
        parts=parts,
        thresholds=thresholds,
        evaluation={"l0": 1.5},
        folder=folder,
    )


@settings(max_examples=30)
@given(st.sampled_from(sorted(FOUND)), st.integers(1, 6), st.integers(0, 1000))
def test_activation_is_what_lies_beyond_the_threshold(kind: str, n: int, seed: int) -> None:
    """Feature 2i is relu((x - mean) . d - t) * length and 2i + 1 the same the other way, whatever the kind."""
    vectors, mean = numbers(40, 6, seed=seed), numbers(6, seed=seed + 1)
    parts = FOUND[kind](vectors - mean, n, seed)
    thresholds = numbers(2 * n, seed=seed + 2).abs()
    baseline: Dictionary = made_of(parts, mean=mean, thresholds=thresholds)
    rows = parts.read if parts.read is not None else torch.eye(6)[parts.axes]
    signed = ((vectors - mean).double() @ rows.double().T * parts.lengths).numpy()
    expected = np.stack([signed, -signed], axis=-1).reshape(40, 2 * n) - thresholds.double().numpy()
    np.testing.assert_allclose(baseline.encode(vectors).numpy(), np.maximum(expected, 0), atol=1e-5)


@pytest.mark.parametrize("n", [3, BLOCK // 2, BLOCK // 2 + 5])
def test_sparse_codes_are_the_dense_ones(n: int) -> None:
    """The non-zero activations are those of ``encode``, within one block and over several."""
    parts = Directions(torch.ones(n, 1), torch.ones(n), axes=torch.arange(n) % 7)
    baseline = made_of(parts, mean=numbers(7), thresholds=numbers(2 * n, seed=1).abs())
    vectors = numbers(5, 7, seed=2)
    codes = baseline.encode_sparse(vectors)
    dense = torch.zeros(5, 2 * n)
    dense[codes.row, codes.feature] = codes.value
    assert len(codes.value) > 0
    torch.testing.assert_close(dense, baseline.encode(vectors), rtol=0, atol=0)


def test_vector_that_is_no_number_is_refused() -> None:
    """A NaN among the vectors is an error that names the baseline, not a feature that fires."""
    parts = FOUND["random"](numbers(4, 3), 2, 0)
    baseline = made_of(parts, mean=torch.zeros(3), thresholds=torch.zeros(4))
    with pytest.raises(SubjectError, match="made/4"):
        baseline.encode_sparse(torch.tensor([[0.0, float("nan"), 1.0]]))


@given(st.floats(0.002, 0.4), st.integers(0, 1000))
def test_density_is_reached(density: float, seed: int) -> None:
    """Where no two values are equal the share of tokens that exceed the threshold is the one wanted, one at least."""
    vectors = numbers(500, 4, seed=seed)
    parts = FOUND["random"](vectors, 9, seed)
    thresholds, reached = thresholds_at(parts, vectors, density)
    fires = made_of(parts, mean=torch.zeros(4), thresholds=thresholds).encode(vectors) > 0
    np.testing.assert_array_equal(fires.sum(dim=0), np.full(18, max(1, round(500 * density))))
    np.testing.assert_allclose(reached, fires.double().mean(dim=0))


def test_equal_values_never_exceed_the_density() -> None:
    """A neuron with one value on most tokens fires on fewer than wanted, and what is reached says so."""
    vectors = torch.zeros(1000, 1)
    vectors[:5, 0] = torch.arange(1.0, 6.0)
    parts = neurons(torch.ones(1, 3), 1, 0)
    centred = vectors - vectors.mean(dim=0)
    thresholds, reached = thresholds_at(parts, centred, 0.01)
    assert reached.tolist() == pytest.approx([0.005, 0.0])
    assert thresholds.shape == (2,)


def test_directions_are_unit_and_opposed() -> None:
    """A feature and its neighbour point opposite ways, each with length 1."""
    directions = made_of(
        FOUND["random"](numbers(4, 8), 5, 0), mean=torch.zeros(8), thresholds=torch.zeros(10)
    ).directions
    torch.testing.assert_close(directions.norm(dim=1), torch.ones(10))
    torch.testing.assert_close(directions[0::2], -directions[1::2], rtol=0, atol=0)


def test_principal_components_are_those_of_most_variance() -> None:
    """On vectors stretched along known orthogonal axes PCA finds these, the longest first."""
    axes = torch.linalg.qr(numbers(6, 6))[0]
    vectors = numbers(4000, 6, seed=1) * torch.tensor([9.0, 5.0, 3.0, 1.0, 1.0, 1.0]) @ axes.T
    found = FOUND["pca"](vectors - vectors.mean(dim=0), 3, 0).written
    assert (found @ axes[:, :3]).abs().diagonal().min() > 0.99


def test_independent_components_are_the_sources() -> None:
    """ICA unmixes skewed sources: each is written by one column of the mixture and read without the others."""
    sources = torch.from_numpy(np.random.default_rng(0).laplace(size=(6000, 3)).astype(np.float32))
    mixture = numbers(3, 5, seed=3)
    vectors = sources @ mixture
    found = FOUND["ica"](vectors - vectors.mean(dim=0), 3, 0)
    columns = mixture / mixture.norm(dim=1, keepdim=True)
    assert (found.written @ columns.T).abs().max(dim=1).values.min() > 0.99
    readings = found.readings(vectors - vectors.mean(dim=0), 0, 3)
    together = np.abs(np.corrcoef(readings.T.numpy(), sources.T.numpy())[:3, 3:])
    assert together.max(axis=1).min() > 0.99
    assert np.sort(together, axis=1)[:, -2].max() < 0.1


def test_components_need_text() -> None:
    """More components than vectors are refused, with what to do."""
    for kind in ("pca", "ica"):
        with pytest.raises(CorpusError, match="lower `n_directions`"):
            FOUND[kind](numbers(5, 8), 6, 0)


@pytest.mark.parametrize("kind", sorted(FOUND))
def test_directions_are_keyed(kind: str) -> None:
    """The same seed gives the same directions."""
    vectors = numbers(300, 6)
    one, other = (FOUND[kind](vectors, 4, 1) for _ in range(2))
    torch.testing.assert_close(one.written, other.written, rtol=0, atol=0)


def test_other_seeds_give_other_random_directions() -> None:
    """Random directions and a choice of axes depend on the seed."""
    vectors = numbers(9, 40)
    for kind in ("random", "residual-basis"):
        one, other = (FOUND[kind](vectors, 4, seed).written for seed in (1, 2))
        assert not torch.equal(one, other)


def test_probes_find_what_was_planted() -> None:
    """Both directions point from the texts without to those with the planted component."""
    planted = torch.nn.functional.normalize(numbers(16, seed=5), dim=0)
    negative, positive = numbers(60, 16, seed=6), numbers(60, 16, seed=7) + 6 * planted
    found = probes(positive, negative)
    assert (found.written @ planted).min() > 0.8


def test_probe_without_texts_of_one_kind() -> None:
    """A probe with nothing to tell from is refused."""
    with pytest.raises(ConfigError, match="0 negative"):
        probes(numbers(3, 4), torch.empty(0, 0))


def test_kept_as_it_was(tmp_path: Path) -> None:
    """What is written is read back, to the last bit, whichever tensors it has; its hash tells two apart."""
    hashes = set()
    for kind in sorted(FOUND):
        parts = FOUND[kind](numbers(50, 6), 4, 0)
        baseline = made_of(parts, mean=numbers(6), thresholds=numbers(8), folder=tmp_path / kind / "fitted")
        save_baseline(baseline)
        read = load_baseline(baseline.folder)
        torch.testing.assert_close(read.encode(numbers(9, 6)), baseline.encode(numbers(9, 6)), rtol=0, atol=0)
        assert (read.facts, read.family, read.n_features) == (baseline.facts, "made", 8)
        hashes.add(read.sha256)
    assert len(hashes) == len(FOUND)


def test_damaged_weights(tmp_path: Path) -> None:
    """A file cut short is an error that says what to remove."""
    folder = tmp_path / "key" / "fitted"
    save_baseline(
        made_of(FOUND["random"](numbers(4, 3), 2, 0), mean=torch.zeros(3), thresholds=torch.zeros(4), folder=folder)
    )
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-8])
    with pytest.raises(SubjectError, match=r"remove .*key and it is fitted again"):
        load_baseline(folder)


def test_every_kind_can_be_configured() -> None:
    """The kinds that a configuration may name are those that can be fitted."""
    assert set(BASELINES) == {*FOUND, "neurons", "probe"}
