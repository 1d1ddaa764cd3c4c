"""Schedules really served: by a server of our own, killed at random, every evaluation that is due is done once."""

import json
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from children import command_line, running, wait_until
from served import SECONDS, assert_each_once, deploy, in_state, serve_with_kills, shown_by_prefect
from tiny_world import World

from autointerp.pipeline.firings import Firing, doing, history, keep_firing, read_firings
from autointerp.pipeline.status import status_of_run

N_FIRINGS, N_KILLS = 10, 4


def test_a_scheduled_run_completes(world: World, tmp_path: Path) -> None:
    """Prefect wakes the flow by itself, an evaluation is done, with its report, and another one after it.

    One combination of Prefect's versions with SQLAlchemy's never runs a schedule, and says nothing.
    """
    home, log = tmp_path / "home", tmp_path / "log"
    file = deploy(tmp_path, world, interval_s=30, overlap="skip")
    environment = SECONDS | {"PREFECT_HOME": str(tmp_path / "prefect")}
    with running("flow", "serve", file, "--home", home, log=log, **environment) as served:
        wait_until(lambda: len(in_state(home, "done")) > 0, child=served, log=log)
        shown = {one["key"]: one for one in shown_by_prefect(log)}
        served.send_signal(signal.SIGTERM)
        assert served.wait(timeout=120) == 143
    first = in_state(home, "done")[0]
    assert (home / "runs" / first.run / "report.html").exists()
    assert status_of_run(home / "runs" / first.run).is_complete
    assert not in_state(home, "failed"), log.read_text("utf-8")
    assert set(shown) == {f"autointerp-{name}" for name in ("progress", "scores", "summary", "report")}
    assert {"measure", "dictionary", "scored"} <= set(json.loads(shown["autointerp-scores"]["data"])[0])
    assert "/report.html" in shown["autointerp-report"]["data"]
    said = command_line("flow", "history", "--json", "--home", home)
    assert first.due in {row["due"] for row in json.loads(said.out)}


def test_killed_at_random_every_due_evaluation_is_done_once(world: World, tmp_path: Path) -> None:
    """Whoever serves is killed with its flows, again and again: in the end each moment has one whole run."""
    home = tmp_path / "home"
    file = deploy(tmp_path, world, interval_s=5, overlap="queue", is_limited=False)
    n_killed = serve_with_kills(file, home, n_firings=N_FIRINGS, n_kills=N_KILLS, log=tmp_path / "log")
    assert_each_once(home)
    assert n_killed == N_KILLS
    assert sum(firing.n_tries > 1 for firing in read_firings(home, "often")), "no kill ever hit one at work"


def test_a_slot_of_a_killed_holder_is_given_back(world: World, tmp_path: Path) -> None:
    """Server and flow die together while the flow holds its provider's only slot: the next server frees it."""
    home = tmp_path / "home"
    file = deploy(tmp_path, world, interval_s=5, overlap="queue")
    assert serve_with_kills(file, home, n_firings=2, n_kills=1, log=tmp_path / "log") == 1
    assert_each_once(home)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_flow_run_that_ended_in_the_middle_is_marked(tmp_path: Path) -> None:
    """Prefect's hook leaves the firing incomplete with its command; one under way in a living process stays."""
    from prefect.states import Crashed

    from flows.scheduled import mark_incomplete

    begun = Firing(
        "often", "evaluate", "2026-11-21T12:00:00Z", state="running", n_tries=1, resume="autointerp flow run"
    )
    keep_firing(tmp_path, begun)
    flow_run = SimpleNamespace(parameters={"name": "often", "home": str(tmp_path)})
    with doing(tmp_path, "often"):
        mark_incomplete(None, flow_run, Crashed(message="killed"))
        assert read_firings(tmp_path, "often") == [begun]
    mark_incomplete(None, flow_run, Crashed(message="killed"))
    (marked,) = read_firings(tmp_path, "often")
    assert (marked.state, marked.reason, marked.resume) == ("incomplete", "its flow run crashed: killed", begun.resume)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_prefect_is_told_the_worst() -> None:
    """A flow run that did several is as bad as the worst of them, and says how to go on."""
    from flows.scheduled import state_of

    done = Firing("often", "evaluate", "2026-11-21T12:00:00Z", state="done")
    incomplete = replace(done, state="incomplete", resume="autointerp flow run often")
    told = [state_of(some) for some in ([], [done], [done, incomplete], [incomplete, replace(done, state="failed")])]
    assert [(state.type.value, state.name) for state in told] == [
        ("COMPLETED", "Completed"), ("COMPLETED", "Completed"), ("FAILED", "Incomplete"), ("FAILED", "Failed"),
    ]  # fmt: skip
    assert "go on with: autointerp flow run often" in told[2].message


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


def test_an_evaluation_is_held_against_its_baseline(world: World, tmp_path: Path) -> None:
    """A baseline that is not there is found before anything is done; with one the verdict is in the history."""
    home = tmp_path / "home"
    file = deploy(tmp_path, world, baseline="main")
    command = ("flow", "run", "often", "--file", file, "--home", home, "--plain", "--json")
    refused = command_line(*command)
    assert (refused.code, (home / "runs").exists()) == (2, False), refused.err
    file.write_text(file.read_text("utf-8").replace('baseline = "main"\n', ""), "utf-8")
    first = json.loads(command_line(*command).out)
    assert command_line("runs", "baseline", "set", "main", first["run"], "--home", home).code == 0
    file = deploy(tmp_path, world, baseline="main")
    held = json.loads(command_line(*command).out)
    assert held["state"] == "done"
    assert held["gate"] in {"pass", "fail", "inconclusive"}
    assert held["run"] != first["run"]
