"""How the pipeline waits for what runs in a loop: to its end, or to the signal that stops it."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


def wait_for(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a loop of its own; what a signal raises meanwhile comes out here."""

    async def stoppable() -> T:
        with stopped_by_signals():
            return await coroutine

    return asyncio.run(stoppable())


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Have what a signal raises within a callback of the loop come out here; needs a running task.

    asyncio lets KeyboardInterrupt and SystemExit through. What Prefect raises for SIGTERM is neither: in a callback it
    would be logged and lost, and with it what the callback was to wake, so that the loop waits for good.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    raised: list[BaseException] = []
    before = loop.get_exception_handler()

    def hear(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException) and not isinstance(error, Exception | asyncio.CancelledError):
            raised.append(error)
            task.cancel()
        elif before:
            before(loop, context)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(hear)
    try:
        yield
    except asyncio.CancelledError:
        if not raised:
            raise
        task.uncancel()
        raise raised[0] from None
    finally:
        loop.set_exception_handler(before)
