"""Real child processes that are interrupted or killed: how they are started, watched and stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENVIRONMENT = os.environ | {"OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
PATIENCE_S = 600
"""Far beyond what it takes: a machine busy with something else must not fail a test."""

COMMAND_LINE = """
import asyncio, signal
from autointerp.cli import main
from autointerp.llm import registry
from autointerp.llm.scripted import constant_llm

class Slow:
    def __init__(self, model):
        self.name, self._inner = f"slow:{model}", constant_llm(float(model))

    async def answer(self, question):
        await asyncio.sleep(0.15)
        return await self._inner.answer(question)

# Started from a script in the background, a process and its children ignore Ctrl-C; what is tested is a terminal's.
signal.signal(signal.SIGINT, signal.default_int_handler)
registry.PROVIDERS["slow"] = lambda model, opening: (Slow(model), "")
main()
"""
"""The command line with one provider more: ``slow:0.3`` answers like ``constant:0.3``, after a while."""

KILLED_BEFORE_RENAME = """
import os, signal, sys
from pathlib import Path
what, config, home, place, count = *sys.argv[1:5], int(sys.argv[5])
left = count

def watch(event, arguments):
    global left
    if event == "os.rename" and place in str(arguments[1]):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
sys.argv = ["autointerp", *what.split(), config, "--home", home]
from autointerp.cli import main
main()
"""
"""``autointerp`` that dies, as by ``kill -9``, when its n-th file of a place is written but not yet in its place."""


KILLED_WORKER = """
import os, signal, sys
place, marker = os.environ.get("KILL_PLACE"), os.environ.get("KILL_MARKER")

def watch(event, arguments):
    if event != "os.rename" or place not in str(arguments[1]):
        return
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)

if place:
    sys.addaudithook(watch)
"""
"""A ``sitecustomize`` of every process below: the first that has written a file of a place dies before it is there."""


@dataclass(frozen=True)
class Ended:
    """What a child came to."""

    code: int
    out: str
    err: str


def killed_before_rename(what: str, *, config: Path, home: Path, place: str, count: int) -> Ended:
    """Carry out a verb until *count* files whose path holds *place* were written, the last one not renamed."""
    command = [sys.executable, "-c", KILLED_BEFORE_RENAME, what, str(config), str(home), place, str(count)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    return Ended(done.returncode, done.stdout, done.stderr)


def command_line(*arguments: object, **environment: str) -> Ended:
    """Return what ``autointerp`` comes to in a process of its own."""
    return _wait(_start(arguments, environment))


def killing_workers(*arguments: object, place: str, marker: Path, **environment: str) -> Ended:
    """Return what ``autointerp`` comes to when the first process that writes to *place* is killed; "" for none."""
    home = str(marker.parent / "prefect")
    return command_line(*arguments, **deadly(place, marker=marker), PREFECT_HOME=home, **environment)


def deadly(place: str, *, marker: Path) -> dict[str, str]:
    """Return the environment in which the first process that writes to *place* is killed, and leaves *marker*."""
    hook = marker.parent / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(KILLED_WORKER)
    return {"PYTHONPATH": f"{hook}{os.pathsep}{ROOT}", "KILL_PLACE": place, "KILL_MARKER": str(marker)}


def carried_out(command: Sequence[str], *, environment: dict[str, str]) -> str:
    """Return what a command prints, run from the repository. Fails when it fails."""
    done = subprocess.run(
        command, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def free_port() -> int:
    """Return a port of this machine that nobody has at the moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def interrupted(*arguments: object, when: Callable[[], object], number: signal.Signals, **environment: str) -> Ended:
    """Return what ``autointerp`` comes to when it is sent a signal as soon as *when* is true."""
    child = _start(arguments, environment)
    deadline = time.monotonic() + PATIENCE_S
    try:
        while not when():
            assert child.poll() is None, child.communicate()
            assert time.monotonic() < deadline, "it never came to be"
            time.sleep(0.02)
    except BaseException:
        child.kill()
        raise
    child.send_signal(number)
    return _wait(child)


def _start(arguments: tuple[object, ...], environment: dict[str, str]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", COMMAND_LINE, *map(str, arguments)]
    return subprocess.Popen(
        command, env=ENVIRONMENT | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _wait(child: "subprocess.Popen[str]") -> Ended:
    out, err = child.communicate(timeout=PATIENCE_S)
    return Ended(child.returncode, out, err)


def n_replies(home: Path) -> int:
    """Return how many replies are stored under a home."""
    import sqlite3
    from contextlib import closing

    path = home / "cache" / "replies.sqlite"
    if not path.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
            return int(store.execute("SELECT count(*) FROM replies").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # it is being made


@contextmanager
def running(*arguments: object, log: Path, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Have ``autointerp`` run while within, its output in a file; at the end it and what it began are killed."""
    with started([sys.executable, "-c", COMMAND_LINE, *map(str, arguments)], log=log, **environment) as child:
        yield child


@contextmanager
def started(command: Sequence[str], *, log: Path, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Have a command run from the repository while within, likewise."""
    with log.open("ab") as out:
        child = subprocess.Popen(
            command, env=ENVIRONMENT | environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=ROOT,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield child
    finally:
        kill_tree(child.pid)
        child.wait()


def kill_tree(pid: int) -> None:
    """Kill a process and all it began, as by ``kill -9``."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for one in [*parent.children(recursive=True), parent]:
            with suppress(psutil.NoSuchProcess):
                one.kill()


def wait_until(what: Callable[[], object], *, child: "subprocess.Popen[bytes] | None" = None, log: Path) -> None:
    """Return when *what* is true; the log is told when it never is."""
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert child is None or child.poll() is None, log.read_text("utf-8", "replace")
        assert time.monotonic() < deadline, log.read_text("utf-8", "replace")
        time.sleep(0.2)
