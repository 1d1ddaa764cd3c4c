"""The official SDKs as senders of one request: no retries of theirs, no endless bodies, no key in any text."""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from autointerp.core.errors import AskFailed, EnvironmentProblem
from autointerp.core.types import Reason
from autointerp.llm.chat import OPENAI
from autointerp.llm.messages import ANTHROPIC
from autointerp.llm.provider_errors import BodyTooLongError, translate
from autointerp.llm.wire import Body, Server

if TYPE_CHECKING:
    import httpx2

# The longest answer we ask for is some 100 KB; log-probabilities of every prompt token some 10 MB.
LONGEST_BODY = 64 * 2**20
LONGEST_FILE = 2 * 2**30
FILES = ("/content", "/results")
AT_ONCE = 512
CHATTY = ("openai", "anthropic", "httpx2", "httpcore2")

PATHS = {
    "chat": "/chat/completions",
    "responses": "/responses",
    "completions": "/completions",
    "decisions": "/decisions",
    "messages": "/v1/messages",
}
"""Where each endpoint stands behind the base URL."""


class SdkClient:
    """Sends over an SDK's asynchronous client, opened in the event loop that asks and closed with ``close``."""

    def __init__(self, server: Server, open_sdk: Callable[[Server, float], Any], *, timeout_s: float) -> None:
        self.server = server
        self._open_sdk = open_sdk
        self._timeout_s = timeout_s
        self._opened: tuple[asyncio.AbstractEventLoop, Any] | None = None

    async def send(self, endpoint: str, body: Body) -> Any:
        """Return the response as plain JSON values; see ``Client.send``.

        Through the SDKs' ``post``, as they document it for requests of one's own: bodies go out as they
        are, with settings that only compatible servers know, and come back without a model built of them.
        """
        import httpx2

        path = PATHS[endpoint]
        response = await self.call(lambda sdk: sdk.post(path, body=body, cast_to=httpx2.Response))
        try:
            return json.loads(response.content)
        except ValueError:
            detail = f"{self.server.place} sent something that is no JSON"
            raise AskFailed(Reason.PROVIDER_ERROR, detail) from None

    async def call(self, use: Callable[[Any], Any]) -> Any:
        """Return what *use* gets from the SDK within the time of one try, its errors as ours."""
        sdk = self.sdk()
        try:
            # The SDK's own time-out is for each chunk: a body that drips would never end.
            async with asyncio.timeout(self._timeout_s):
                return await use(sdk)
        except (TypeError, AskFailed, EnvironmentProblem):
            raise
        except Exception as error:
            # The SDK's error is left out: it repeats what the server sent, which may repeat the key.
            raise translate(error, self.server) from None

    def sdk(self) -> Any:
        """Return the SDK's client of this event loop: connections do not outlive theirs."""
        loop = asyncio.get_running_loop()
        if self._opened is None or self._opened[0] is not loop:
            self._opened = (loop, self._open_sdk(self.server, self._timeout_s))
        return self._opened[1]

    async def close(self) -> None:
        """Close the connections; a later question opens new ones."""
        if self._opened:
            (_, sdk), self._opened = self._opened, None
            await sdk.close()


def open_openai(server: Server, timeout_s: float) -> Any:
    """Return OpenAI's client. Raises EnvironmentProblem when OpenAI's own key is not set."""
    from openai import AsyncOpenAI

    return AsyncOpenAI(
        api_key=read_key(server, is_needed=server.base_url == OPENAI),
        base_url=server.base_url,
        max_retries=0,
        timeout=timeout_s,
        http_client=make_http_client(timeout_s),
    )


def open_anthropic(server: Server, timeout_s: float) -> Any:
    """Return Anthropic's client. Raises EnvironmentProblem when Anthropic's own key is not set."""
    from anthropic import AsyncAnthropic

    return AsyncAnthropic(
        api_key=read_key(server, is_needed=server.base_url == ANTHROPIC),
        base_url=server.base_url,
        max_retries=0,
        timeout=timeout_s,
        http_client=make_http_client(timeout_s),
    )


def read_key(server: Server, *, is_needed: bool) -> str:
    """Return the key from its environment variable; it is kept nowhere but in the SDK's client."""
    key = os.environ.get(server.key_variable)
    if not key and is_needed:
        msg = f"{server.key_variable} is not set; set it to your key, or name another server with base_url"
        raise EnvironmentProblem(msg)
    return key or "none"


def quieten() -> None:
    """Keep the libraries' chatter out of the logs: they write headers and bodies, and a server may repeat a key."""
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def make_http_client(timeout_s: float) -> "httpx2.AsyncClient":
    """Return a client that stops reading a body without end, and asks as many at once as we let it."""
    import httpx2

    quieten()
    limits = httpx2.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    hooks: dict[str, list[Callable[..., Any]]] = {"response": [bound_body]}
    return httpx2.AsyncClient(timeout=timeout_s, limits=limits, event_hooks=hooks, follow_redirects=True)


async def bound_body(response: "httpx2.Response") -> None:
    """Make reading the response fail after LONGEST_BODY bytes; the files of a batch may be longer."""
    import httpx2

    longest = LONGEST_FILE if response.request.url.path.endswith(FILES) else LONGEST_BODY

    class Bounded(httpx2.AsyncByteStream):
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        async def __aiter__(self) -> AsyncIterator[bytes]:
            n_read = 0
            async for chunk in self._inner:
                n_read += len(chunk)
                if n_read > longest:
                    msg = f"the answer is longer than {longest:,} bytes; check base_url"
                    raise BodyTooLongError(msg)
                yield chunk

        async def aclose(self) -> None:
            await self._inner.aclose()

    response.stream = Bounded(response.stream)
