"""Clusters that stand before a run, named by ``[engine] address``: the tables of one process."""

import json
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from children import command_line, deadly, free_port, started, wait_until
from tiny_world import FinishedRun, World

pytestmark = pytest.mark.cluster


@contextmanager
def dask_cluster(folder: Path, **environment: str) -> Iterator[str]:
    """Have a scheduler and two worker processes; gives the scheduler's address."""
    file, log, dask = folder / "scheduler.json", folder / "dask.log", [sys.executable, "-m", "dask"]
    here = ["--scheduler-file", str(file), "--host", "127.0.0.1"]
    environment |= {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with ExitStack() as stack:
        scheduler = stack.enter_context(
            started([*dask, "scheduler", *here, "--port", "0", "--no-dashboard"], log=log, **environment)
        )
        wait_until(file.exists, child=scheduler, log=log)
        for _ in range(2):
            worker = [*dask, "worker", *here, "--nthreads", "1", "--no-dashboard"]
            stack.enter_context(started(worker, log=log, **environment))
        wait_until(lambda: log.read_text().count("Register worker addr") >= 2, child=scheduler, log=log)
        yield str(json.loads(file.read_text())["address"])


@contextmanager
def ray_cluster(folder: Path, **environment: str) -> Iterator[str]:
    """Have a head and a second node, a processor each; gives the head's address."""
    port = free_port()
    address, log = f"127.0.0.1:{port}", folder / "ray.log"
    # A head asks for a token as soon as its host has one, and a local cluster of Ray leaves one.
    environment |= ray_token()
    ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus=1", "--disable-usage-stats"]
    ray += ["--node-ip-address=127.0.0.1", "--object-store-memory=80000000"]
    # It notes its address for whoever starts Ray later, and its sockets want short paths.
    with TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as own, ExitStack() as stack:
        environment |= {"RAY_TMPDIR": own}
        for place in (["--head", f"--port={port}", "--include-dashboard=false"], [f"--address={address}"]):
            seen = log.read_text().count("Ray runtime started") if log.exists() else 0
            node = stack.enter_context(started([*ray, *place], log=log, **environment))
            wait_until(lambda seen=seen: log.read_text().count("Ray runtime started") > seen, child=node, log=log)
        yield address


@cache
def ray_token() -> dict[str, str]:
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}


CLUSTERS = {"dask": dask_cluster, "ray": ray_cluster}


@pytest.mark.parametrize("kind", CLUSTERS)
def test_cluster_at_an_address(
    kind: str,
    world: World,
    finished_run: FinishedRun,
    same_tables: Callable[[Path, Path], None],
    tmp_path: Path,
) -> None:
    """Workers started by others do the chunks; one of them dies by SIGKILL."""
    marker, home = tmp_path / "killed", tmp_path / "home"
    with CLUSTERS[kind](tmp_path, **deadly("/sketch_tiles/", marker=marker)) as address:
        engine = {"kind": kind, "n_workers": 2, "address": address, "threads_a_worker": 1}
        path = world.toml(tmp_path / "c.toml", engine=engine, features={"chunk": 2})
        child = command_line("score", path, "--home", home, **ray_token(), PREFECT_HOME=str(tmp_path / "prefect"))
    assert child.code == 0, child.err
    assert "10 of 10 chunks" in child.err
    same_tables(next(home.glob("runs/*")), finished_run.folder)
    assert marker.exists()
