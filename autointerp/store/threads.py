"""Work in other threads, whose results come in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import repeat
from typing import TypeVar

T = TypeVar("T")


def side_by_side(calls: Iterable[Callable[[], T]], n: int) -> Iterator[T]:
    """Yield what the calls return, in their order; the next *n* are under way while the last one is in use.

    Raises what a call has raised, in its turn, and at once what drawing a call from *calls* has raised.
    """
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(n, thread_name_prefix="side-by-side") as workers:
        for call in calls:
            waiting.append(workers.submit(call))
            if len(waiting) > n:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def ahead(values: Iterable[T]) -> Iterator[T]:
    """Yield the values; each is made, in another thread, while the one before it is in use."""
    making, end = iter(values), object()
    for value in side_by_side(repeat(lambda: next(making, end)), 1):
        if value is end:
            return
        yield value  # type: ignore[misc]
        del value  # it may be large, and the next one is being made
