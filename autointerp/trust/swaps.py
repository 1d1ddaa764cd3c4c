"""Whether a label beats other labels on the same items: a permutation test that needs no extra calls."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from autointerp.core.draws import generator
from autointerp.core.types import FloatArray
from autointerp.metrics.classification import auroc
from autointerp.metrics.intervals import Interval, bootstrap_interval

N_SWAPS = 9999


def item_gains(truth: ArrayLike, own: ArrayLike, others: ArrayLike) -> FloatArray:
    """Return what each item adds to the label's lead over the other labels, shape [n_items].

    Their sum is (mean lead on firing items) - (mean lead on silent items), in [-2, 2]: the gain in
    recall minus that in false fire, where lead = own guess - mean guess of the other labels.

    Args:
        truth: 1 where the feature fires, else 0, shape [n_items]; both kinds must be there.
        own: The judge's guesses with the label, shape [n_items].
        others: Its guesses with other features' labels on the same items, shape [n_labels, n_items].

    Raises:
        ValueError: Only firing or only silent items, or no other label.
    """
    fires = np.asarray(truth, dtype=np.float64) > 0
    rivals = np.atleast_2d(np.asarray(others, dtype=np.float64))
    if fires.all() or not fires.any() or rivals.size == 0:
        msg = f"swaps need firing and silent items and another label: {int(fires.sum())} of {fires.size} items fire"
        raise ValueError(msg)
    lead = np.asarray(own, dtype=np.float64) - rivals.mean(axis=0)
    return np.where(fires, lead / fires.sum(), -lead / (~fires).sum())


def swap_p_values(
    gains: Sequence[ArrayLike], *, seed: int, key: tuple[object, ...] = (), n_swaps: int = N_SWAPS
) -> FloatArray:
    """Return one p value a label, shape [n_labels]: how often swapped labels lead by as much.

    If the label is worth no more than the others, its guess and theirs may change places within each
    item: the sign of every item's gain is tossed. p = (1 + number as large) / (1 + n_swaps), never 0
    (Phipson and Smyth 2010); one-sided. Labels of different numbers of items may be tested together;
    they share the tosses, which leaves each p value as it is.

    Args:
        gains: Of each label, from ``item_gains``.
        seed: With *key*, decides the tosses.
        key: Plain values that name what is tested.
        n_swaps: Tosses.
    """
    longest = max((np.size(one) for one in gains), default=0)
    table = np.zeros((longest, len(gains)))
    for column, one in enumerate(gains):
        table[: np.size(one), column] = one
    tosses = generator(seed, "swap_p_values", *key).integers(0, 2, size=(n_swaps, longest), dtype=np.int8) * 2.0 - 1.0
    observed = table.sum(axis=0)
    # Sums of the same numbers in another order differ by rounding; a tie counts as large.
    as_large = tosses @ table >= observed - 1e-12
    p_values: FloatArray = (1 + as_large.sum(axis=0)) / (1 + n_swaps)
    return p_values


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
