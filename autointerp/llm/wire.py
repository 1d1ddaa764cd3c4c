"""What all HTTP providers share: the server, a request in its wire format, and what is read out of a response."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

from autointerp.core.types import Question, Reply

Rows = tuple[tuple[float, ...], ...]
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Server:
    """Who is asked: the model, where, and the environment variable with the key."""

    model: str
    base_url: str
    key_variable: str

    @property
    def place(self) -> str:
        """The address without what may be secret in it: user, password, query."""
        parts = urlsplit(self.base_url)
        host = parts.hostname or ""
        return urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path, "", ""))


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as billed; what a server leaves out is 0.

    ``tokens_in`` is the whole prompt, of which ``tokens_cached`` were read from the provider's cache
    and ``tokens_written`` written to it.
    """

    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    tokens_written: int = 0


@dataclass(frozen=True, slots=True)
class Read:
    """A response as it goes into a Reply; ``failed`` and ``detail`` as there."""

    model: str
    text: str
    usage: Usage
    rows: Rows = ()
    kind: str = "text"
    fingerprint: str = ""
    is_cut: bool = False
    failed: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """One way to ask and to read: ``write(question, server)`` and ``read(response, question, server)`` do no I/O.

    ``endpoint`` names it for the client that sends, ``kind`` is the kind of graded answer it yields.
    ``read`` raises AskFailed for something that is no response of this form at all.
    """

    endpoint: str
    kind: str
    write: Callable[[Question, Server], Body]
    read: Callable[[Any, Question, Server], Read]


class Client(Protocol):
    """Sends one request, once."""

    async def send(self, endpoint: str, body: Body) -> Any:
        """Return the response as plain JSON values.

        Raises:
            TransientError: Another try may succeed.
            AskFailed: This question will not.
            ProviderUnavailable: No question will.
        """
        ...

    async def close(self) -> None: ...


def make_reply(question: Question, read: Read, *, seconds: float, tries: int, usd: float | None) -> Reply:
    """Return what was read as a reply."""
    return Reply(
        question=question.key,
        model=read.model,
        text=read.text,
        probabilities=read.rows,
        kind=read.kind,
        tokens_in=read.usage.tokens_in,
        tokens_out=read.usage.tokens_out,
        tokens_cached=read.usage.tokens_cached,
        seconds=seconds,
        usd=usd,
        tries=tries,
        fingerprint=read.fingerprint,
        is_cut=read.is_cut,
        failed=read.failed,
        detail=read.detail,
    )
