"""Schedules served: deployments registered with Prefect's server, one of our own where none is configured."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from autointerp.core.errors import EnvironmentProblem
from autointerp.pipeline.attending import is_anything_due
from autointerp.pipeline.firings import now, register
from autointerp.pipeline.schedules import Deployment, FlowsFile, read_flows
from autointerp.store.places import cache_of
from flows.evaluate import SETTINGS
from flows.working import limit_name

SERVER_START_S = 180.0
LOOKED_EVERY_S = 2.0
AGAIN_S = 5.0
TERMINATED = 143
LEASES = "concurrency_leases"
"""Where Prefect keeps who holds which slot, in a server's folder."""

SERVER = (
    "import ctypes, os, sys\n"
    # So that a killed parent leaves no server behind, where the system can do that (PR_SET_PDEATHSIG, SIGKILL).
    "getattr(ctypes.CDLL(None), 'prctl', lambda *_: 0)(1, 9)\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'uvicorn', '--factory', 'prefect.server.api.server:create_app',"
    " '--host', '127.0.0.1', '--port', sys.argv[1], '--log-level', 'error', '--lifespan', 'on'])\n"
)


def serve(file: Path, *, home: Path) -> None:
    """Serve the schedules of a file until this process is stopped.

    Whoever serves only wakes flows; what is due and what became of it stands under the home, so that it may be
    killed and started again at any moment.

    Raises:
        ConfigError: The file is wrong.
        EnvironmentProblem: Prefect's server cannot be reached, or not be started.
    """
    flows = read_flows(file)
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    for deployment in flows.deployments:
        register(home, deployment, at=now())
    with api(home) as address:
        from prefect.settings import PREFECT_API_URL, temporary_settings

        is_ours = not PREFECT_API_URL.value()
        with temporary_settings({PREFECT_API_URL: address}):
            _say(f"{len(flows.deployments)} deployments served at {address}; Ctrl-C ends it")
            while True:
                try:
                    asyncio.run(_serve_once(flows, file, home, is_ours=is_ours))
                except asyncio.CancelledError:
                    raise SystemExit(TERMINATED) from None
                except Exception as error:  # Prefect's client and runner raise what they like when a server is away
                    _say(f"Prefect: {type(error).__name__}: {error}; once more in {AGAIN_S:g} s")
                time.sleep(AGAIN_S)


async def _serve_once(flows: FlowsFile, file: Path, home: Path, *, is_ours: bool) -> None:
    """Register everything and wake flows until the server, ours or another's, is away for too long."""
    from prefect import get_client
    from prefect.runner import Runner

    runner = Runner(name=f"autointerp-{os.getpid()}", pause_on_shutdown=False, limit=2 * len(flows.deployments))
    async with get_client() as client:
        for provider, limit in flows.limits.items():
            await client.upsert_global_concurrency_limit_by_name(limit_name(provider), limit)
            if is_ours:
                await _free_lost_slots(client, limit_name(provider), _folder_of_server(home) / LEASES)
        for rule in flows.deployments:
            deployment = make_deployment(rule, file, home)
            found = await runner.aadd_deployment(deployment)
            if is_anything_due(home, rule):
                await client.create_flow_run_from_deployment(found, name=f"{rule.name} catches up")
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    # The runner's own way with SIGTERM leaves with 0 and pages of what it interrupted.
    runner.handle_sigterm = lambda *_: loop.call_soon_threadsafe(task.cancel)
    await runner.start()


async def _free_lost_slots(client: Any, name: str, leases: Path) -> None:
    """Free the slots of a limit that no lease stands for, on a server of ours.

    A server notes that a slot is taken, then who holds it; killed between the two it would never free the slot.
    """
    from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate

    limit = await client.read_global_concurrency_limit_by_name(name)
    held = "".join(path.read_text("utf-8") for path in leases.glob("*-*.json"))
    if limit.active_slots and str(limit.id) not in held:
        await client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(active_slots=0))


def make_deployment(rule: Deployment, file: Path, home: Path) -> Any:
    """Return Prefect's deployment of one of ours."""
    from prefect.deployments.runner import RunnerDeployment
    from prefect.flows import EntrypointType
    from prefect.schedules import Cron, Interval

    from flows.scheduled import FLOWS

    schedule: Any = None
    if rule.interval_s is not None:
        schedule = Interval(timedelta(seconds=rule.interval_s), anchor_date=datetime(1970, 1, 1, tzinfo=UTC))
    elif rule.cron:
        schedule = Cron(rule.cron, timezone=rule.time_zone)
    return RunnerDeployment.from_flow(
        FLOWS[rule.flow],
        name=rule.name,
        schedule=schedule,
        parameters={"name": rule.name, "file": str(file.absolute()), "home": _absolute(home)},
        description=f"{rule.flow}, {rule.rule}",
        enforce_parameter_schema=False,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


def _absolute(home: Path) -> str:
    return str(home.absolute()) if isinstance(home, Path) else str(home)


# ---- the server


@contextmanager
def api(home: Path) -> Iterator[str]:
    """Yield the address of the configured server, or of one that lives as long as this process."""
    from prefect.settings import PREFECT_API_URL

    configured = PREFECT_API_URL.value()
    if configured:
        yield str(configured)
        return
    folder = _folder_of_server(home)
    folder.mkdir(parents=True, exist_ok=True)
    server = Server(folder.absolute())
    with server.kept_alive():
        yield server.address


def _folder_of_server(home: Path) -> Path:
    return cache_of(home) / "prefect"


class Server:
    """A server of Prefect's in a process of its own, its database in a folder of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, _port(folder)
        self.address = f"http://127.0.0.1:{self.port}/api"
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def kept_alive(self) -> Iterator[None]:
        """Have it run while within; should it die, it is started again."""
        ended = threading.Event()
        self.start()
        threading.Thread(target=self._watch, args=(ended,), daemon=True).start()
        try:
            yield
        finally:
            ended.set()
            self.stop()

    def stop(self) -> None:
        """End it; nothing is lost that it has answered to."""
        if self._process:
            self._process.terminate()
            self._process.wait()

    def start(self) -> None:
        """Return when it answers. Raises EnvironmentProblem when it does not."""
        self._begin()
        self._wait_until_ready()

    def _begin(self) -> None:
        database = f"sqlite+aiosqlite:///{self.folder / 'prefect.db'}"
        mine = {
            "PREFECT_API_DATABASE_CONNECTION_URL": database,
            # SQLite on a busy machine: 10 s, the default, is at times too short for a lock.
            "PREFECT_API_DATABASE_TIMEOUT": "60",
            "PREFECT_UI_ENABLED": "false",
            # In memory, the default, a server that is killed forgets who held which slot, and no slot is ever freed.
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            "PREFECT_HOME": str(self.folder),
        }
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", SERVER, str(self.port)],
                env=os.environ | mine,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + SERVER_START_S
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None or is_healthy(self.address):
                break
            time.sleep(0.2)
        if not is_healthy(self.address):
            log = self.folder / "server.log"
            msg = f"Prefect's server did not start on {self.address}; look at {log}, or set PREFECT_API_URL"
            raise EnvironmentProblem(msg)

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(LOOKED_EVERY_S):
            if self._process and self._process.poll() is not None:
                _say("Prefect's server died and is started again")
                self._begin()


def is_healthy(address: str) -> bool:
    """Return whether a server answers there."""
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _port(folder: Path) -> int:
    """Return the port of the last time if it is free, so that flows of that time find the server again."""
    noted = folder / "port"
    wanted = int(noted.read_text("ascii")) if noted.exists() else 0
    with socket.socket() as probe:
        # Connections of the last server may linger on its port; another server that listens still keeps it from us.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    noted.write_text(str(port), "ascii")
    return port


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
