"""Workers of a Prefect work pool, started as ``docs/scale.md`` says: the tables of one process, one worker killed."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from children import ENVIRONMENT, carried_out, command_line, deadly, started
from tiny_world import FinishedRun, World

pytestmark = pytest.mark.cluster
PREFECT = (sys.executable, "-m", "prefect")


def test_workers_of_a_pool_give_the_same_tables(
    world: World,
    finished_run: FinishedRun,
    same_tables: Callable[[Path, Path], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What ``prefect.yaml`` deploys is pulled by two workers; a flow run dies by SIGKILL, another does its shards."""
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    from flows.serving import Server

    home, marker = tmp_path / "home", tmp_path / "killed"
    (tmp_path / "server").mkdir()
    server = Server(tmp_path / "server")
    server.start()
    here = {"PREFECT_API_URL": server.address, "PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_CLI_PROMPT": "0"}
    workers_own = deadly("/sketch_tiles/", marker=marker) | {"PREFECT_WORKER_QUERY_SECONDS": "1"}
    engine = {"kind": "pool", "n_workers": 2, "threads_a_worker": 1, "chunks_at_once": 5}
    path = world.toml(tmp_path / "c.toml", engine=engine, features={"chunk": 2})
    try:
        prefect("work-pool", "create", "autointerp", "--type", "process", **here)
        prefect("deploy", "--all", **here)
        with ExitStack() as workers:
            for name in ("w0", "w1"):
                command = [*PREFECT, "worker", "start", "--pool", "autointerp", "--limit", "1", "--name", name]
                workers.enter_context(started(command, log=tmp_path / name, **here, **workers_own))
            child = command_line("score", path, "--home", home, **here)
    finally:
        server.stop()
    assert child.code == 0, child.err + (tmp_path / "w0").read_text() + (tmp_path / "w1").read_text()
    assert marker.exists()
    assert "10 of 10 chunks" in child.err
    same_tables(next(home.glob("runs/*")), finished_run.folder)
    for log in (tmp_path / "w0", tmp_path / "w1"):
        assert "Completed" in log.read_text("utf-8", "replace")


def prefect(*arguments: str, **environment: str) -> None:
    carried_out([*PREFECT, *arguments], environment=ENVIRONMENT | environment)
