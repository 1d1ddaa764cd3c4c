"""The one place where a call is tried again: full-jitter exponential back-off, bounded in tries and time."""

import math
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one question is worth: *tries* calls, *total_s* seconds from the first, waits up to *longest_s*.

    Waits are uniform in [0, first_s * 2^n]: "full jitter" (Brooker, "Exponential Backoff And Jitter",
    AWS Architecture Blog, 2015).
    """

    tries: int = 6
    total_s: float = 300.0
    first_s: float = 0.5
    longest_s: float = 30.0


class TransientError(Exception):
    """The call may succeed later.

    ``outcome`` is raised when patience ends; ``wait_s`` is what the server asks for; ``is_paid``: the
    server may have answered, and billed, without the answer reaching us; ``is_overload``: fewer calls at
    once would help.
    """

    def __init__(
        self, outcome: Exception, *, wait_s: float | None = None, is_paid: bool = False, is_overload: bool = False
    ) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome
        self.wait_s = wait_s
        self.is_paid = is_paid
        self.is_overload = is_overload


async def call_patiently(call: Callable[[], Awaitable[T]], patience: Patience) -> tuple[T, int]:
    """Return what *call* returns, and the number of tries it took.

    A wait the server asks for (Retry-After) is kept to; when it is longer than the time left, no
    further try is made.

    Raises:
        Exception: The ``outcome`` of the last TransientError, or whatever else *call* raised.
    """
    from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, stop_before_delay

    attempts = AsyncRetrying(
        retry=retry_if_exception_type(TransientError),
        stop=stop_after_attempt(patience.tries) | stop_before_delay(patience.total_s),
        wait=make_wait(patience),
        reraise=True,
    )

    async def attempt() -> T:  # tenacity awaits only what was declared async
        return await call()

    try:
        return await attempts(attempt), int(attempts.statistics["attempt_number"])
    except TransientError as transient:
        raise transient.outcome from transient


def make_wait(patience: Patience) -> Callable[..., float]:
    """Return tenacity's wait function: what the server asked for, else full jitter."""
    from tenacity import RetryCallState, wait_random_exponential

    jitter = wait_random_exponential(multiplier=patience.first_s, max=patience.longest_s)

    def wait_s(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait_s if isinstance(error, TransientError) else None
        return jitter(state) if asked is None else asked

    return wait_s


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After header (a number or a date, RFC 9110 §10.2.3), or None.

    OpenAI and Anthropic also send ``retry-after-ms``, which is exact.

    >>> read_retry_after({"retry-after": "2"})
    2.0
    """
    milliseconds = headers.get("retry-after-ms", "")
    if re.fullmatch(r"\d{1,9}(\.\d+)?", milliseconds, re.ASCII):
        return float(milliseconds) / 1000
    text = headers.get("retry-after", "")
    try:
        seconds = float(text)
    except ValueError:
        return read_date(text)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def read_date(text: str) -> float | None:
    """Return the seconds from now to an HTTP date, at least 0, or None when it is none."""
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
