"""What an HTTP provider's errors mean: try again, give up this question, or stop asking."""

import os
from collections.abc import Mapping
from typing import Any, TypeVar

from autointerp.core.errors import AskFailed, ProviderUnavailable
from autointerp.core.types import Reason
from autointerp.llm.retrying import TransientError, read_retry_after
from autointerp.llm.wire import Server

E = TypeVar("E", bound=BaseException)


class BodyTooLongError(Exception):
    """A response went on and on; reading was stopped."""


def translate(error: Exception, server: Server) -> Exception:
    """Return our exception for one of an SDK's: OpenAI's and Anthropic's have the same names and shapes.

    Only 408, 409, 429, 5xx, broken connections and time-outs are worth another try.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, TimeoutError) or "APITimeoutError" in names:
        return TransientError(
            AskFailed(Reason.TIMEOUT, f"{server.place} did not answer in time"), is_paid=True, is_overload=True
        )
    if too_long := find_cause(error, BodyTooLongError):
        return AskFailed(Reason.PROVIDER_ERROR, f"{server.place}: {too_long}")
    if "APIConnectionError" in names:
        return translate_connection(error, server)
    if "APIStatusError" in names:
        status: Any = error
        return translate_status(status.status_code, status.response.headers, status.body, server)
    return AskFailed(Reason.PROVIDER_ERROR, f"{server.place} sent something that is no answer ({type(error).__name__})")


def translate_connection(error: Exception, server: Server) -> TransientError:
    """Return our exception for a connection that was never made, or that broke under a request."""
    never_made = type(error.__cause__).__name__ in ("ConnectError", "ConnectTimeout", "PoolTimeout")
    if never_made:
        return TransientError(unavailable(server, "cannot be reached; check base_url and the network"))
    return TransientError(unavailable(server, "breaks the connection again and again"), is_paid=True)


def find_cause(error: BaseException | None, kind: type[E]) -> E | None:
    """Return the exception of this kind that led to *error*, if one did."""
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error


def translate_status(status: int, headers: Mapping[str, str], body: Any, server: Server) -> Exception:
    """Return our exception for an HTTP status of 400 or more."""
    wait_s = read_retry_after(headers)
    match status:
        case 401 | 403:
            # The provider's own words may repeat a part of the key.
            return unavailable(server, f"refused the key (HTTP {status}); check ${server.key_variable} and its rights")
        case 404:
            return unavailable(server, f"knows no model {server.model!r} (HTTP 404); check its name and base_url")
        case 402:
            return unavailable(server, "wants to be paid (HTTP 402); add credit and run the same command again")
        case 429 if read_field(body, "code") == "insufficient_quota":
            return unavailable(server, "says the quota is used up; raise it and run the same command again")
        case 429:
            limited = unavailable(server, "keeps limiting the rate; ask fewer at once")
            return TransientError(limited, wait_s=wait_s, is_overload=True)
        case 408 | 409:
            return TransientError(AskFailed(Reason.TIMEOUT, f"HTTP {status} again and again"), wait_s=wait_s)
        case 502 | 503 | 504 | 529:
            down = unavailable(server, f"is down or overloaded (HTTP {status})")
            return TransientError(down, wait_s=wait_s, is_paid=status == 504, is_overload=True)
        case _ if status >= 500:
            return TransientError(AskFailed(Reason.PROVIDER_ERROR, f"HTTP {status} again and again"), wait_s=wait_s)
        case _:
            return AskFailed(Reason.PROVIDER_ERROR, hide_key(explain_refusal(status, body), server))


def explain_refusal(status: int, body: Any) -> str:
    """Return what the provider has against this request, and what to do where it is clear."""
    message = str(read_field(body, "message") or "no reason given")[:300]
    said = message.lower()
    is_too_long = read_field(body, "code") == "context_length_exceeded" or "context" in said or "too long" in said
    hint = "; use shorter windows, fewer examples or a judge with a longer context" if is_too_long else ""
    return f"HTTP {status}: {message}{hint}"


def read_field(body: Any, name: str) -> Any:
    """Return a field of an error body, with or without its ``error`` envelope."""
    if not isinstance(body, Mapping):
        return None
    inner = body.get("error")
    return inner.get(name) if isinstance(inner, Mapping) else body.get(name)


def hide_key(text: str, server: Server) -> str:
    """Return the text without the key: servers repeat what they were sent."""
    key = os.environ.get(server.key_variable)
    return text.replace(key, "***") if key else text


def unavailable(server: Server, what: str) -> ProviderUnavailable:
    return ProviderUnavailable(f"{server.place} {what}")
