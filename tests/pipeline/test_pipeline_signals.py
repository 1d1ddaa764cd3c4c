"""What a signal raises while questions are under way comes out, wherever in the loop it strikes."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from autointerp.llm.gather import answer_stream
from autointerp.pipeline.waiting import stopped_by_signals


class TerminationSignal(BaseException):
    """As Prefect raises one: neither SystemExit nor KeyboardInterrupt."""


def strike() -> None:
    raise TerminationSignal


class Struck:
    """A model whose callbacks, or answers, are struck by a signal; what was to wake it is lost."""

    name = "struck"

    def __init__(self, how: Callable[[], Any]) -> None:
        self.how = how

    async def answer(self, _question: Any) -> Any:
        self.how()
        await asyncio.Event().wait()


async def ask(llm: Any) -> None:
    with stopped_by_signals():
        async with aclosing(answer_stream(llm, [object(), object()], 2)) as stream:
            async for _ in stream:
                pass


def in_callback() -> None:
    asyncio.get_running_loop().call_soon(strike)


@pytest.mark.parametrize("how", [in_callback, strike])
def test_a_signal_ends_the_asking(how: Callable[[], Any]) -> None:
    """Also in a callback, where asyncio would note it down and wait for good. In a thread, so that a hang fails."""
    ended: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(ask(Struck(how)))
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(20)
    assert [type(error) for error in ended] == [TerminationSignal]


def test_other_errors_of_callbacks_are_noted_as_ever() -> None:
    """An ordinary error stops nothing, and what was set before hears of it again afterwards."""
    heard: list[str] = []

    async def world() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: heard.append(repr(context["exception"])))
        with stopped_by_signals():
            loop.call_soon(lambda: 1 / 0)
            await asyncio.sleep(0.01)
        loop.call_soon(lambda: 1 / 0)
        await asyncio.sleep(0.01)

    asyncio.run(world())
    assert len(heard) == 2


def test_a_cancelled_task_stays_cancelled() -> None:
    """Who cancels the asking gets CancelledError, not something else."""

    async def world() -> None:
        task = asyncio.create_task(ask(Struck(lambda: None)))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(world())
