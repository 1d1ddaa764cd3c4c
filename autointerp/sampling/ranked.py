"""Which silent tiles to judge when hardly any fits the label: strata by rank, and where the next answers go."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autointerp.core.types import FloatArray

N_STRATA = 10
FINEST = 0.0003


def geometric_shares(n_strata: int = N_STRATA, *, finest: float = FINEST) -> FloatArray:
    """Return shares that sum to 1, shape [n_strata], each about the same multiple of the one before.

    The first holds the tiles that a ranking puts highest. Whatever ranks them must not look at the
    label's truth: nearness of the text to the label or to firing windows, a sibling's activation, the
    top token found elsewhere, the answers of a cheap judge.

    >>> geometric_shares(3, finest=0.01).round(3).tolist()
    [0.01, 0.09, 0.9]
    """
    edges = np.geomspace(finest, 1.0, n_strata)
    return np.diff(edges, prepend=0.0)


def rank_strata(ranking: ArrayLike, shares: FloatArray) -> NDArray[np.int64]:
    """Return the stratum of each tile, shape [n_tiles], 0 for the highest ranked; ties by place."""
    values = np.asarray(ranking, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    edges = np.round(np.cumsum(shares) * values.size).astype(np.int64)
    strata = np.empty(values.size, dtype=np.int64)
    strata[order] = np.searchsorted(edges, np.arange(values.size), side="right").clip(max=len(shares) - 1)
    return strata


def share_answers(n: int, worth: Sequence[float], room: Sequence[int]) -> tuple[int, ...]:
    """Return how many of *n* answers each stratum gets: in proportion to *worth*, at most its *room*.

    Neyman's allocation (Neyman 1934) when worth = share * standard deviation of an answer. What a full
    stratum cannot take goes to the others in the same proportion; rounding favours the largest
    remainders. Less than *n* in all only when there is no more room.
    """
    given = np.zeros(len(worth), dtype=np.int64)
    free = np.asarray(room, dtype=np.int64).copy()
    weight = np.maximum(np.asarray(worth, dtype=np.float64), 1e-300)
    while (left := min(n - int(given.sum()), int(free.sum()))) > 0:
        open_ones = np.where(free > 0, weight, 0.0)
        wish = left * open_ones / open_ones.sum()
        take = np.minimum(np.floor(wish).astype(np.int64), free)
        for place in np.argsort(take - wish, kind="stable")[: left - int(take.sum())]:
            take[place] += int(take[place] < free[place])
        given, free = given + take, free - take
    return tuple(int(count) for count in given)
