"""Ray's workers: actors that keep the models while tasks come and go."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flows.handing import Parcel, WorkerLostError
from flows.workers import Grant, Job, do_parcel


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
def keepers(job: Job, *, n: int, n_gpus: int, on_sigterm: Any) -> Iterator[None]:
    """Have *n* actors while within. One that dies comes back, without its models and without its chunk.

    ``on_sigterm``: the handler from before Ray was started, which puts one in its place that aborts the program.
    """
    import ray

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, on_sigterm)

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
