"""How many calls at once and a minute: limits kept, and concurrency that finds what the provider bears."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

START = 8
# Latency counts as overload when it is this many times the best seen, and by more than SLOW_S: servers
# of a few milliseconds jitter by more than their own time.
SLOWER, SLOW_S = 4.0, 2.0
SMOOTHING = 0.1


@dataclass(slots=True)
class Adaptive:
    """Additive increase, multiplicative decrease (Chiu and Jain 1989): how many calls may be under way.

    One more after each round of calls that went well; half, at most once in the time of a call, when
    the provider limits the rate, times out or answers much more slowly than it has.
    """

    most: int
    limit: float = START
    latency_s: float | None = None
    best_s: float = float("inf")
    halved_at: float = field(default=float("-inf"))

    def __post_init__(self) -> None:
        self.limit = min(self.limit, self.most)

    def succeed(self, seconds: float, *, now: float) -> None:
        """Note an answer after so many seconds."""
        self.best_s = min(self.best_s, seconds)
        latency = seconds if self.latency_s is None else self.latency_s + SMOOTHING * (seconds - self.latency_s)
        self.latency_s = latency
        if latency > SLOWER * self.best_s and latency > self.best_s + SLOW_S:
            self.overload(now=now)
        else:
            self.limit = min(self.most, self.limit + 1 / self.limit)

    def overload(self, *, now: float) -> None:
        """Note that it is too much."""
        if now - self.halved_at >= (self.latency_s or 0.0):
            self.limit = max(1.0, self.limit / 2)
            self.halved_at = now


@dataclass(slots=True)
class Allowance:
    """So much a minute, none saved up beyond *burst_s* seconds; a call is let in when its turn has come.

    The generic cell rate algorithm: ``free_at`` is when all that was let in will have been paid off.
    """

    a_minute: float
    burst_s: float = 1.0
    free_at: float = 0.0

    def take(self, amount: float, *, now: float) -> float:
        """Return the seconds to wait, having taken the amount."""
        start = max(self.free_at, now - self.burst_s)
        self.free_at = start + amount * 60 / self.a_minute
        return max(0.0, start - now)


class Pace:
    """Lets calls through, in the order they came.

    Args:
        most: Calls at once, at most.
        requests_a_minute: None for any number.
        tokens_a_minute: Prompt and answer at worst, None for any number.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        *,
        most: int = 64,
        requests_a_minute: float | None = None,
        tokens_a_minute: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.adaptive = Adaptive(most)
        self.n_running = 0
        self._requests = Allowance(requests_a_minute) if requests_a_minute else None
        self._tokens = Allowance(tokens_a_minute) if tokens_a_minute else None
        self._clock = clock
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def slot(self, *, tokens: int) -> AsyncIterator[None]:
        """Hold one of the places while the call is under way."""
        await self._enter()
        try:
            if wait_s := self._wait_s(tokens):
                await asyncio.sleep(wait_s)
            yield
        finally:
            self.n_running -= 1
            self._wake()

    def succeed(self, seconds: float) -> None:
        self.adaptive.succeed(seconds, now=self._clock())

    def overload(self) -> None:
        self.adaptive.overload(now=self._clock())

    async def _enter(self) -> None:
        """Wait for a place; the place is taken by the one who wakes us, so that nobody slips in between."""
        self._drop_cancelled()
        if not self._waiting and self.n_running < int(self.adaptive.limit):
            self.n_running += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the place was given in the same moment
                self.n_running -= 1
                self._wake()
            raise

    def _wake(self) -> None:
        self._drop_cancelled()
        while self._waiting and self.n_running < int(self.adaptive.limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self.n_running += 1
                turn.set_result(None)

    def _drop_cancelled(self) -> None:
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft()

    def _wait_s(self, tokens: int) -> float:
        now = self._clock()
        waits = [self._requests.take(1, now=now) if self._requests else 0.0]
        waits.append(self._tokens.take(tokens, now=now) if self._tokens else 0.0)
        return max(waits)
