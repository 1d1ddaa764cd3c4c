"""Prefect's flow and the plain loop end in the same tables."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_world import FinishedRun, World

from autointerp.core.errors import SubjectError
from autointerp.pipeline.run import ignore_progress

# Prefect and what it rests on warn of their own affairs: deprecations, sockets and event loops left to the collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]


@pytest.fixture
def prefect_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep Prefect's database out of the user's home."""
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))


@pytest.mark.usefixtures("prefect_home")
def test_flow_and_plain_loop_agree(
    world: World, finished_run: FinishedRun, same_tables: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    """The same tables to the last digit; an error of the world keeps its class on the way through the engine."""
    from flows.evaluate import run_with_prefect

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcome = run_with_prefect(world.config(), home=tmp_path / "home", on_progress=ignore_progress, last="score")
        same_tables(outcome.run, finished_run.folder)
        with pytest.raises(SubjectError, match="layers 1 to 4"):
            run_with_prefect(world.config(site="residual.9"), home=tmp_path / "home", on_progress=ignore_progress)
