"""Whether a label beats other labels on the same items: a permutation test that needs no extra calls."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autointerp.core.draws import generator
from autointerp.core.types import FloatArray
from autointerp.metrics.classification import auroc
from autointerp.metrics.intervals import Interval, bootstrap_interval

N_SWAPS = 9999
FEATURES_AT_ONCE = 512
"""Features whose draws are in memory together: 40 MB a table of 9,999 swaps."""


def item_gains(truth: ArrayLike, own: ArrayLike, others: ArrayLike) -> FloatArray:
    """Return what each item adds to each label's lead over the rest, shape [1 + n_others, n_items], own first.

    A row's sum is (mean lead on firing items) - (mean lead on silent items), in [-2, 2]: the gain in
    recall minus that in false fire, where lead = the label's guess - mean guess of the other labels.

    Args:
        truth: 1 where the feature fires, else 0, shape [n_items]; both kinds must be there.
        own: The judge's guesses with the label, shape [n_items].
        others: Its guesses with other features' labels on the same items, shape [n_others, n_items].

    Raises:
        ValueError: Only firing or only silent items, or no other label.
    """
    fires = np.asarray(truth, dtype=np.float64) > 0
    rivals = np.atleast_2d(np.asarray(others, dtype=np.float64))
    if fires.all() or not fires.any() or rivals.size == 0:
        msg = f"swaps need firing and silent items and another label: {int(fires.sum())} of {fires.size} items fire"
        raise ValueError(msg)
    guesses = np.vstack([np.asarray(own, dtype=np.float64), rivals])
    lead = (guesses - guesses.mean(axis=0)) * len(guesses) / len(rivals)
    gains: FloatArray = np.where(fires, lead / fires.sum(), -lead / (~fires).sum())
    return gains


def swap_p_values(
    gains: Sequence[FloatArray], *, seed: int, key: tuple[object, ...] = (), n_swaps: int = N_SWAPS
) -> FloatArray:
    """Return one p value a feature, shape [n_features]: how often a label drawn anew on each item leads by as much.

    If the feature's label is worth no more than the others, it might as well have been any of them,
    item by item. p = (1 + number as large) / (1 + n_swaps), never 0 (Phipson and Smyth 2010);
    one-sided. Features share the draws, which leaves each p value as it is; numbers of items may differ.

    Args:
        gains: Of each feature, from ``item_gains``, all with the same number of labels.
        seed: With *key*, decides the draws.
        key: Plain values that name what is tested.
        n_swaps: How many times all labels are drawn anew.
    """
    if not gains:
        return np.zeros(0)
    n_labels = len(gains[0])
    table = np.zeros((n_labels, max(one.shape[1] for one in gains), len(gains)))
    for column, one in enumerate(gains):
        table[:, : one.shape[1], column] = one
    draw = generator(seed, "swap_p_values", *key)
    picked = draw.integers(0, n_labels, size=(n_swaps, table.shape[1]), dtype=np.int8)
    pieces = [table[:, :, start : start + FEATURES_AT_ONCE] for start in range(0, len(gains), FEATURES_AT_ONCE)]
    as_large = np.concatenate([_n_as_large(picked, piece) for piece in pieces])
    p_values: FloatArray = (1 + as_large) / (1 + n_swaps)
    return p_values


def least_p(n_labels: int, n_items: int, *, n_swaps: int = N_SWAPS) -> float:
    """Return the smallest p value that so many items allow, in (0, 1]: that all of them draw the label by luck.

    A label that is better than the others on every single item is drawn on all of them in n_labels**-n_items
    of the swaps; and no p value is below 1 / (1 + n_swaps).

    >>> least_p(2, 3), least_p(4, 50)
    (0.125, 0.0001)
    """
    return max(float(n_labels) ** -n_items, 1 / (1 + n_swaps))


def _n_as_large(picked: NDArray[np.int8], table: FloatArray) -> FloatArray:
    """Return how many draws lead by as much as the label itself, shape [n_features].

    Args:
        picked: Which label each item draws, shape [n_swaps, n_items].
        table: Gains, shape [n_labels, n_items, n_features].
    """
    leads = sum((picked == label).astype(np.float64) @ gains for label, gains in enumerate(table))
    # Sums of the same numbers in another order differ by rounding; a tie counts as large.
    counts: FloatArray = (leads >= table[0].sum(axis=0) - 1e-12).sum(axis=0)
    return counts


def excess(
    truth: ArrayLike, own: ArrayLike, control: ArrayLike, *, seed: int, key: tuple[object, ...]
) -> tuple[float, Interval | None] | None:
    """Return AUROC of the label minus AUROC of a control on the same items, and its interval; None where undefined.

    The items are drawn again together (paired bootstrap): they are the same windows. ``excess_shuffled``
    and ``excess_lookup`` are this with another feature's label and with the token look-up.
    """
    fires, mine, theirs = (np.asarray(values, dtype=np.float64) for values in (truth, own, control))
    value = _difference(fires, mine, theirs, None)
    if value is None:
        return None

    def resampled(counts: FloatArray) -> FloatArray:
        found = [_difference(fires, mine, theirs, row) for row in counts]
        return np.array([np.nan if one is None else one for one in found])

    return value, bootstrap_interval(fires.size, resampled, seed=seed, key=(*key, "excess"))


def _difference(truth: FloatArray, own: FloatArray, control: FloatArray, weight: FloatArray | None) -> float | None:
    mine, theirs = auroc(truth, own, weight), auroc(truth, control, weight)
    return None if mine is None or theirs is None else mine - theirs
