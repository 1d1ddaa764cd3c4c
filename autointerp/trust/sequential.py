"""Where the next answer buys most: a budget of answers given to the labels nearest to a decision."""

from collections.abc import Sequence

import numpy as np

from autointerp.core.types import FloatArray
from autointerp.metrics.sequential import SequentialSettings, Verdict, log_wealth, verdict_of


def allocate(
    counts: Sequence[tuple[int, int]], budget: int, settings: SequentialSettings | None = None
) -> tuple[int, ...]:
    """Return how many more answers to ask of each label, at most *budget* in all.

    The labels nearest to a decision first, as many answers as they are expected to need: that decides
    most labels for the money. Expected need: the smaller of what either test still lacks, divided by
    what it gains an answer at the posterior mean accuracy (Beta(1/2, 1/2) prior). Decided and given-up
    labels get none; a label that gains nothing either way comes last. Ties: the first label first.

    Args:
        counts: (right, asked) of each label so far.
        budget: Answers to give away, >= 0.
        settings: The test.
    """
    settings = settings or SequentialSettings()
    needs = [expected_need(right, n, settings) for right, n in counts]
    given = [0] * len(counts)
    for label in sorted(range(len(counts)), key=lambda i: (needs[i], i)):
        given[label] = min(needs[label], budget - sum(given))
    return tuple(given)


def expected_need(n_right: int, n: int, settings: SequentialSettings) -> int:
    """Return about how many more answers decide; 0 when it is decided, all that are left when nothing helps."""
    if n and verdict_of(n_right, n, settings) is not Verdict.OPEN:
        return 0
    p = (n_right + 0.5) / (n + 1)
    tests = ((settings.bad, settings.good_bets), (settings.good, settings.bad_bets))
    needs = [
        (-np.log(settings.alpha) - log_wealth(n_right, n, null=null, bets=bets)) / gain
        for null, bets in tests
        if (gain := _gain(p, null, bets)) > 0
    ]
    left = settings.max_items - n
    return max(1, min(left, int(np.ceil(min(needs, default=left)))))


def _gain(p: float, null: float, bets: Sequence[float]) -> float:
    """Return the log wealth an answer adds on average to the best of the bets, at accuracy *p*."""
    q = np.asarray(bets)
    gains: FloatArray = p * np.log(q / null) + (1 - p) * np.log((1 - q) / (1 - null))
    return float(gains.max())
