"""An HTTP server of our own on loopback: answers at once, counts, and misbehaves when told to.

Also run by itself (``python local_server.py``) for benchmarks: it prints its port.
"""

import asyncio
import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Got:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    raw: bytes = b""


@dataclass(frozen=True)
class Send:
    """How to answer: after ``delay_s``, all of the body or ``cut_at`` bytes of it, or ``endless``."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    delay_s: float = 0.0
    cut_at: int | None = None
    endless: bool = False

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Respond = Callable[[Got], Send]


class LocalServer:
    """Serves in a thread of its own until ``stop``; ``got`` holds the requests in the order they came."""

    def __init__(self, respond: Respond, *, keep: bool = True) -> None:
        self.respond = respond
        self.got: list[Got] = []
        self.n_open = self.most_open = 0
        self._keep = keep
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(10)

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**26))
        ready.set()
        self._loop.run_forever()
        self._server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (got := await read_request(reader)) is not None:
                if self._keep:
                    self.got.append(got)
                self.n_open += 1
                self.most_open = max(self.most_open, self.n_open)
                try:
                    is_open = await self._answer(writer, self.respond(got))
                finally:
                    self.n_open -= 1
                if not is_open:
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, send: Send) -> bool:
        """Write the answer; return whether the connection can go on."""
        if send.delay_s:
            await asyncio.sleep(send.delay_s)
        content = send.content()
        more = "".join(f"{name}: {value}\r\n" for name, value in send.headers.items())
        length = "" if send.endless else f"content-length: {len(content)}\r\n"
        head = f"HTTP/1.1 {send.status} X\r\ncontent-type: {send.content_type}\r\n{length}{more}\r\n"
        writer.write(head.encode() + content[: send.cut_at])
        while send.endless:
            writer.write(b" " * 65536)
            await writer.drain()
        await writer.drain()
        return send.cut_at is None


async def read_request(reader: asyncio.StreamReader) -> Got | None:
    """Return the next request of a connection, None when it is closed."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
    }
    raw = await reader.readexactly(int(headers.get("content-length", 0)))
    try:
        body = json.loads(raw) if raw else None
    except ValueError:
        body = None
    return Got(method, path, headers, body, raw)


CHAT = {
    "id": "x",
    "object": "chat.completion",
    "created": 1,
    "model": "served",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
}


def main() -> None:
    """Serve one chat completion for ever, the fastest way there is."""
    server = LocalServer(lambda _: Send(CHAT), keep=False)
    sys.stdout.write(f"{server.url}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
