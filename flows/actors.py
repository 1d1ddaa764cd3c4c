"""Ray's workers: actors that keep the models while tasks come and go."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flows.handing import Parcel, WorkerLostError
from flows.workers import Grant, Job, do_parcel


class Keeper:
    """One worker: its process holds the run, with models and clients, until the flow ends."""

    def do(self, job: Job, stage: str, chunks: Parcel, grant: Grant | None) -> None:
        """Do a parcel."""
        do_parcel(job, stage, chunks, grant)


def name_of(job: Job, place: int) -> str:
    return f"{job.session}-{place}"


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
    try:
        ray.get(actor.do.remote(job, stage, chunks, grant))
    except RayTaskError as error:
        # Ray's error is the cause's class and a page of its own text.
        raise error.cause from None
    except RayActorError as error:
        msg = f"the worker that did {', '.join(chunks)} died"
        raise WorkerLostError(msg) from error
