"""The whole path as Prefect flows: a task is one chunk of one stage, minutes of work, safe to repeat."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from autointerp.core.errors import AutointerpError
from autointerp.pipeline.config import Config
from autointerp.pipeline.driver import Outcome, opened
from autointerp.pipeline.order import Stage, stages_up_to
from autointerp.pipeline.readiness import make_ready
from autointerp.pipeline.run import OnProgress, Run
from flows.artifacts import Board
from flows.engines import Engine, make_engine, reachable_server
from flows.handing import Handing, Parcel
from flows.plain import finished
from flows.workers import Grant, Job, stage_named, stop_workers

# Prefect reads these when it is imported. The temporary server keeps quiet and reports to nobody: what goes
# wrong comes out of the flow as an exception and is told once, by us.
SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    # 20 s by default, which a machine that computes something else beside it may need twice over.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}

RETRIES = 2
RETRY_DELAY_S = 10.0


@dataclass(frozen=True)
class Open:
    """A run that this process holds, and who does its chunks; without an engine this process itself."""

    run: Run
    job: Job
    engine: Engine | None
    retry_delay_s: float
    board: Board


_OPEN: dict[str, Open] = {}
"""By folder: tasks are given the folder and the chunk, never models or clients."""


def run_with_prefect(
    config: Config, *, home: Path, on_progress: OnProgress, last: str = "", retry_delay_s: float = RETRY_DELAY_S
) -> Outcome:
    """Carry out the stages up to *last* as one flow; Prefect's server is a temporary one unless one is configured."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    engine = make_engine(config) if config.engine.kind != "serial" else None
    board = Board()

    def show(stage: str, done: int, total: int, unit: str) -> None:
        on_progress(stage, done, total, unit)
        board.show_progress(stage, done, total, unit)

    with opened(config, home=home, on_progress=show) as run:
        make_ready(run, last)
        _OPEN[str(run.directory)] = Open(run, Job.of(config, home=home, last=last), engine, retry_delay_s, board)
        try:
            with _quietly(engine):
                make_flow(config.name, engine)(str(run.directory), last)
        finally:
            del _OPEN[str(run.directory)]
    outcome = finished(run, is_whole=last in {"", "score"})
    board.show_outcome(outcome)
    return outcome


@contextmanager
def _quietly(engine: Engine | None) -> Iterator[None]:
    """Set for this flow alone what Prefect reads when a flow begins."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with ExitStack() as stack:
        # The heartbeat's thread is joined at the end of every flow, which takes a second.
        stack.enter_context(temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}))
        if engine:
            stack.enter_context(engine.around())
        if engine and engine.needs_server:
            stack.enter_context(reachable_server())
        yield


def make_flow(name: str, engine: Engine | None) -> Any:
    """Return the flow: stages one after the other, their chunks as tasks."""
    from prefect import flow

    runner = {"task_runner": engine.runner} if engine else {}
    return flow(name="evaluate", flow_run_name=name, validate_parameters=False, **runner)(evaluate)


def evaluate(folder: str, last: str) -> None:
    """Carry out the stages of a run that is open in this process."""
    from prefect.runtime import flow_run

    mine = _OPEN[folder]
    mine.board.flow_run = UUID(flow_run.id)
    with ExitStack() as stack:
        if mine.engine:
            stack.enter_context(mine.engine.ready(mine.job))
        for stage in stages_up_to(last):
            with mine.run.timed(stage.name):
                carry_out_stage(mine, stage)


def carry_out_stage(mine: Open, stage: Stage) -> None:
    """Do the stage's chunks that are left: by workers, or here one after the other: they share models and cores."""
    if stage.begin:
        stage.begin(mine.run)
    if mine.engine:
        hand_out(mine, mine.engine, stage)
    else:
        task = make_task(do_chunk, stage.name, retry_delay_s=mine.retry_delay_s)
        for chunk in stage.chunks(mine.run):
            task(str(mine.run.directory), stage.name, chunk)
    if stage.finish:
        stage.finish(mine.run)


def hand_out(mine: Open, engine: Engine, stage: Stage) -> None:
    """Have the stage's chunks done by the engine's workers; when this process is stopped, they stop."""
    chunks, section = stage.chunks(mine.run), mine.run.config.engine
    if not chunks:
        return
    task = make_task(engine.do, stage.name, retry_delay_s=mine.retry_delay_s)

    def submit(parcel: Parcel, grant: Grant | None, place: int) -> Any:
        with engine.options():
            return task.submit(mine.job, stage.name, parcel, grant, place)

    handing = Handing(mine.run, submit, section.n_workers, engine.is_loss)
    try:
        handing.carry_out(stage.name, chunks, at_once=section.chunks_at_once)
    except BaseException as error:
        if not isinstance(error, Exception):  # Ctrl-C, SIGTERM: of anything else the workers have ended
            stop_workers(mine.job, mine.run.directory)
        raise


def make_task(do: Any, stage: str, *, retry_delay_s: float) -> Any:
    """Return the task that does one chunk, or parcel. Its parts are the cache, so Prefect keeps none."""
    from prefect import task
    from prefect.cache_policies import NO_CACHE

    return task(
        do,
        name=stage,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=RETRIES,
        retry_delay_seconds=retry_delay_s,
        retry_condition_fn=is_worth_another_try,
        task_run_name=stage + (" {chunk}" if do is do_chunk else " {chunks}"),
    )


def is_worth_another_try(_task: Any, _task_run: Any, state: Any) -> bool:
    """Return whether another try may mend it: a disk or a library that failed us may.

    What ``core/errors.py`` names says itself what to do, and a broken assertion is a bug: both come back.
    """
    error = state.result(raise_on_failure=False)
    return isinstance(error, Exception) and not isinstance(error, AutointerpError | AssertionError)


def do_chunk(folder: str, stage: str, chunk: str) -> None:
    """Do one chunk of a run that is open in this process."""
    stage_named(stage).do(_OPEN[folder].run, chunk)
