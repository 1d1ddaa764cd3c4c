"""A whole run under a URL: the same tables as in a folder, and nothing of it on this machine but the cache."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_world import FinishedRun, World

from autointerp.pipeline.finding import find_run, list_runs
from autointerp.store.places import place


def test_a_run_under_a_url(
    world: World,
    carry_out: Callable[..., Any],
    finished_run: FinishedRun,
    same_tables: Callable[[Path, Path], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Harvest, evidence, labels and scores stand there; run again it does nothing; its name finds it."""
    monkeypatch.setenv("AUTOINTERP_CACHE", str(tmp_path))
    home = place(f"memory://{tmp_path.name}")
    config = world.config(score={"judge": "constant:0.3"})
    outcome = carry_out(config, home)
    same_tables(outcome.run, finished_run.folder)
    steps: list[str] = []
    carry_out(config, home, on_progress=lambda stage, *_: steps.append(stage))
    assert steps == []
    assert list_runs(home) == [outcome.run]
    assert find_run(home, config.name) == outcome.run
    assert {path.suffix for path in tmp_path.rglob("*.*") if path.is_file()} <= {".lock", ".sqlite", ".tmp", ""}
