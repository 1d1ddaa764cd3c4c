"""What a worker does: it opens the run for itself, keeps it, and does the chunks it is handed."""

import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autointerp.core.errors import Incomplete
from autointerp.machine import prepare
from autointerp.pipeline.config import Config, parse_config
from autointerp.pipeline.ledger import spent_by
from autointerp.pipeline.order import STAGES, Stage
from autointerp.pipeline.readiness import SILENT, make_ready
from autointerp.pipeline.run import Run, run_directory
from autointerp.store.places import place

STOP = ".stop"
LOOKED_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker must know of a run, as plain values. ``session``: this attempt of it, unlike any other's."""

    session: str
    config: Mapping[str, Any]
    home: str
    last: str
    threads: int

    @classmethod
    def of(cls, config: Config, *, home: Path, last: str) -> "Job":
        """Return the job of one attempt, the limits of providers divided among its workers."""
        engine = config.engine
        mine = config.shared_among(engine.n_workers).model_dump(mode="json")
        return cls(uuid.uuid4().hex, mine, str(home.absolute()), last, engine.threads_a_worker)


@dataclass(frozen=True, slots=True)
class Grant:
    """What the chunks of one parcel may spend, None for any. ``number``: no two grants of a session are alike."""

    number: int
    usd: float | None
    tokens: int | None


@dataclass
class Kept:
    """The run a worker has open, with its models, and the last grant it was given."""

    job: Job
    run: Run
    granted: int = -1
    is_ready: bool = False

    def prepare(self, stage: Stage) -> None:
        """Learn what the models' servers can do before the first of them is asked."""
        if not self.is_ready and stage.name not in SILENT:
            make_ready(self.run, self.job.last)
            self.is_ready = True

    def take(self, grant: Grant | None) -> None:
        """Be allowed so much more, once: a chunk tried again after an error goes on with what is left."""
        if grant and grant.number != self.granted:
            self.run.budget.grant(usd=grant.usd, tokens=grant.tokens, spent=spent_by(self.run.directory))
            self.granted = grant.number


_OF_THREAD = threading.local()
"""A worker is a thread of a process: models and the clients of servers are not shared between threads."""


def do_parcel(job: Job, stage: str, chunks: Sequence[str], grant: Grant | None = None, _place: int = 0) -> None:
    """Do these chunks of a stage; of several, those that stand from an earlier attempt are left out."""
    kept = kept_run(job)
    Heed(kept.run.directory, job.session).look()
    found = stage_named(stage)
    kept.prepare(found)
    kept.take(grant)
    left = set(found.chunks(kept.run)) if len(chunks) > 1 else chunks
    for chunk in chunks:
        if chunk in left:
            found.do(kept.run, chunk)


def stage_named(name: str) -> Stage:
    return next(stage for stage in STAGES if stage.name == name)


def kept_run(job: Job) -> Kept:
    """Return this worker's run of the job, opened when it is new; of another job nothing is kept."""
    kept: Kept | None = getattr(_OF_THREAD, "kept", None)
    if kept is None or kept.job.session != job.session:
        if kept:
            kept.run.close()
        kept = _OF_THREAD.kept = Kept(job, open_run_of(job))
    return kept


def open_run_of(job: Job) -> Run:
    """Return the run without its lock, which whoever hands out the chunks holds."""
    prepare()
    limit_threads(job.threads)
    config = parse_config(dict(job.config), source="the coordinator")
    home = place(job.home)
    folder = run_directory(home, config)
    return Run(config, home, folder, Heed(folder, job.session))


def limit_threads(n: int) -> None:
    """Let torch use *n* threads in this process, if any number is said."""
    if n:
        import torch

        torch.set_num_threads(n)


@dataclass
class Heed:
    """Progress of a worker: shown to nobody, and the moment to notice that nobody waits for it any more."""

    folder: Path
    session: str
    _looked_at: float = 0.0

    def __call__(self, _stage: str, _done: int, _total: int, _unit: str) -> None:
        now = time.monotonic()
        if now - self._looked_at >= LOOKED_EVERY_S:
            self._looked_at = now
            self.look()

    def look(self) -> None:
        """Raise Incomplete when this attempt of the run was stopped."""
        path = self.folder / STOP
        if path.exists() and path.read_text("utf-8") == self.session:
            msg = "stopped; the same command goes on from here"
            raise Incomplete(msg)


def stop_workers(job: Job, folder: Path) -> None:
    """Let the workers of this attempt end at their next sign of progress, wherever they run."""
    (folder / STOP).write_text(job.session, "utf-8")
