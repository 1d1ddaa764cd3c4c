"""Which waiting questions of a local model run together, and what they share."""

from collections.abc import Sequence
from itertools import pairwise

Tokens = tuple[int, ...]

# What a forward pass costs however little it holds, in tokens; measured on 2 cores, where passes of
# 750 to 5,000 tokens all run at the same speed.
OVERHEAD_TOKENS = 48


def n_shared(a: Sequence[int], b: Sequence[int]) -> int:
    """Return how many first tokens two sequences have in common.

    >>> n_shared((1, 2, 3), (1, 2, 4, 5))
    2
    """
    return next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def n_common(rows: Sequence[Tokens]) -> int:
    """Return how many first tokens all rows have in common (the first and the last in order decide)."""
    return n_shared(min(rows), max(rows))


def plan_batches(rows: Sequence[Tokens], limit: int) -> list[range]:
    """Return the cheapest division of *sorted* rows into consecutive batches.

    A batch runs its common prefix once (less what the batch before left in the cache) and the rest
    of each row padded to the longest, and pays OVERHEAD_TOKENS. A batch of several rows has at most
    *limit* padded tokens. Dynamic programming over the ends of batches.

    >>> plan_batches([(1, 2, 3), (1, 2, 4)], 1000)
    [range(0, 2)]
    """
    best: list[tuple[int, int]] = [(0, 0)]
    lcp = [0, *(n_shared(a, b) for a, b in pairwise(rows))]
    for end in range(1, len(rows) + 1):
        best.append(min((best[start][0] + cost, start) for start, cost in price_batches(rows, lcp, end, limit)))
    return walk_back([start for _, start in best])


def price_batches(rows: Sequence[Tokens], lcp: Sequence[int], end: int, limit: int) -> list[tuple[int, int]]:
    """Return (start, cost in tokens) of every batch ``rows[start:end]`` within the limit."""
    priced = []
    longest, prefix = 0, len(rows[end - 1])
    for start in range(end - 1, -1, -1):
        longest = max(longest, len(rows[start]))
        padded = (end - start) * (longest - prefix)
        if start < end - 1 and padded > limit:
            break
        priced.append((start, OVERHEAD_TOKENS + padded + prefix - min(prefix, lcp[start])))
        prefix = min(prefix, lcp[start])
    return priced


def walk_back(starts: Sequence[int]) -> list[range]:
    """Return the batches in order, given for each end where its last batch starts."""
    batches = []
    end = len(starts) - 1
    while end:
        batches.append(range(starts[end], end))
        end = starts[end]
    return batches[::-1]
