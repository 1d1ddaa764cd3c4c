"""Work in other threads comes in order, and not more of it than is wanted."""

from collections.abc import Callable, Iterator
from functools import partial
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.store.threads import ahead, side_by_side

PATIENCE_S = 60


@given(st.lists(st.integers(), max_size=30), st.integers(1, 4))
def test_results_come_in_the_order_of_the_calls(values: list[int], n: int) -> None:
    """Whatever is done side by side, what comes is what a loop would give."""
    assert list(side_by_side((partial(abs, value) for value in values), n)) == [abs(value) for value in values]
    assert list(ahead(iter(values))) == values


def test_calls_run_side_by_side() -> None:
    """Two calls that wait for each other both return."""
    first, second = Event(), Event()

    def call(mine: Event, other: Event) -> bool:
        mine.set()
        return other.wait(PATIENCE_S)

    assert all(side_by_side([partial(call, first, second), partial(call, second, first)], 2))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_no_more_calls_are_drawn_than_are_wanted(n: int) -> None:
    """While a result is in use the next n are under way, and no more, also when nobody wants the rest."""
    drawn = [0]

    def calls() -> Iterator[Callable[[], int]]:
        for number in range(100):
            drawn[0] += 1
            yield partial(abs, number)

    results = side_by_side(calls(), n)
    assert next(results) == 0
    assert drawn == [n + 1]
    results.close()  # type: ignore[attr-defined]
    assert drawn == [n + 1]


def test_what_goes_wrong_is_raised_in_its_turn() -> None:
    """What was done before the call that fails is had; calls behind what is under way are not begun."""
    begun = [0]

    def fails() -> int:
        msg = "seven"
        raise ValueError(msg)

    def counts() -> int:
        begun[0] += 1
        return 2

    results = side_by_side([partial(abs, -1), fails, *[counts] * 9], 2)
    assert next(results) == 1
    with pytest.raises(ValueError, match="seven"):
        next(results)
    assert begun[0] <= 2


def test_one_value_is_made_ahead() -> None:
    """While a value is in use the next one is made, and not the one behind it; what fails comes behind what did not."""
    begun = [Event() for _ in range(3)]

    def values() -> Iterator[int]:
        for number, event in enumerate(begun):
            event.set()
            yield number
        msg = "eight"
        raise ValueError(msg)

    made = ahead(values())
    assert next(made) == 0
    assert begun[1].wait(PATIENCE_S)
    assert not begun[2].is_set()
    assert [next(made), next(made)] == [1, 2]
    with pytest.raises(ValueError, match="eight"):
        next(made)
