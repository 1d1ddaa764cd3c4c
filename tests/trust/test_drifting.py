"""Drift of a judge on anchors: exact under no change, quiet for ten thousand answers, quick after a swap."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, kstest

from autointerp.core.draws import generator
from autointerp.trust.drift_streams import MadeJudge, Swap, stream, wealth_of_streams
from autointerp.trust.drifting import (
    DriftSettings,
    Round,
    chances,
    find_alarm,
    normal_score,
    poisson_binomial,
    turned_now,
    wealth_by_round,
)

STEADY = MadeJudge(accuracy=0.85, noise=0.03)


def rounds_of(right: np.ndarray, seed: int) -> list[Round]:
    """Return the rounds of one stream, shape [n_rounds, n_anchors]."""
    jitter = generator(seed, "jitter", 1, *right.shape).random((len(right), 2, 1))
    before = np.cumsum(right, axis=0) - right
    return [
        Round(now, past.astype(np.int64), np.full(len(now), number), (float(u[0][0]), float(u[1][0])))
        for number, (now, past, u) in enumerate(zip(right, before, jitter, strict=True))
    ]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_distribution_is_that_of_independent_events(chance: list[float]) -> None:
    """The distribution equals the sum over all outcomes."""
    expected = np.zeros(len(chance) + 1)
    for outcome in product((0, 1), repeat=len(chance)):
        expected[sum(outcome)] += np.prod(
            [p if happened else 1 - p for p, happened in zip(chance, outcome, strict=True)]
        )
    assert poisson_binomial(np.array(chance)) == pytest.approx(expected, abs=1e-12)


def test_equal_chances_are_binomial() -> None:
    """With one chance for all it is the binomial distribution, with all of its mass."""
    assert poisson_binomial(np.full(60, 0.2)) == pytest.approx(binom.pmf(np.arange(61), 60, 0.2))


@given(st.integers(0, 5), st.integers(0, 5), st.booleans())
def test_newest_answer_is_any_of_them(right: int, wrong: int, now: bool) -> None:
    """An anchor's newest answer is wrong with the share of wrong ones; turned when it is of the fewer."""
    first, turned = chances(np.array([now]), np.array([right]), np.array([right + wrong]))
    n, n_wrong = right + wrong + 1, wrong + (not now)
    fewer = min(n_wrong, n - n_wrong)
    assert first[0] == pytest.approx(n_wrong / n)
    assert turned[0] == pytest.approx(0 if 2 * fewer == n else fewer / n)
    is_fewer = (n_wrong if not now else n - n_wrong) < n / 2
    assert turned_now(np.array([now]), np.array([right]), np.array([right + wrong]))[0] == is_fewer


def test_scores_are_standard_normal_when_nothing_changes() -> None:
    """Whatever the judge is like, its score in each round is normal, and those of two rounds are independent."""
    right = stream(MadeJudge(0.8, 0.1), None, n_streams=2000, n_anchors=20, n_rounds=4, swap_at=0, seed=1)
    jitter = generator(2, "u").random((4, 2000))
    scores = []
    for number in range(4):
        before, asked = right[:, :number].sum(axis=1), np.full((2000, 20), number)
        wrong, _ = chances(right[:, number], before, asked)
        scores.append(normal_score(~right[:, number], wrong, jitter[number]))
    for one in scores:
        assert kstest(one, "norm").pvalue > 0.001
    assert abs(np.corrcoef(scores[2], scores[3])[0, 1]) < 0.08


def test_tails_have_no_end() -> None:
    """A count that all but cannot happen has a large score, not an infinite one."""
    everything, nothing = (np.full(300, happened) for happened in (True, False))
    high = float(normal_score(everything, np.full(300, 1e-3), 0.5))
    low = float(normal_score(nothing, np.full(300, 1 - 1e-3), 0.5))
    assert np.isfinite([high, low]).all()
    assert (high > 8, low < -8) == (True, True)


def test_quiet_over_ten_thousand_clean_answers() -> None:
    """At most 1% false alarms; the benchmark has more streams."""
    clean = stream(STEADY, None, n_streams=150, n_anchors=100, n_rounds=100, swap_at=0, seed=4)
    assert (wealth_of_streams(clean, seed=5).max(axis=1) >= 100).mean() <= 0.02


@pytest.mark.parametrize("swap", [Swap(-0.1, kept=1.0), Swap(-0.1, kept=0.5), Swap(0.1, kept=0.5)])
def test_a_swap_is_found_within_300_answers(swap: Swap) -> None:
    """A judge 0.1 better or worse rings the alarm within 300 anchors in 9 of 10 streams, and not before."""
    right = stream(STEADY, swap, n_streams=60, n_anchors=100, n_rounds=13, swap_at=10, seed=6)
    rang = wealth_of_streams(right, seed=7) >= 100
    assert rang[:, :10].any(axis=1).mean() <= 0.05
    assert rang[:, 10:].any(axis=1).mean() >= 0.9


def test_many_streams_are_as_one() -> None:
    """What is computed for many streams at once is what one alone gives."""
    right = stream(STEADY, Swap(-0.2), n_streams=1, n_anchors=40, n_rounds=8, swap_at=5, seed=8)
    assert wealth_of_streams(right, seed=9)[0] == pytest.approx(wealth_by_round(rounds_of(right[0], 9)))


def test_alarm_names_the_round_and_the_direction() -> None:
    """After a swap for the worse the alarm dates it where it was, and says worse; without one there is none."""
    right = stream(STEADY, Swap(-0.3, kept=1.0), n_streams=1, n_anchors=100, n_rounds=10, swap_at=6, seed=3)[0]
    found = find_alarm(rounds_of(right, 1))
    assert found is not None
    assert (found.at, found.since) == (6, 6)
    assert found.is_worse is not False
    assert find_alarm(rounds_of(right[:6], 1)) is None
    assert find_alarm([]) is None


def test_a_rarer_alarm_rings_later() -> None:
    """With a smaller probability of false alarms the wealth needed is larger."""
    right = stream(STEADY, Swap(-0.1, kept=1.0), n_streams=1, n_anchors=100, n_rounds=16, swap_at=6, seed=3)[0]
    some, few = (find_alarm(rounds_of(right, 1), DriftSettings(alpha=alpha)) for alpha in (0.05, 1e-6))
    assert some is not None
    assert few is None or few.at >= some.at
