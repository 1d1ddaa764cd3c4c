"""Strata: silence verified, weights that make sums right, the same sample in any order."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autointerp.core.draws import draw_key, draw_keys
from autointerp.sampling.bins import N_BINS, N_BUCKETS, lowest_strata, octave_bins
from autointerp.sampling.grouped import ranks
from autointerp.sampling.sketches import Limits, keys_of_ties
from autointerp.sampling.strata import Pooled, Quota, Sampled, bucket_of, choose_tiles, spread, stratified

QUOTA = Quota(top=3, firing=8, random=6, silent=5)


def keys_of(n: int, seed: int = 0) -> np.ndarray:
    return np.array([draw_key(seed, "tile", i) for i in range(n)], np.uint64)


peaks_of_tiles = hnp.arrays(
    np.float64, st.integers(0, 60), elements=st.one_of(st.just(0.0), st.floats(0.0625, 10, allow_nan=False, width=32))
)
quotas = st.builds(Quota, top=st.integers(0, 9), firing=st.integers(0, 30), random=st.integers(0, 9))


def known_of(
    peaks: np.ndarray, keys: np.ndarray, *, base: int, limits: Limits, n_pooled: int, pool_seed: int = 0
) -> tuple[Sampled, Pooled]:
    """Return what a harvest keeps of one side whose tiles have these peaks: the sketch's rows and the pool."""
    n = len(peaks)
    firing = np.flatnonzero(peaks > 0)
    mixed = draw_keys(base, keys)
    counts = np.bincount(octave_bins(peaks[firing]), minlength=N_BINS)
    peak = float(peaks.max(initial=0.0)) or 1.0
    stratum = np.maximum(octave_bins(peaks[firing]), lowest_strata(np.array([peak]))[0])
    order = np.lexsort((mixed[firing], stratum))
    kept = set(firing[order[ranks(stratum[order]) < limits.n_stratum]].tolist())
    kept |= set(firing[np.lexsort((keys_of_ties(mixed[firing]), -peaks[firing]))][: limits.n_top].tolist())
    rows = np.array(sorted(kept), np.int64)
    pool_keys = np.array([draw_key(pool_seed, "pool", int(k)) for k in keys], np.uint64)
    pool = np.sort(np.argsort(pool_keys)[:n_pooled])
    sampled = stratified(rows, mixed[rows], peaks[rows], counts=counts, peak=peak, n_stratum=limits.n_stratum)
    return sampled, Pooled(pool, keys[pool], peaks[pool], len(pool) / max(n, 1))


WHOLE = Limits(n_top=10**6, n_stratum=10**6)


@given(peaks_of_tiles, quotas, st.integers(0, 12), st.integers(0, 2**64 - 1), st.integers(1, 60), st.integers(1, 5))
def test_strata_hold_what_they_say(
    peaks: np.ndarray, quota: Quota, n_silent: int, base: int, n_pooled: int, n_stratum: int
) -> None:
    """A silent stratum never holds a firing tile, nor a firing one a silent tile; weights >= 1; no tile twice."""
    quota = Quota(quota.top, quota.firing, quota.random, n_silent)
    peak = float(peaks.max()) if len(peaks) and peaks.max() > 0 else 1.0
    known = known_of(peaks, keys_of(len(peaks)), base=base, limits=Limits(9, n_stratum), n_pooled=n_pooled)
    chosen = choose_tiles(*known, quota=quota, peak=peak, base=base)
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


@given(peaks_of_tiles, quotas, st.integers(0, 2**64 - 1))
def test_quotas_are_met_where_everything_is_known(peaks: np.ndarray, quota: Quota, base: int) -> None:
    """With all tiles at hand, top holds the highest peaks, and the other frames give what they are asked for."""
    quota = Quota(quota.top, quota.firing, 0, 4)
    peak = float(peaks.max()) if len(peaks) and peaks.max() > 0 else 1.0
    known = known_of(peaks, keys_of(len(peaks)), base=base, limits=WHOLE, n_pooled=len(peaks))
    chosen = choose_tiles(*known, quota=quota, peak=peak, base=base)
    n_firing = int((peaks > 0).sum())
    top = [peaks[c.tile] for c in chosen if c.stratum == "top"]
    assert sorted(top) == sorted(peaks[peaks > 0])[max(n_firing - quota.top, 0) :]
    assert sum(c.stratum == "silent:random" for c in chosen) == min(4, len(peaks) - n_firing)
    assert len([c for c in chosen if peaks[c.tile] > 0]) >= min(n_firing, max(quota.top, quota.firing))


@given(peaks_of_tiles, st.integers(0, 2**64 - 1), st.randoms(use_true_random=False))
def test_same_sample_in_any_order(peaks: np.ndarray, base: int, shuffler: object) -> None:
    """The sample depends on the tiles, not on the order they come in."""
    sampled, pooled = known_of(peaks, keys_of(len(peaks)), base=base, limits=Limits(3, 2), n_pooled=20)
    peak = float(peaks.max()) if len(peaks) and peaks.max() > 0 else 1.0
    straight = choose_tiles(sampled, pooled, quota=QUOTA, peak=peak, base=base)

    def shuffled(n: int) -> np.ndarray:
        order = np.arange(n)
        shuffler.shuffle(order)  # type: ignore[attr-defined]
        return order

    a, b = shuffled(len(sampled.tiles)), shuffled(len(pooled.tiles))
    mixed = choose_tiles(
        replace(
            sampled,
            tiles=sampled.tiles[a],
            keys=sampled.keys[a],
            peaks=sampled.peaks[a],
            is_member=sampled.is_member[a],
        ),
        replace(pooled, tiles=pooled.tiles[b], keys=pooled.keys[b], peaks=pooled.peaks[b]),
        quota=QUOTA,
        peak=peak,
        base=base,
    )
    assert mixed == straight


@pytest.mark.parametrize("quota", [QUOTA, Quota(top=5, firing=10, random=5, silent=20), Quota(random=12, silent=1)])
@pytest.mark.parametrize(("limits", "n_pooled"), [(WHOLE, 400), (Limits(5, 4), 150), (Limits(3, 2), 60)])
@pytest.mark.parametrize("step", [0.0, 0.5, 100.0])
def test_weighted_counts_are_unbiased(quota: Quota, limits: Limits, n_pooled: int, step: float) -> None:
    """Over many draws the weights sum to the number of firing tiles and of silent tiles (Horvitz and Thompson 1952).

    Also where little was kept: the shares of what was kept are part of the weights. Also where many peaks are
    equal, or all of them (*step*, up to which peaks are rounded).
    """
    quota = replace(quota, top=min(quota.top, limits.n_top))  # more is refused with the configuration
    n, n_draws = 400, 500
    draws = np.random.default_rng(1)
    peaks = np.where(draws.random(n) < 0.2, draws.exponential(1.0, n) + 0.01, 0.0).astype(np.float32).astype(float)
    peaks = np.where(peaks > 0, np.ceil(peaks / step) * step, 0.0) if step else peaks
    peak = float(peaks.max())
    firing, silent = [], []
    for seed in range(n_draws):
        base = draw_key(seed, "feature")
        known = known_of(peaks, keys_of(n, seed), base=base, limits=limits, n_pooled=n_pooled, pool_seed=seed)
        chosen = choose_tiles(*known, quota=quota, peak=peak, base=base)
        firing.append(sum(c.weight for c in chosen if peaks[c.tile] > 0))
        silent.append(sum(c.weight for c in chosen if peaks[c.tile] == 0))
    for estimates, truth in ((firing, int((peaks > 0).sum())), (silent, int((peaks == 0).sum()))):
        error = np.std(estimates) / n_draws**0.5
        # Shares of buckets that straddle two strata are estimates: 3% is allowed for them where little was kept.
        slack = 0.0 if limits is WHOLE else 0.03 * truth
        assert abs(np.mean(estimates) - truth) < 4 * error + slack + 1e-9, (np.mean(estimates), truth, error)


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
