"""Strata by rank cover all tiles once, and answers go where they are worth most."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autointerp.sampling.ranked import geometric_shares, rank_strata, share_answers

worths = st.lists(st.tuples(st.floats(0, 10), st.integers(0, 50)), min_size=1, max_size=8)


@given(st.integers(2, 20), st.floats(1e-6, 0.1))
def test_shares_are_all_there_is(n: int, finest: float) -> None:
    """They sum to 1 and the first is the finest."""
    shares = geometric_shares(n, finest=finest)
    assert shares.sum() == pytest.approx(1)
    assert shares[0] == pytest.approx(finest)
    assert (shares > 0).all()


@given(hnp.arrays(np.float64, st.integers(1, 300), elements=st.floats(-5, 5)))
def test_higher_ranks_come_first(ranking: np.ndarray) -> None:
    """No tile of a later stratum ranks above one of an earlier; sizes follow the shares to a tile."""
    shares = geometric_shares(4, finest=0.02)
    strata = rank_strata(ranking, shares)
    for place in range(3):
        before, after = ranking[strata <= place], ranking[strata > place]
        assert not before.size or not after.size or before.min() >= after.max()
    counts = np.bincount(strata, minlength=4)
    assert np.abs(np.cumsum(counts) - np.cumsum(shares) * ranking.size).max() <= 0.5 + 1e-9


@given(worths, st.integers(0, 200))
def test_answers_are_shared_out(strata: list[tuple[float, int]], n: int) -> None:
    """All of them while there is room, and none where there is not."""
    worth, room = zip(*strata, strict=True)
    given_out = share_answers(n, worth, room)
    assert sum(given_out) == min(n, sum(room))
    assert all(0 <= k <= limit for k, limit in zip(given_out, room, strict=True))


def test_in_proportion_to_worth() -> None:
    """Twice the worth, twice the answers; what a full stratum cannot take goes to the others."""
    assert share_answers(30, [1, 2], [100, 100]) == (10, 20)
    assert share_answers(30, [1, 2], [100, 5]) == (25, 5)
    assert share_answers(3, [0, 0], [1, 1]) == (1, 1)
