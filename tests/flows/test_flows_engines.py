"""Real local clusters of two worker processes: the tables of one process, although a worker is killed on the way."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from children import killing_workers
from tiny_world import FinishedRun, World

from autointerp.pipeline.run import Run
from autointerp.store.parts import part_paths

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("kind", ["threads", "dask", "ray"])
def test_same_tables_although_a_worker_is_killed(
    world: World,
    finished_run: FinishedRun,
    same_tables: Callable[[Path, Path], None],
    tmp_path: Path,
    kind: str,
) -> None:
    """A worker dies by SIGKILL, its shard written and not yet in its place: another does it, nothing else changes.

    Threads die with their process, so with them nobody is killed. A cluster of Ray that once was on this machine, and
    left its address, is not taken for the local one.
    """
    home = tmp_path / "home"
    engine = {"kind": kind, "n_workers": 2, "threads_a_worker": 1}
    path = world.toml(tmp_path / "c.toml", engine=engine, features={"chunk": 2})
    place = "" if kind == "threads" else "/sketch_tiles/shards-0-0000003"
    with TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as short:
        (Path(short) / "ray").mkdir()
        (Path(short) / "ray" / "ray_current_cluster").write_text("192.0.2.1:6379")
        marker = tmp_path / "killed"
        child = killing_workers("score", path, "--home", home, place=place, marker=marker, RAY_TMPDIR=short)
    assert child.code == 0, child.err
    assert "10 of 10 chunks" in child.err
    folder = next(home.glob("runs/*"))
    same_tables(folder, finished_run.folder)
    harvest = next(home.glob("cache/harvests/*"))
    assert len(part_paths(harvest, "contexts")) == len(part_paths(harvest_of(finished_run), "contexts"))
    assert marker.exists() == bool(place)
    assert len(list(home.rglob("*.tmp"))) == bool(place)


def harvest_of(finished: FinishedRun) -> Path:
    return Run(finished.config, finished.home, finished.folder).harvest_folder
