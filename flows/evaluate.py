"""The whole path as Prefect flows: a task is one chunk of one stage, minutes of work, safe to repeat."""

import os
from pathlib import Path
from typing import Any

from autointerp.core.errors import AutointerpError
from autointerp.pipeline.config import Config
from autointerp.pipeline.driver import Outcome, opened
from autointerp.pipeline.order import STAGES, Stage, stages_up_to
from autointerp.pipeline.run import OnProgress, Run
from flows.plain import finished

# Prefect reads these when it is imported. The temporary server keeps quiet and reports to nobody: what goes
# wrong comes out of the flow as an exception and is told once, by us.
SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    # 20 s by default, which a machine that computes something else beside it may need twice over.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}

RETRIES = 2
RETRY_DELAY_S = 10.0

_OPEN: dict[str, Run] = {}
"""Runs open in this process by folder: tasks are given the folder and the chunk, never models or clients."""


def run_with_prefect(
    config: Config, *, home: Path, on_progress: OnProgress, last: str = "", retry_delay_s: float = RETRY_DELAY_S
) -> Outcome:
    """Carry out the stages up to *last* as one flow; Prefect's server is a temporary one unless one is configured."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with opened(config, home=home, on_progress=on_progress) as run:
        _OPEN[str(run.directory)] = run
        try:
            # The heartbeat's thread is joined at the end of every flow, which takes a second.
            with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
                make_flow(config.name, retry_delay_s=retry_delay_s)(str(run.directory), last)
        finally:
            del _OPEN[str(run.directory)]
    return finished(run, is_whole=last in {"", "score"})


def make_flow(name: str, *, retry_delay_s: float) -> Any:
    """Return the flow: stages one after the other, their chunks as tasks."""
    from prefect import flow

    @flow(name="evaluate", flow_run_name=name, validate_parameters=False)  # type: ignore[untyped-decorator]
    def evaluate(folder: str, last: str) -> None:
        run = _OPEN[folder]
        for stage in stages_up_to(last):
            with run.timed(stage.name):
                carry_out_stage(run, stage, retry_delay_s=retry_delay_s)

    return evaluate


def carry_out_stage(run: Run, stage: Stage, *, retry_delay_s: float) -> None:
    """Submit the stage's chunks that are left, one after the other: they share one model and two cores."""
    task = make_task(stage.name, retry_delay_s=retry_delay_s)
    for chunk in stage.chunks(run):
        task(str(run.directory), stage.name, chunk)
    if stage.finish:
        stage.finish(run)


def make_task(stage: str, *, retry_delay_s: float) -> Any:
    """Return the task that does one chunk. Its parts are the cache, so Prefect keeps none."""
    from prefect import task
    from prefect.cache_policies import NO_CACHE

    return task(
        do_chunk,
        name=stage,
        task_run_name=stage + " {chunk}",
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=RETRIES,
        retry_delay_seconds=retry_delay_s,
        retry_condition_fn=is_worth_another_try,
    )


def is_worth_another_try(_task: Any, _task_run: Any, state: Any) -> bool:
    """Return whether another try may mend it: a disk or a library that failed us may.

    What ``core/errors.py`` names says itself what to do, and a broken assertion is a bug: both come back.
    """
    error = state.result(raise_on_failure=False)
    return isinstance(error, Exception) and not isinstance(error, AutointerpError | AssertionError)


def do_chunk(folder: str, stage: str, chunk: str) -> None:
    """Do one chunk of a run that is open in this process."""
    next(s for s in STAGES if s.name == stage).do(_OPEN[folder], chunk)
