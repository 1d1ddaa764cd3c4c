"""Strata: silence verified, weights that make sums right, the same sample in any order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autointerp.core.draws import draw_key, draw_keys
from autointerp.sampling.strata import N_BUCKETS, Quota, bucket_of, choose_tiles, spread

QUOTA = Quota(top=3, firing=8, random=6, silent=5)


def keys_of(n: int, seed: int = 0) -> np.ndarray:
    return np.array([draw_key(seed, "tile", i) for i in range(n)], np.uint64)


peaks_of_tiles = hnp.arrays(
    np.float64, st.integers(0, 60), elements=st.one_of(st.just(0.0), st.floats(0.01, 10, allow_nan=False))
)
quotas = st.builds(Quota, top=st.integers(0, 9), firing=st.integers(0, 30), random=st.integers(0, 9))


@given(peaks_of_tiles, quotas, st.integers(0, 12), st.integers(0, 2**64 - 1))
def test_strata_hold_what_they_say(peaks: np.ndarray, quota: Quota, n_silent: int, base: int) -> None:
    """A silent stratum never holds a firing tile, nor a firing one a silent tile; weights >= 1; no tile twice."""
    quota = Quota(quota.top, quota.firing, quota.random, n_silent)
    peak = float(peaks.max()) if len(peaks) and peaks.max() > 0 else 1.0
    chosen = choose_tiles(peaks, keys_of(len(peaks)), quota=quota, peak=peak, base=base)
    assert len({c.tile for c in chosen}) == len(chosen)
    for c in chosen:
        assert c.weight >= 1 - 1e-12
        if c.stratum.startswith("silent"):
            assert peaks[c.tile] == 0
        elif c.stratum.startswith("firing"):
            assert bucket_of(peaks[c.tile : c.tile + 1], peak=peak)[0] == int(c.stratum.partition(":")[2])
            assert peaks[c.tile] > 0
        elif c.stratum == "top":
            assert peaks[c.tile] > 0
            assert c.weight == 1


@given(peaks_of_tiles, st.integers(0, 2**64 - 1), st.randoms(use_true_random=False))
def test_same_sample_in_any_order(peaks: np.ndarray, base: int, shuffler: object) -> None:
    """The sample depends on the tiles, not on the order they come in."""
    keys = keys_of(len(peaks))
    order = np.arange(len(peaks))
    shuffler.shuffle(order)  # type: ignore[attr-defined]
    peak = float(peaks.max()) if len(peaks) and peaks.max() > 0 else 1.0
    straight = {(c.tile, c.stratum, c.weight) for c in choose_tiles(peaks, keys, quota=QUOTA, peak=peak, base=base)}
    mixed = choose_tiles(peaks[order], keys[order], quota=QUOTA, peak=peak, base=base)
    assert {(int(order[c.tile]), c.stratum, c.weight) for c in mixed} == straight


@pytest.mark.parametrize("quota", [QUOTA, Quota(top=5, firing=10, random=5, silent=20), Quota(random=12)])
def test_weighted_counts_are_unbiased(quota: Quota) -> None:
    """Over many draws the weights sum to the number of firing tiles and of silent tiles (Horvitz and Thompson 1952)."""
    n, n_draws = 400, 1500
    draws = np.random.default_rng(1)
    peaks = np.where(draws.random(n) < 0.2, draws.exponential(1.0, n) + 0.01, 0.0)
    keys, peak = keys_of(n), float(peaks.max())
    firing, silent = [], []
    for seed in range(n_draws):
        chosen = choose_tiles(peaks, keys, quota=quota, peak=peak, base=draw_key(seed, "feature"))
        firing.append(sum(c.weight for c in chosen if peaks[c.tile] > 0))
        silent.append(sum(c.weight for c in chosen if peaks[c.tile] == 0))
    for estimates, truth in ((firing, int((peaks > 0).sum())), (silent, int((peaks == 0).sum()))):
        error = np.std(estimates) / n_draws**0.5
        assert abs(np.mean(estimates) - truth) < 4 * error + 1e-9, (np.mean(estimates), truth, error)


@given(hnp.arrays(np.int64, N_BUCKETS, elements=st.integers(0, 40)), st.integers(0, 200))
def test_spread_sums(counts: np.ndarray, n: int) -> None:
    """The quota is met where there is enough, no bucket gives more than it has, and none is passed over."""
    take = spread(counts, n)
    assert take.sum() == min(n, counts.sum())
    assert (take <= counts).all()
    unfinished = take[take < counts]
    assert take.max() - (unfinished.min() if len(unfinished) else take.max()) <= 1


@settings(max_examples=20)
@given(st.integers(0, 2**64 - 1))
def test_draw_keys_are_uniform(base: int) -> None:
    """Keys of consecutive numbers fill 16 bins evenly, and differ (chi squared with 15 degrees, p > 1e-6)."""
    keys = draw_keys(base, np.arange(8000, dtype=np.uint64))
    assert len(np.unique(keys)) == len(keys)
    counts = np.bincount((keys >> np.uint64(60)).astype(np.int64), minlength=16)
    assert ((counts - 500) ** 2 / 500).sum() < 57


def test_draw_keys_of_two_features_are_independent() -> None:
    """The lowest keys of one feature say nothing of another's."""
    keys = keys_of(5000)
    a, b = draw_keys(draw_key(0, "a#1"), keys), draw_keys(draw_key(0, "a#2"), keys)
    assert abs(np.corrcoef(a.astype(float), b.astype(float))[0, 1]) < 4 / 5000**0.5
