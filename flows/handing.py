"""Chunks handed to workers: how many at a time, what each may spend, and what becomes of those that are lost."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from queue import SimpleQueue
from typing import Any, Protocol

from autointerp.core.errors import BudgetReached, EnvironmentProblem
from autointerp.pipeline.ledger import spent_by
from autointerp.pipeline.run import Run
from flows.workers import Grant

MOST_LOSSES = 3

Parcel = tuple[str, ...]
"""Chunks of one stage that are handed over together."""


class WorkerLostError(EnvironmentProblem):
    """The worker died, or its machine: nothing is known of the chunk it had, and another worker may do it."""


class Future(Protocol):
    """What came of a parcel, some time."""

    def result(self) -> Any: ...

    def add_done_callback(self, fn: Callable[[Any], Any]) -> Any: ...


Submit = Callable[[Parcel, Grant | None, int], Future]
"""Hands a parcel over: with what it may spend, and the place (0, 1, …) among the workers it goes to."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A parcel that a worker has."""

    parcel: Parcel
    grant: Grant | None
    place: int
    is_alone: bool


@dataclass
class Handing:
    """One stage's chunks handed to *n_workers*, each one parcel at a time.

    Under a ceiling every parcel is granted an equal share of what is neither spent nor granted, so that all
    workers together never exceed it. When a share does not suffice, the parcels that are left go one at a
    time, each with all that is left: the run stops where it would have stopped with one worker.
    """

    run: Run
    submit: Submit
    n_workers: int
    is_loss: Callable[[BaseException], bool]
    _numbers: Iterator[int] = field(default_factory=count)
    _sent: dict[Future, Sent] = field(default_factory=dict)
    _lost: Counter[Parcel] = field(default_factory=Counter)

    def carry_out(self, stage: str, chunks: Sequence[str], *, at_once: int) -> None:
        """Return when all are done.

        Raises:
            BudgetReached: The ceiling does not allow the rest.
            EnvironmentProblem: The workers that had one parcel died, one after the other.
            Exception: What a worker raised, after the others ended theirs; no further ones were begun.
        """
        left = deque(parcels_of(chunks, size=at_once))
        done: SimpleQueue[Future] = SimpleQueue()
        n_done = 0
        failed: list[BaseException] = []
        self.run.on_progress(stage, 0, len(chunks), "chunks")
        while self._sent or (left and not failed):
            while left and not failed and self._has_room():
                self._hand_over(left.popleft(), done)
            future = done.get()
            sent = self._sent.pop(future)
            try:
                future.result()
            except Exception as error:
                if self._is_worth_more(sent, error):
                    left.appendleft(sent.parcel)
                else:
                    failed.append(error)
            else:
                n_done += len(sent.parcel)
                self.run.on_progress(stage, n_done, len(chunks), "chunks")
        if failed:
            raise failed[0]

    def _has_room(self) -> bool:
        return len(self._sent) < self.n_workers

    def _hand_over(self, parcel: Parcel, done: "SimpleQueue[Future]") -> None:
        taken = {sent.place for sent in self._sent.values()}
        place = next(place for place in range(self.n_workers) if place not in taken)
        grant = self._grant()
        future = self.submit(parcel, grant, place)
        self._sent[future] = Sent(parcel, grant, place, is_alone=self.n_workers == 1)
        future.add_done_callback(done.put)

    def _grant(self) -> Grant | None:
        """Return the parcel's share of the run's ceiling; None where there is no ceiling."""
        ceiling = self.run.config.budget
        if ceiling.usd is None and ceiling.tokens is None:
            return None
        spent, given = spent_by(self.run.directory), [sent.grant for sent in self._sent.values() if sent.grant]
        n_idle = self.n_workers - len(self._sent)
        usd = None if ceiling.usd is None else ceiling.usd - (spent.usd or 0.0) - sum(g.usd or 0.0 for g in given)
        tokens = None if ceiling.tokens is None else ceiling.tokens - spent.tokens - sum(g.tokens or 0 for g in given)
        return Grant(
            next(self._numbers),
            None if usd is None else max(usd / n_idle, 0.0),
            None if tokens is None else max(tokens // n_idle, 0),
        )

    def _is_worth_more(self, sent: Sent, error: Exception) -> bool:
        """Return whether the parcel goes out again: its worker died, or it had only a share of the ceiling."""
        if isinstance(error, BudgetReached) and not sent.is_alone:
            self.n_workers = 1
            return True
        if not self.is_loss(error):
            return False
        self._lost[sent.parcel] += 1
        if self._lost[sent.parcel] > MOST_LOSSES:
            msg = (
                f"the worker that did {', '.join(sent.parcel)} died {MOST_LOSSES + 1} times ({error}); "
                "has it the memory it needs? The same command goes on from here"
            )
            raise EnvironmentProblem(msg) from error
        return True


def parcels_of(chunks: Sequence[str], *, size: int) -> Iterator[Parcel]:
    """Yield the chunks in their order, *size* to a parcel.

    >>> list(parcels_of(["a", "b", "c"], size=2))
    [('a', 'b'), ('c',)]
    """
    waiting = iter(chunks)
    while parcel := tuple(islice(waiting, size)):
        yield parcel
