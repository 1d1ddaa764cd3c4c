"""The dashboard as a process: where it listens, who keeps its snapshot fresh."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autointerp.core.errors import ConfigError, EnvironmentProblem
from autointerp.dashboard.server import HERE, make_app
from autointerp.store.snapshot import current_snapshot

LOOPBACK = ("127.0.0.1", "::1", "localhost")
LOOK_EVERY_S = 2.0
QUIET_LOOKS, MOST_LOOKS = 2, 30
"""A snapshot is made when the runs have not changed for so many looks, while they are written after the longest."""

SHORTEST_TOKEN = 16


def read_token(path: Path | None, host: str) -> str:
    """Return the token of a file, "" for an address that only this machine can reach.

    Raises:
        ConfigError: Others can reach the address and no token is asked for, or it can be guessed.
    """
    if path is None:
        if host not in LOOPBACK:
            msg = f"{host} can be reached by others: put a secret in a file and name it with --token-file"
            raise ConfigError(msg)
        return ""
    try:
        token = path.read_text("utf-8").strip()
    except OSError as error:
        msg = f"--token-file {path}: cannot be read ({error.strerror})"
        raise ConfigError(msg) from error
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        msg = f"--token-file {path}: a token is one line of at least {SHORTEST_TOKEN} letters without blanks"
        raise ConfigError(msg)
    return token


def serve(home: Path, *, host: str, port: int, token: str, on_ready: Callable[[str], None]) -> None:
    """Serve a home's runs until interrupted. Raises EnvironmentProblem where the port is taken."""
    import uvicorn

    hosts = HERE if host in LOOPBACK else ("*",)
    app = make_app(home, token=token, hosts=hosts)
    config = uvicorn.Config(app, host=host, port=port, log_level=logging.ERROR, access_log=False, server_header=False)
    server = _Server(config, on_ready)
    keeper = Keeper(home)
    keeper.start()
    try:
        server.run()
    except SystemExit as stop:
        if server.started:
            raise
        # uvicorn leaves without a word where it cannot listen.
        msg = f"{host}:{port} cannot be listened at; choose another with --port"
        raise EnvironmentProblem(msg) from stop
    finally:
        keeper.stop()
        app.state.shelf.close()


def _Server(config: Any, on_ready: Callable[[str], None]) -> Any:  # noqa: N802 (makes one)
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            for listening in self.servers:
                for socket in listening.sockets:
                    address = socket.getsockname()
                    host = f"[{address[0]}]" if ":" in address[0] else address[0]
                    on_ready(f"http://{host}:{address[1]}/")

    return Server(config)


class Keeper(threading.Thread):
    """Makes a new snapshot, in a process of its own, when runs have changed and are quiet again."""

    def __init__(self, home: Path) -> None:
        super().__init__(name="snapshot keeper", daemon=True)
        self.home = home
        self._stopped = threading.Event()

    def run(self) -> None:
        """Look until stopped."""
        seen, n_same, n_stale = "", 0, 0
        while not self._stopped.is_set():
            key = self._key()
            n_same = n_same + 1 if key == seen else 0
            current = current_snapshot(self.home)
            n_stale = 0 if current is not None and current.stem == key else n_stale + 1
            seen = key
            is_due = current is None or n_same >= QUIET_LOOKS or n_stale >= MOST_LOOKS
            if n_stale and is_due:
                self._build()
                n_stale = 0
            self._stopped.wait(LOOK_EVERY_S)

    def stop(self) -> None:
        self._stopped.set()

    def _key(self) -> str:
        from autointerp.dashboard.building import look_at

        try:
            return look_at(self.home).key
        except OSError:
            # A part went while we looked: the next look finds what took its place.
            return ""

    def _build(self) -> None:
        """Make the snapshot elsewhere: what it takes in memory is given back, and pages are answered meanwhile."""
        command = [
            sys.executable,
            "-c",
            "from autointerp.cli import main; main()",
            "snapshot",
            "--home",
            str(self.home),
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"})
        while process.poll() is None:
            if self._stopped.wait(0.1):
                process.terminate()
