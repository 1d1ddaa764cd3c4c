"""Schedules really served: by a server of our own, killed at random, every evaluation that is due is done once."""

import json
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from children import command_line, kill_tree, running, wait_until
from tiny_world import World

from autointerp.pipeline.firings import Firing, history, read_firings, registered
from autointerp.pipeline.schedules import due_times
from autointerp.pipeline.status import status_of_run

SECONDS = {"PREFECT_RUNNER_POLL_FREQUENCY": "1"}
N_FIRINGS, N_KILLS = 10, 4


def deploy(folder: Path, world: World, *, config: dict[str, Any] | None = None, **rule: Any) -> Path:
    """Write a file of flows with one deployment, and the configuration it names."""
    world.toml(folder / "c.toml", **(config or {}))
    content = {"name": "often", "config": "c.toml"} | rule
    lines = [f"{name} = {json.dumps(value)}" for name, value in content.items()]
    path = folder / "flows.toml"
    path.write_text("\n".join(["[[deployments]]", *lines, ""]), "utf-8")
    return path


def in_state(home: Path, state: str) -> list[Firing]:
    return [firing for firing in read_firings(home, "often") if firing.state == state]


def test_a_scheduled_run_completes(world: World, tmp_path: Path) -> None:
    """Prefect wakes the flow by itself, an evaluation is done, with its report, and another one after it.

    One combination of Prefect's versions with SQLAlchemy's never runs a schedule, and says nothing.
    """
    home, log = tmp_path / "home", tmp_path / "log"
    file = deploy(tmp_path, world, interval_s=5, overlap="skip")
    environment = SECONDS | {"PREFECT_HOME": str(tmp_path / "prefect")}
    with running("flow", "serve", file, "--home", home, log=log, **environment) as served:
        wait_until(lambda: len(in_state(home, "done")) > 1, child=served, log=log)
        served.send_signal(signal.SIGTERM)
        assert served.wait(timeout=120) == 143
    first = in_state(home, "done")[0]
    assert (home / "runs" / first.run / "report.html").exists()
    assert status_of_run(home / "runs" / first.run).is_complete
    assert not in_state(home, "failed"), log.read_text("utf-8")
    said = command_line("flow", "history", "--json", "--home", home)
    assert first.due in {row["due"] for row in json.loads(said.out)}


def test_killed_at_random_every_due_evaluation_is_done_once(world: World, tmp_path: Path) -> None:
    """The server of schedules, flows or both are killed again and again: in the end each moment has one whole run."""
    home, log = tmp_path / "home", tmp_path / "log"
    file = deploy(tmp_path, world, interval_s=5, overlap="queue")
    environment = SECONDS | {"PREFECT_HOME": str(tmp_path / "prefect")}
    draws, n_killed = random.Random(7), 0
    while len(in_state(home, "done")) < N_FIRINGS:
        with running("flow", "serve", file, "--home", home, log=log, **environment) as served:
            goal = N_FIRINGS if n_killed == N_KILLS else len(in_state(home, "done")) + draws.randrange(1, 3)
            enough = _at_work(home, goal, finished=n_killed == N_KILLS)
            wait_until(enough, child=served, log=log)
            time.sleep(draws.random())
            if n_killed < N_KILLS:
                n_killed += 1
                kill_tree(served.pid)
    assert_each_once(home)
    assert sum(firing.n_tries > 1 for firing in read_firings(home, "often")), "no kill ever hit one at work"


def _at_work(home: Path, goal: int, *, finished: bool) -> Callable[[], bool]:
    """Return what tells that so many are done and, unless that is the end, another one has begun."""

    def enough() -> bool:
        return len(in_state(home, "done")) >= goal and (finished or bool(in_state(home, "running")))

    return enough


def assert_each_once(home: Path) -> None:
    """Each moment since it was first served has one firing; those that are done have a whole run of their own."""
    firings = read_firings(home, "often")
    served = registered(home)["often"]
    due = due_times(served.deployment, after=served.since, until=firings[-1].moment)
    assert [firing.moment for firing in firings] == due
    done = in_state(home, "done")
    assert firings[: len(done)] == done, "done in the order in which they were due"
    assert len({firing.run for firing in done}) == len(done)
    for firing in done:
        assert status_of_run(home / "runs" / firing.run).is_complete


def test_history_knows_what_the_file_says(world: World, tmp_path: Path) -> None:
    """By hand, without Prefect: a firing done, then listed; one that cannot go on says what would."""
    home = tmp_path / "home"
    file = deploy(tmp_path, world)
    done = command_line("flow", "run", "often", "--file", file, "--home", home, "--plain", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["state"] == "done"
    refused = command_line("flow", "run", "oftne", "--file", file, "--home", home, "--plain")
    assert (refused.code, "did you mean 'often'" in refused.err) == (2, True)
    listed = command_line("flow", "list", file, "--home", home, "--json")
    (one,) = json.loads(listed.out)
    assert (one["next"], one["last"].endswith("done")) == ("by hand", True)
    assert history(home)["by_hand"].tolist() == [True]
