"""Work done beside: in order, waited for at the end, its errors told."""

import threading

import pytest

from autointerp.pipeline.behind import Behind


def test_calls_are_done_in_order_and_waited_for() -> None:
    """They go one after the other in another thread; whoever waits finds all of them done."""
    behind, done = Behind(), []
    go = threading.Event()
    behind.do(go.wait)
    for number in range(5):
        behind.do(lambda number=number: done.append((number, threading.current_thread().name)))
    assert not done
    go.set()
    behind.wait()
    behind.close()
    assert [number for number, _ in done] == list(range(5))
    assert threading.current_thread().name not in {name for _, name in done}


def test_what_goes_wrong_is_told_once() -> None:
    """An error arrives where the next work is handed over, or at the end, and does not keep later work back."""
    behind, done = Behind(), []

    def fail() -> None:
        msg = "disk full"
        raise OSError(msg)

    behind.do(fail)
    with pytest.raises(OSError, match="disk full"):
        behind.wait()
    behind.do(lambda: done.append(1))
    behind.wait()
    behind.close()
    assert done == [1]


def test_closing_leaves_out_what_is_not_begun() -> None:
    """Who stops in the middle waits for what is under way alone."""
    behind, done = Behind(), []
    begun, go = threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        go.wait()
        done.append("first")

    behind.do(first)
    behind.do(lambda: done.append("second"))
    begun.wait()
    threading.Timer(0.1, go.set).start()
    behind.close()
    assert done == ["first"]
