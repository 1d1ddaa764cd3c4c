"""Schedules really served: by a server of our own, killed at random, every evaluation that is due is done once."""

import json
import signal
from pathlib import Path

from children import command_line, running, wait_until
from served import SECONDS, assert_each_once, deploy, in_state, serve_with_kills
from tiny_world import World

from autointerp.pipeline.firings import history, read_firings
from autointerp.pipeline.status import status_of_run

N_FIRINGS, N_KILLS = 10, 4


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
    """Whoever serves is killed with its flows, again and again: in the end each moment has one whole run."""
    home = tmp_path / "home"
    file = deploy(tmp_path, world, interval_s=5, overlap="queue")
    n_killed = serve_with_kills(file, home, n_firings=N_FIRINGS, n_kills=N_KILLS, log=tmp_path / "log")
    assert_each_once(home)
    assert n_killed == N_KILLS
    assert sum(firing.n_tries > 1 for firing in read_firings(home, "often")), "no kill ever hit one at work"


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
