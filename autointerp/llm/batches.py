"""Which waiting questions of a local model run together, and what they share."""

from collections.abc import Sequence
from itertools import groupby, pairwise

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


def order_rows(rows: Sequence[Tokens]) -> list[int]:
    """Return the places of the rows in the order to divide them in.

    Rows whose common beginning is worth a batch of their own stand together; all others stand by their
    length, so that little is padded.

    >>> order_rows([(1, 5, 5, 5), (1, 4), (1, 3, 3)])
    [1, 2, 0]
    """
    return order_places(rows, sorted(range(len(rows)), key=rows.__getitem__)) if rows else []


def order_places(rows: Sequence[Tokens], places: Sequence[int]) -> list[int]:
    """Return the places, at least one and by their rows, as ``order_rows`` does."""
    shared = n_shared(rows[places[0]], rows[places[-1]])
    together: list[int] = []
    loose: list[int] = []
    for _, branch in groupby(places, key=lambda place: rows[place][shared : shared + 1]):
        group = list(branch)
        saved = (n_shared(rows[group[0]], rows[group[-1]]) - shared) * (len(group) - 1)
        if saved > OVERHEAD_TOKENS:
            together += order_places(rows, group)
        else:
            loose += group
    return sorted(loose, key=lambda place: len(rows[place])) + together


def plan_batches(rows: Sequence[Tokens], limit: int, *, overhead: int = OVERHEAD_TOKENS) -> list[range]:
    """Return the cheapest division of rows, in the order of ``order_rows``, into consecutive batches.

    A batch runs its common prefix once (less what the batch before left in the cache) and the rest
    of each row padded to the longest, and pays *overhead* tokens. A batch of several rows has at most
    *limit* padded tokens. Dynamic programming over the ends of batches.

    >>> plan_batches([(1, 2, 3), (1, 2, 4)], 1000)
    [range(0, 2)]
    """
    best: list[tuple[int, int]] = [(0, 0)]
    lcp = [0, *(n_shared(a, b) for a, b in pairwise(rows))]
    for end in range(1, len(rows) + 1):
        best.append(
            min(
                (best[start][0] + cost, start)
                for start, cost in price_batches(rows, lcp, end, limit=limit, overhead=overhead)
            )
        )
    return walk_back([start for _, start in best])


def price_batches(
    rows: Sequence[Tokens], lcp: Sequence[int], end: int, *, limit: int, overhead: int
) -> list[tuple[int, int]]:
    """Return (start, cost in tokens) of every batch ``rows[start:end]`` within the limit."""
    priced = []
    longest, prefix = 0, len(rows[end - 1])
    for start in range(end - 1, -1, -1):
        longest = max(longest, len(rows[start]))
        padded = (end - start) * (longest - prefix)
        if start < end - 1 and padded > limit:
            break
        priced.append((start, overhead + padded + prefix - min(prefix, lcp[start])))
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
