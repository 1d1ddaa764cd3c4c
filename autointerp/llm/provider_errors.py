"""What an HTTP provider's errors mean: try again, give up this question, or stop asking."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autointerp.core.errors import AskFailed, ProviderUnavailable
from autointerp.core.types import Reason
from autointerp.llm.retrying import TransientError, read_retry_after


@dataclass(frozen=True, slots=True)
class Server:
    """Who is asked: the model, where, and the environment variable with the key."""

    model: str
    base_url: str
    key_variable: str


def translate(error: Exception, server: Server) -> Exception:
    """Return our exception for one of the SDK's (or for a body that was no JSON).

    Only 408, 409, 429, 5xx, broken connections and time-outs are worth another try.
    """
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    match error:
        case APITimeoutError():
            return TransientError(AskFailed(Reason.TIMEOUT, f"{server.base_url} did not answer in time"))
        case APIConnectionError():
            return TransientError(unavailable(server, "cannot be reached; check base_url and the network"))
        case APIStatusError():
            return translate_status(error.status_code, error.response.headers, error.body, server)
        case _:
            detail = f"{server.base_url} sent something that is no chat completion ({type(error).__name__})"
            return AskFailed(Reason.PROVIDER_ERROR, detail)


def translate_status(status: int, headers: Mapping[str, str], body: Any, server: Server) -> Exception:
    """Return our exception for an HTTP status of 400 or more."""
    wait_s = read_retry_after(headers)
    match status:
        case 401 | 403:
            # The provider's own words may repeat a part of the key.
            return unavailable(server, f"refused the key (HTTP {status}); check ${server.key_variable} and its rights")
        case 404:
            return unavailable(server, f"knows no model {server.model!r} (HTTP 404); check its name and base_url")
        case 429 if read_field(body, "code") == "insufficient_quota":
            return unavailable(server, "says the quota is used up; raise it and run the same command again")
        case 429:
            return TransientError(unavailable(server, "keeps limiting the rate; ask fewer at once"), wait_s=wait_s)
        case 408 | 409:
            return TransientError(AskFailed(Reason.TIMEOUT, f"HTTP {status} again and again"), wait_s=wait_s)
        case 502 | 503 | 504 | 529:
            return TransientError(unavailable(server, f"is down or overloaded (HTTP {status})"), wait_s=wait_s)
        case _ if status >= 500:
            return TransientError(AskFailed(Reason.PROVIDER_ERROR, f"HTTP {status} again and again"), wait_s=wait_s)
        case _:
            return AskFailed(Reason.PROVIDER_ERROR, explain_refusal(status, body))


def explain_refusal(status: int, body: Any) -> str:
    """Return what the provider has against this request, and what to do where it is clear."""
    message = str(read_field(body, "message") or "no reason given")[:300]
    is_too_long = read_field(body, "code") == "context_length_exceeded" or "context" in message.lower()
    hint = "; use shorter windows, fewer examples or a judge with a longer context" if is_too_long else ""
    return f"HTTP {status}: {message}{hint}"


def read_field(body: Any, name: str) -> Any:
    """Return a field of an error body, with or without its ``error`` envelope."""
    if not isinstance(body, Mapping):
        return None
    inner = body.get("error")
    return inner.get(name) if isinstance(inner, Mapping) else body.get(name)


def unavailable(server: Server, what: str) -> ProviderUnavailable:
    return ProviderUnavailable(f"{server.base_url} {what}")
