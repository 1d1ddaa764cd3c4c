"""Work in other threads comes in order, and not more of it than is wanted."""

from collections.abc import Callable, Iterator
from functools import partial
from threading import Event, Lock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.store.threads import ahead, side_by_side


@given(st.lists(st.integers(), max_size=30), st.integers(1, 4))
def test_results_come_in_the_order_of_the_calls(values: list[int], n: int) -> None:
    """Whatever is done side by side, what comes is what a loop would give."""
    assert list(side_by_side((partial(abs, value) for value in values), n)) == [abs(value) for value in values]
    assert list(ahead(iter(values))) == values


def test_calls_run_side_by_side() -> None:
    """Two calls that wait for each other both return; more than asked for are not begun."""
    first, second, lock, begun = Event(), Event(), Lock(), 0

    def call(mine: Event, other: Event) -> bool:
        nonlocal begun
        with lock:
            begun += 1
        mine.set()
        return other.wait(20)

    calls: Iterator[Callable[[], bool]] = iter([partial(call, first, second), partial(call, second, first)] * 5)
    results = side_by_side(calls, 2)
    assert next(results)
    results.close()  # type: ignore[attr-defined]
    assert begun <= 4


def test_what_goes_wrong_is_raised_in_its_turn() -> None:
    """What was done before the call that fails is had, and nothing behind it."""

    def fails() -> int:
        msg = "seven"
        raise ValueError(msg)

    results = side_by_side([partial(abs, -1), fails, partial(abs, -2)], 2)
    assert next(results) == 1
    with pytest.raises(ValueError, match="seven"):
        next(results)
    assert list(results) == []


def test_what_cannot_be_made_is_raised_behind_what_was() -> None:
    """Values made before one that fails are had."""

    def values() -> Iterator[int]:
        yield 1
        msg = "eight"
        raise ValueError(msg)

    made = ahead(values())
    assert next(made) == 1
    with pytest.raises(ValueError, match="eight"):
        next(made)
