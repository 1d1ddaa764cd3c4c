"""Killed, interrupted or split: the same command goes on and ends in the same tables."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_world import FinishedRun, World

CarryOut = Callable[..., Any]
SameTables = Callable[[Path, Path], None]

CHILD = """
import os, signal, sys
from pathlib import Path
from autointerp.pipeline.config import parse_config, read_toml
from flows.plain import carry_out
config, home, victim, count = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
seen = 0
def show(stage, done, total, unit):
    global seen
    seen += stage == victim
    if seen == count:
        os.kill(os.getpid(), signal.SIGKILL)
carry_out(parse_config(read_toml(Path(config)), source=config), home=home, on_progress=show, last="score")
"""
ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def test_kill_9_then_the_same_command(
    world: World, carry_out: CarryOut, finished_run: FinishedRun, same_tables: SameTables, tmp_path: Path
) -> None:
    """Killed during the harvest and again among the judge's answers, a run ends in the tables of a whole one."""
    home = tmp_path / "home"
    config = world.toml(tmp_path / "c.toml")
    for stage, count in (("harvest", 2), ("score", 20)):
        command = [sys.executable, "-c", CHILD, str(config), str(home), stage, str(count)]
        child = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        assert child.returncode == -signal.SIGKILL, child.stderr
        n_shards = len(list(home.glob("cache/harvests/*/contexts/*.parquet")))
        assert n_shards == 2 if stage == "harvest" else n_shards > 2
    steps: list[str] = []
    outcome = carry_out(world.config(), home, on_progress=lambda stage, *_: steps.append(stage))
    assert "harvest" not in steps
    assert "score" in steps
    same_tables(outcome.run, finished_run.folder)


def test_control_c_says_how_to_resume(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """SIGINT ends the command with 130 and a sentence; what was harvested stays and the same command goes on."""
    home = tmp_path / "home"
    config = world.toml(tmp_path / "c.toml", harvest={"shard_contexts": 1})
    command = [sys.executable, "-c", "from autointerp.cli import main; main()", "run", str(config)]
    child = subprocess.Popen(
        [*command, "--home", str(home), "--plain"],
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 90
    while not list(home.glob("cache/harvests/*/contexts/*.parquet")):
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "same command" in err
    assert "Traceback" not in err
    assert out == ""
    before = len(list(home.glob("cache/harvests/*/contexts/*.parquet")))
    steps: list[tuple[str, int]] = []
    outcome = carry_out(
        world.config(harvest={"shard_contexts": 1}), home, on_progress=lambda stage, *_: steps.append((stage, 0))
    )
    total = len(list(home.glob("cache/harvests/*/contexts/*.parquet")))
    assert sum(stage == "harvest" for stage, _ in steps) == total - before
    assert outcome.n_scores


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_any_shard_size_gives_the_same_evidence(
    world: World, carry_out: CarryOut, finished_run: FinishedRun, tmp_path: Path, size: int
) -> None:
    """However the text is cut into shards, the same windows are drawn, with the same weights and activations."""
    import pandas as pd
    from tiny_world import frames_of

    outcome = carry_out(world.config(harvest={"shard_contexts": size}), tmp_path, last="evidence")
    mine, theirs = frames_of(outcome.run), frames_of(finished_run.folder)
    for table in ("features", "evidence"):
        keys = [c for c in ("dictionary", "feature", "side", "doc", "start") if c in mine[table]]
        one, other = (f[table].sort_values(keys, ignore_index=True) for f in (mine, theirs))
        pd.testing.assert_frame_equal(
            one.drop(columns=["token_stats"], errors="ignore"),
            other.drop(columns=["token_stats"], errors="ignore"),
            check_exact=False,
            rtol=1e-4,
            atol=1e-4,
            obj=table,
        )
