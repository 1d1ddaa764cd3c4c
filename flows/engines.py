"""The engines: which of Prefect's task runners does the chunks, and how a dead worker shows."""

import importlib.util
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from autointerp.core.errors import EnvironmentProblem
from autointerp.pipeline.config import Config
from flows.handing import WorkerLostError
from flows.workers import Job, do_parcel

# 75 MB is the least Ray takes; nothing but the names of chunks goes through its store.
RAY_STORE_BYTES = 80 * 1024**2
START_S = 600


@dataclass(frozen=True)
class Engine:
    """One way to do chunks elsewhere than in the flow's own thread.

    ``do``: what the task calls, in the worker or, for Ray and work pools, on the way to it. ``around``: entered
    before the flow begins; ``ready``: within it; ``options``: for every hand-over.
    """

    runner: Any
    do: Callable[..., None] = do_parcel
    around: Callable[[], AbstractContextManager[None]] = nullcontext
    ready: Callable[[Job], AbstractContextManager[None]] = lambda _job: nullcontext()
    options: Callable[[], AbstractContextManager[None]] = nullcontext
    is_loss: Callable[[BaseException], bool] = lambda error: isinstance(error, WorkerLostError)
    needs_server: bool = False


def make_engine(config: Config) -> Engine:
    """Return the engine that a configuration names. Raises EnvironmentProblem when its packages are missing."""
    return {"threads": _threads, "ray": _ray, "dask": _dask, "pool": _pool}[config.engine.kind](config)


def _threads(config: Config) -> Engine:
    from prefect.task_runners import ThreadPoolTaskRunner

    return Engine(ThreadPoolTaskRunner(max_workers=config.engine.n_workers))


def _dask(config: Config) -> Engine:
    """A local cluster of processes, or the one at the address; a process keeps its models between chunks."""
    _need("prefect_dask", "dask")
    import dask
    from distributed.scheduler import KilledWorker
    from prefect_dask import DaskTaskRunner

    engine = config.engine
    # A dead worker's chunk comes back at once, and is handed out again with a new share of the ceiling.
    dask.config.set({"distributed.scheduler.allowed-failures": 0})
    local = {
        "n_workers": engine.n_workers,
        "threads_per_worker": 1,
        "processes": True,
        "dashboard_address": None,
        "silence_logs": logging.ERROR,
        "memory_limit": 0,
    }
    runner = DaskTaskRunner(**({"address": engine.address} if engine.address else {"cluster_kwargs": local}))
    return Engine(runner, ready=_dask_workers, is_loss=lambda error: isinstance(error, KilledWorker), needs_server=True)


@contextmanager
def _dask_workers(_job: Job) -> Iterator[None]:
    """Go on when the cluster has a worker: chunks handed to a cluster without any would wait for ever."""
    from prefect.context import FlowRunContext

    context: Any = FlowRunContext.get()
    try:
        context.task_runner.client.wait_for_workers(1, timeout=START_S)
    except TimeoutError as error:
        msg = f"the Dask cluster has no worker after {START_S} s; start workers, or look at [engine] address"
        raise EnvironmentProblem(msg) from error
    yield


def _ray(config: Config) -> Engine:
    """Actors that keep the models, on a local cluster or the one at the address."""
    _need("prefect_ray", "ray")
    from prefect_ray import RayTaskRunner
    from prefect_ray.context import remote_options
    from ray.exceptions import RayError, RayTaskError

    from flows.actors import connected, do_by_actor, keepers

    engine = config.engine
    # Without "local" Ray takes a cluster that was ever started on this machine, whether it lives or not.
    local = {"address": "local", "num_cpus": engine.n_workers, "configure_logging": False}
    local |= {"include_dashboard": False, "object_store_memory": RAY_STORE_BYTES}
    where = {"address": engine.address} if engine.address else local
    n_gpus = 1 if config.device.startswith("cuda") else 0
    return Engine(
        RayTaskRunner(),  # takes the cluster that is connected
        do=do_by_actor,
        around=lambda: connected({"namespace": "autointerp", "log_to_driver": False, **where}),
        ready=lambda job: keepers(job, n=engine.n_workers, n_gpus=n_gpus),
        # The task only waits for its actor; when it dies with it, it is handed out again by us alone.
        options=lambda: remote_options(num_cpus=0, max_retries=0),
        is_loss=lambda e: (
            isinstance(e, WorkerLostError) or (isinstance(e, RayError) and not isinstance(e, RayTaskError))
        ),
        needs_server=True,
    )


def _pool(config: Config) -> Engine:
    """Workers of a Prefect work pool; a thread here waits for each parcel under way."""
    from prefect.task_runners import ThreadPoolTaskRunner

    from flows.pool import do_by_pool, need_server

    need_server()
    return Engine(ThreadPoolTaskRunner(max_workers=config.engine.n_workers), do=do_by_pool)


def _need(package: str, extra: str) -> None:
    if importlib.util.find_spec(package) is None:
        msg = f"[engine] kind = {extra!r} needs packages that are not installed: pip install 'autointerp[{extra}]'"
        raise EnvironmentProblem(msg)


@contextmanager
def reachable_server() -> Iterator[None]:
    """Let workers in other processes report to the flow's own server, where none is configured.

    Each would otherwise start one of its own, on the same database.
    """
    from prefect.server.api.server import SubprocessASGIServer
    from prefect.settings import PREFECT_API_URL, temporary_settings

    if PREFECT_API_URL.value():
        yield
        return
    server = SubprocessASGIServer()
    server.start()
    with temporary_settings({PREFECT_API_URL: server.api_url}):
        yield
