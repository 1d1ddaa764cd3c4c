"""Ray's workers: actors that keep the models while tasks come and go."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from autointerp.core.errors import EnvironmentProblem
from flows.handing import Parcel, WorkerLostError
from flows.workers import Grant, Job, do_parcel

START_TRIES = 3


class Keeper:
    """One worker: its process holds the run, with models and clients, until the flow ends."""

    def stand_by(self) -> None:
        """Return when it can be handed a parcel."""

    def do(self, job: Job, stage: str, chunks: Parcel, grant: Grant | None) -> None:
        """Do a parcel."""
        do_parcel(job, stage, chunks, grant)


def name_of(job: Job, place: int) -> str:
    return f"{job.session}-{place}"


@contextmanager
def connected(settings: Mapping[str, Any]) -> Iterator[None]:
    """Be connected to a Ray cluster while within; a local one ends with it.

    Raises:
        EnvironmentProblem: There is none at the address, or this machine is too busy to start one.
    """
    import ray

    before = signal.getsignal(signal.SIGTERM)
    _start(settings, n_tries=START_TRIES if settings["address"] == "local" else 1)
    # Ray puts a handler there that aborts the program.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)
    try:
        yield
    finally:
        ray.shutdown()


def _start(settings: Mapping[str, Any], *, n_tries: int) -> None:
    import ray

    for number in range(1, n_tries + 1):
        try:
            ray.init(**settings)
            return
        except Exception as error:  # a plain Exception when a local node is not up within 30 seconds
            ray.shutdown()
            if number == n_tries:
                msg = f"no Ray cluster ({str(error).splitlines()[0]}); look at [engine] address, or try again later"
                raise EnvironmentProblem(msg) from error


@contextmanager
def keepers(job: Job, *, n: int, n_gpus: int) -> Iterator[None]:
    """Have *n* actors while within. One that dies comes back, without its models and without its chunk."""
    import ray

    actor = ray.remote(Keeper)
    made: list[Any] = [
        actor.options(
            name=name_of(job, place), num_cpus=1, num_gpus=n_gpus, max_restarts=-1, max_task_retries=0
        ).remote()
        for place in range(n)
    ]
    try:
        yield
    finally:
        for one in made:
            ray.kill(one)


def do_by_actor(job: Job, stage: str, chunks: Parcel, grant: Grant | None, place: int) -> None:
    """Have a parcel done by the actor at this place; what it raises is raised here as itself.

    Raises:
        WorkerLostError: The actor died over it.
    """
    import ray
    from ray.exceptions import RayActorError, RayTaskError

    actor: Any = ray.get_actor(name_of(job, place))
    # A call on its way is lost with the actor, so that it is handed out again by us alone; one made while the
    # actor comes back would be lost as well, and look like another death.
    ray.get(actor.stand_by.options(max_task_retries=-1).remote())
    try:
        ray.get(actor.do.remote(job, stage, chunks, grant))
    except RayTaskError as error:
        # Ray's error is the cause's class and a page of its own text.
        raise error.cause from None
    except RayActorError as error:
        msg = f"the worker that did {', '.join(chunks)} died"
        raise WorkerLostError(msg) from error
