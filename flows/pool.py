"""Prefect's own workers: a parcel is a flow run that waits in a work pool until a worker's host pulls it."""

import time
from dataclasses import asdict
from typing import Any

from autointerp.core import errors
from autointerp.core.errors import AutointerpError, EnvironmentProblem, Incomplete
from autointerp.pipeline.config import parse_config
from autointerp.pipeline.run import run_directory
from autointerp.store.places import place
from flows.handing import Parcel, WorkerLostError
from flows.workers import Grant, Heed, Job

DEPLOYMENT = "chunks/chunks"
POLLED_EVERY_S = 2.0


def do_by_pool(job: Job, stage: str, chunks: Parcel, grant: Grant | None, _place: int) -> None:
    """Have a parcel done by whichever worker pulls it, and wait for that.

    Raises:
        WorkerLostError: The flow run crashed, or somebody cancelled it.
        AutointerpError: What the worker raised, as its class.
    """
    from prefect.client.orchestration import get_client

    config = parse_config(dict(job.config), source="the coordinator")
    heed = Heed(run_directory(place(job.home), config), job.session)
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(config.engine.address or DEPLOYMENT)
        flow_run = client.create_flow_run_from_deployment(
            deployment.id,
            parameters=parameters_of(job, stage, chunks, grant),
            name=f"{stage} {', '.join(chunks)}"[:100],
        )
        try:
            state = _wait(client, flow_run.id, heed)
        except Incomplete:
            _cancel(client, flow_run.id)
            raise
    raise_what_it_says(str(state.type.value), state.message or "", chunks)


def parameters_of(job: Job, stage: str, chunks: Parcel, grant: Grant | None) -> dict[str, Any]:
    """Return a parcel as the plain values that the flow ``chunks`` takes."""
    return {"job": asdict(job), "stage": stage, "parcel": list(chunks), "grant": asdict(grant) if grant else None}


def _wait(client: Any, flow_run: Any, heed: Heed) -> Any:
    """Return the flow run's last state. Raises Incomplete when this run is stopped meanwhile."""
    while True:
        heed.look()
        state = client.read_flow_run(flow_run).state
        if state is not None and state.is_final():
            return state
        time.sleep(POLLED_EVERY_S)


def _cancel(client: Any, flow_run: Any) -> None:
    from prefect.states import Cancelled

    client.set_flow_run_state(flow_run, Cancelled(message="the coordinator was stopped"), force=True)


def raise_what_it_says(kind: str, message: str, chunks: Parcel) -> None:
    """Raise what a flow run ended with, nothing if it is done; ``kind`` is the type of Prefect's state."""
    if kind == "COMPLETED":
        return
    if kind != "FAILED":
        msg = f"the flow run that did {', '.join(chunks)} ended as {kind.lower()}: {message}"
        raise WorkerLostError(msg)
    raise error_told(message)


def tell(error: Exception) -> str:
    """Return an error as the text that ``error_told`` reads."""
    return f"{type(error).__name__}: {error}"


def error_told(message: str) -> Exception:
    """Return the error of a text: its class if it is one of ours, else a RuntimeError.

    >>> error_told("ConfigError: wrong")
    ConfigError('wrong')
    """
    name, _, text = message.partition(": ")
    found = getattr(errors, name, None)
    is_ours = isinstance(found, type) and issubclass(found, AutointerpError)
    return found(text) if is_ours and found else RuntimeError(message)


def need_server() -> None:
    """Raise EnvironmentProblem unless a Prefect server is configured: workers pull from it."""
    from prefect.settings import PREFECT_API_URL

    if not PREFECT_API_URL.value():
        msg = (
            "[engine] kind = 'pool' needs a Prefect server that every worker reaches: `prefect server start`, then "
            "`prefect config set PREFECT_API_URL=http://HOST:4200/api` here and on the workers' hosts"
        )
        raise EnvironmentProblem(msg)
