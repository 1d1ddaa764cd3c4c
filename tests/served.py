"""Schedules served by real processes that are killed at random; for tests and ``benchmarks/flows.py``."""

import json
import os
import random
import re
import time
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from children import ROOT, kill_tree, running, wait_until
from tiny_world import World

from autointerp.pipeline.firings import Firing, read_firings, registered
from autointerp.pipeline.schedules import Deployment, due_times
from autointerp.pipeline.status import status_of_run
from autointerp.store.places import cache_of

SECONDS = {"PREFECT_RUNNER_POLL_FREQUENCY": "1"}
NAME = "often"
MOMENT = timedelta(microseconds=1)
SMALL = {
    "features": {"n_per_dictionary": 2},
    "score": {"judge": "constant:0.3", "n_shuffled": 1, "n_top": 1, "n_random": 1},
}
"""Changes of the tiny world's configuration that make an evaluation a second's work."""


CRASHES = """
import errno, os, signal, sys
places, folder = os.environ["CRASH_PLACES"].split(), os.environ["CRASH_FOLDER"]

def watch(event, arguments):
    if event == "os.rename":
        for number, place in enumerate(places):
            if place in str(arguments[1]):
                try:
                    os.close(os.open(os.path.join(folder, f"killed-{number}"), os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    continue
                os.kill(os.getpid(), signal.SIGKILL)
    elif event == "open" and isinstance(arguments[0], str) and "/explanations/" in arguments[0]:
        if os.path.exists(os.path.join(folder, "full")):
            raise OSError(errno.ENOSPC, "No space left on device")

sys.addaudithook(watch)
"""
"""A ``sitecustomize``: whoever first has written a file of each place dies before it is there; a disk can be full."""


def crashing(folder: Path, *places: str) -> dict[str, str]:
    """Return the environment in which processes die over these places, and see a full disk while ``full`` is there."""
    hook = folder / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(CRASHES)
    python_path = f"{hook}{os.pathsep}{ROOT}"
    return {"PYTHONPATH": python_path, "CRASH_PLACES": " ".join(places), "CRASH_FOLDER": str(folder)}


def deploy(
    folder: Path, world: World, *, config: dict[str, Any] | None = None, is_limited: bool = True, **rule: Any
) -> Path:
    """Write a file of flows with one deployment, and the configuration it names; return the file.

    ``is_limited``: one evaluation at a time may ask. With one deployment that holds nobody up and shows that slots
    are given back, that of a killed holder after a minute.
    """
    changes = {"dictionaries": [str(world.ladder / "16")], **SMALL} | (config or {})
    world.toml(folder / "c.toml", **changes)
    content = {"name": NAME, "config": "c.toml"} | rule
    lines = [f"{name} = {json.dumps(value)}" for name, value in content.items()]
    path = folder / "flows.toml"
    limits = ["[limits]", "constant = 1"] if is_limited else []
    path.write_text("\n".join([*limits, "[[deployments]]", *lines, ""]), "utf-8")
    return path


def in_state(home: Path, state: str) -> list[Firing]:
    """Return the firings in a state, in the order in which they were due."""
    return [firing for firing in read_firings(home, NAME) if firing.state == state]


def shown_by_prefect(log: Path) -> list[dict[str, Any]]:
    """Return the artifacts that the server has which a log of ``flow serve`` names."""
    found = re.search(r"served at (http://\S+);", log.read_text("utf-8"))
    assert found
    body = {"headers": {"Content-Type": "application/json"}, "data": b"{}", "method": "POST"}
    with urllib.request.urlopen(urllib.request.Request(f"{found[1]}/artifacts/filter", **body), timeout=60) as answer:
        return list(json.load(answer))


def serve_with_kills(file: Path, home: Path, *, n_firings: int, n_kills: int, log: Path, seed: int = 7) -> int:
    """Serve until so many are done, killing whoever serves and all its flows at random moments; return how often.

    The kills are spread over the firings; each strikes while one is at work, the first, where there are slots, while
    it holds one: nobody is left to give it back.
    """
    draws, n_killed = random.Random(seed), 0
    leases, is_limited = cache_of(home) / "prefect" / "concurrency_leases", "[limits]" in file.read_text("utf-8")
    environment = SECONDS | {"PREFECT_HOME": str(home.parent / "prefect")}
    while (n_done := len(in_state(home, "done"))) < n_firings:
        is_last = n_killed == n_kills or n_done == n_firings - 1
        goal = n_firings if is_last else min(n_firings - 1, n_done + draws.randint(0, 2 * n_firings // (n_kills + 1)))
        with running("flow", "serve", file, "--home", home, log=log, **environment) as served:
            wait_until(
                lambda: len(in_state(home, "done")) >= goal and (is_last or in_state(home, "running")),  # noqa: B023
                child=served,
                log=log,
            )
            if not is_last:
                if n_killed == 0 and is_limited:
                    wait_until(lambda: list(leases.glob("*-*.json")), child=served, log=log)
                else:
                    time.sleep(2 * draws.random())
                n_killed += 1
                kill_tree(served.pid)
    return n_killed


def assert_each_once(home: Path) -> None:
    """Fail unless each moment since it was first served has one firing, done in order, in a whole run of its own."""
    firings, done = read_firings(home, NAME), in_state(home, "done")
    served = registered(home)[NAME]
    due = every_due(served.deployment, after=served.since, until=firings[-1].moment)
    moments = [firing.moment for firing in firings]
    assert moments == due, f"noted {len(moments)} moments, due were {len(due)}; differing {sorted({*moments} ^ {*due})}"
    assert firings[: len(done)] == done, f"not done in order: {[f.due for f in firings[: len(done)] if f not in done]}"
    runs = [firing.run for firing in done]
    assert len(set(runs)) == len(runs), f"one run of two moments: {sorted(run for run in runs if runs.count(run) > 1)}"
    there = sorted(path.name for path in (home / "runs").iterdir())[: len(runs)]
    assert there == runs, f"runs of no moment, or none of one: {sorted({*there} ^ {*runs})}"
    partial = [run for run in runs if not status_of_run(home / "runs" / run).is_complete]
    assert not partial, f"done, but not whole: {partial}"


def every_due(deployment: Deployment, *, after: datetime, until: datetime) -> list[datetime]:
    """Return all moments of a schedule, however many: ``due_times`` gives the last thousand at most."""
    found: list[datetime] = []
    while part := due_times(deployment, after=after, until=found[0] - MOMENT if found else until):
        found = part + found
    return found
