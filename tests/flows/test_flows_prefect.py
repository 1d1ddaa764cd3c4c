"""Prefect's flow and the plain loop end in the same tables."""

import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from children import interrupted, n_replies
from tiny_world import FinishedRun, World

from autointerp.core.errors import AutointerpError, ConfigError, ProviderUnavailable, StoreError, SubjectError
from autointerp.pipeline.run import ignore_progress

# Prefect and what it rests on warn of their own affairs: deprecations, sockets and event loops left to the collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]


@pytest.fixture(scope="module")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep Prefect's database out of the user's home; made once, for that takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("prefect")
        patch.setenv("PREFECT_HOME", str(home))
        yield home


class LostError(Exception):
    """A library crashed."""


class FailsOnce:
    """Progress that raises an error the first time a stage is heard of: a chunk that fails on its first try."""

    def __init__(self, stage: str, error: Exception) -> None:
        self.stage, self.error, self.n_heard = stage, error, 0

    def __call__(self, stage: str, _done: int, _total: int, _unit: str) -> None:
        self.n_heard += stage == self.stage
        if stage == self.stage and self.n_heard == 1:
            raise self.error


@pytest.mark.usefixtures("prefect_home")
def test_flow_and_plain_loop_agree(
    world: World, finished_run: FinishedRun, same_tables: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    """The same tables although a chunk failed once; an error that says itself what to do is not tried twice."""
    from flows.evaluate import run_with_prefect

    home, failing = tmp_path / "home", FailsOnce("evidence", OSError("the disk was away for a moment"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcome = run_with_prefect(world.config(), home=home, on_progress=failing, last="score", retry_delay_s=0.1)
        assert failing.n_heard > 1
        same_tables(outcome.run, finished_run.folder)
        refusing = FailsOnce("evidence", ConfigError("wrong"))
        with pytest.raises(ConfigError, match="wrong"):
            run_with_prefect(
                world.config(name="b"), home=home, on_progress=refusing, last="evidence", retry_delay_s=0.1
            )
        assert refusing.n_heard == 1
        with pytest.raises(SubjectError, match="layers 1 to 4"):
            run_with_prefect(world.config(site="residual.9"), home=home, on_progress=ignore_progress)


@pytest.mark.parametrize(
    ("error", "is_tried_again"),
    [
        (OSError("gone"), True),
        (LostError("crash"), True),
        (MemoryError(), True),
        (ConfigError("wrong"), False),
        (StoreError("full"), False),
        (ProviderUnavailable("no answer"), False),
        (AssertionError("a bug"), False),
    ],
)
def test_which_errors_are_tried_again(error: Exception, is_tried_again: bool) -> None:
    """A disk or a library that failed is tried again; what says itself what to do, and our own bugs, are not."""
    from prefect.states import Failed

    from flows.evaluate import is_worth_another_try

    assert is_worth_another_try(None, None, Failed(data=error)) is is_tried_again


def test_no_error_of_ours_is_tried_again() -> None:
    """Whatever class of its own the program has or will have."""
    from prefect.states import Failed

    from flows.evaluate import is_worth_another_try

    assert not is_worth_another_try(None, None, Failed(data=type("Newest", (AutointerpError,), {})("x")))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_under_prefect(
    world: World, prefect_home: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """Ctrl-C and SIGTERM leave the flow with their code, one sentence how to go on, and no part half written."""
    home = tmp_path / "home"
    path = world.toml(tmp_path / "c.toml", score={"judge": "slow:0.3", "at_once": 2})
    child = interrupted(
        "score", path, "--home", home, when=lambda: n_replies(home), number=number, PREFECT_HOME=str(prefect_home)
    )
    assert (child.code, child.out) == (code, ""), child.err
    assert f"Go on with the same command: autointerp score {path} --home {home}" in child.err
    assert "Traceback" not in child.err
    assert not list(home.rglob("*.tmp"))
    assert not list(home.glob("runs/*/scores/*"))
    assert n_replies(home)
