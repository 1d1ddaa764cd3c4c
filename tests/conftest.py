"""The tiny world made once a session, and runs over it."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from tiny_world import TABLES, FinishedRun, World, frames_of, make_world

from autointerp.pipeline.config import Config

if TYPE_CHECKING:
    from autointerp.subject.dictionaries import SparseDictionary
    from autointerp.subject.model import Subject

# No test asserts seconds: a busy machine takes a hundred times as long now and then.
settings.register_profile("no deadline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no deadline")


@pytest.fixture(scope="session")
def third_parties() -> None:
    """Import the heavy packages once, with what they warn of at import left aside."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import sae_lens
        import torch
        import transformers  # noqa: F401

        assert sae_lens
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, third_parties: None) -> World:  # noqa: ARG001 (imports first)
    """The tiny model, a ladder of two widths and a corpus of 50 documents."""
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def subject(world: World) -> "Subject":
    from autointerp.subject.model import Subject

    return Subject.load(str(world.model))


@pytest.fixture(scope="session")
def dictionaries(world: World) -> "list[SparseDictionary]":
    from autointerp.subject.loading import dictionary_folders, load_dictionary

    return [load_dictionary(folder) for folder in dictionary_folders(world.ladder)]


CarryOut = Callable[..., Any]


@pytest.fixture(scope="session")
def carry_out() -> CarryOut:
    """Carry out a configuration under a home, up to a stage, without an engine."""
    from autointerp.pipeline.run import ignore_progress
    from flows.plain import carry_out as plainly

    def run(config: Config, home: Path, *, last: str = "score", on_progress: Any = ignore_progress) -> Any:
        from autointerp.pipeline.driver import opened, outcome_of
        from autointerp.pipeline.order import carry_out_stages

        if last == "report":
            return plainly(config, home=home, on_progress=on_progress)
        with opened(config, home=home, on_progress=on_progress) as opened_run:
            carry_out_stages(opened_run, last)
        return outcome_of(opened_run, report=None)

    return run


@pytest.fixture(scope="session")
def finished_run(world: World, tmp_path_factory: pytest.TempPathFactory, carry_out: CarryOut) -> FinishedRun:
    """A whole run, done once, uninterrupted; tests only read it."""
    home = tmp_path_factory.mktemp("home")
    config = world.config()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # altair's, while charts are drawn
        outcome = carry_out(config, home, last="report")
    return FinishedRun(config, home, outcome.run)


@pytest.fixture(scope="session")
def same_tables() -> Callable[[Path, Path], None]:
    """Fail unless two runs have the same tables, to the last digit."""
    import pandas as pd

    def check(one: Path, other: Path) -> None:
        mine, theirs = frames_of(one), frames_of(other)
        for table in TABLES:
            assert len(mine[table]), table
            pd.testing.assert_frame_equal(mine[table], theirs[table], check_exact=True, obj=table)

    return check
