"""Homes for the dashboard: synthetic runs written as parts, and an application to ask."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from report_builders import make_run

from autointerp.dashboard.server import make_app
from autointerp.report.tables import RunTables
from autointerp.store.manifest import write_manifest
from autointerp.store.parts import write_part

TABLES = (
    "dictionaries", "features", "evidence", "explanations", "predictions", "scores", "failures", "calls",
    "certificates",
)  # fmt: skip


def write_run(home: Path, run: RunTables, *, name: str, created: str = "2026-11-21T10:00:00Z") -> Path:
    """Write a run's tables under a home, a part a dictionary, and return its folder."""
    folder = home / "runs" / name
    folder.mkdir(parents=True, exist_ok=True)
    write_manifest(folder, {**run.manifest, "created": created})
    for table in TABLES:
        frame = run[table]
        if "dictionary" in frame and table not in ("calls", "failures"):
            for dictionary, rows in frame.groupby("dictionary"):
                write_part(folder, table, str(dictionary), rows)
        elif len(frame):
            write_part(folder, table, "all", frame)
    return folder


def toy_home(home: Path, **changes: Any) -> Path:
    """Write a home of one run ``toy-1`` of two widths and return it."""
    write_run(home, make_run(**{"widths": (512, 1024), "n_scored": 4, **changes}), name="toy-1")
    return home


def changed(run: RunTables, **tables: Any) -> RunTables:
    """Return the run with other tables."""
    merged: Mapping[str, Any] = {**run.tables, **tables}
    return RunTables(merged, run.manifest)


# ---- the application, asked without a socket


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Asks an ASGI application as a server does: a request is its path, what stands after ``?``, and headers."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.loop = asyncio.new_event_loop()

    def get(self, address: str, **headers: str) -> Answer:
        return self.ask("GET", address, b"", headers)

    def post(self, address: str, body: str, **headers: str) -> Answer:
        return self.ask("POST", address, body.encode(), headers)

    def ask(self, method: str, address: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        return self.loop.run_until_complete(ask(self.app, method, address, body, headers))


async def ask(app: Any, method: str, address: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Return the application's answer to one request."""
    path, _, query = address.partition("?")
    given = {"host": "127.0.0.1", **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": unquote(path), "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 50_000),
    }  # fmt: skip
    received: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[dict[str, Any]] = []
    done = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if received:
            return received.pop()
        await done.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    try:
        await app(scope, receive, send)
    finally:
        done.set()
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:]))


@contextmanager
def open_app(home: Path, **settings: Any) -> Iterator[Client]:
    """Yield a client of the application over a home, closed at the end."""
    app = make_app(home, **settings)
    client = Client(app)
    try:
        yield client
    finally:
        app.state.shelf.close()
        client.loop.run_until_complete(client.loop.shutdown_default_executor())
        client.loop.close()
