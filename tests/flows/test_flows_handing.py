"""Chunks handed to workers: each done, never too many at once, never beyond the ceiling, the dead ones' again."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_world import World

from autointerp.core.errors import BudgetReached, ConfigError, EnvironmentProblem, Incomplete
from autointerp.pipeline.run import Run
from autointerp.pipeline.terms import HttpSection
from autointerp.store.parts import write_part
from flows.handing import MOST_LOSSES, Handing, Parcel, WorkerLostError
from flows.workers import Grant, Job, do_parcel, kept_run, stop_workers

CHUNKS = [f"chunk {n}" for n in range(7)]
CALL = {"question": "q", "model": "m", "tokens_in": 0, "tokens_out": 0, "tokens_cached": 0, "usd": None, "seconds": 0.0}
EMPTY = ("stage", "scorer", "dictionary", "feature", "fingerprint", "kind", "failed")


class Workers:
    """Threads that do what they are told with every parcel, and remember how they were used."""

    def __init__(self, n: int, do: Callable[[Parcel, Grant | None], None]) -> None:
        self.do, self.pool, self.lock = do, ThreadPoolExecutor(n), threading.Lock()
        self.busy: Counter[int] = Counter()
        self.begun: list[Parcel] = []

    def submit(self, parcel: Parcel, grant: Grant | None, place: int) -> "Future[None]":
        with self.lock:
            self.busy[place] += 1
            assert self.busy[place] == 1, "two parcels at one place"
            self.begun.append(parcel)
        return self.pool.submit(self._work, parcel, grant, place)

    def _work(self, parcel: Parcel, grant: Grant | None, place: int) -> None:
        try:
            self.do(parcel, grant)
        finally:
            with self.lock:
                self.busy[place] -= 1


def run_of(world: World, folder: Path, seen: list[tuple[int, int]], **changes: Any) -> Run:
    def show(_stage: str, done: int, total: int, _unit: str) -> None:
        seen.append((done, total))

    return Run(world.config(**changes), folder, folder / "run", show)


def hand_out(run: Run, workers: Workers, *, n: int, at_once: int = 1) -> None:
    handing = Handing(run, workers.submit, n, lambda error: isinstance(error, WorkerLostError))
    handing.carry_out("score", CHUNKS, at_once=at_once)


@pytest.mark.parametrize(("n", "at_once"), [(1, 1), (2, 1), (3, 2), (20, 5)])
def test_each_chunk_once(world: World, tmp_path: Path, n: int, at_once: int) -> None:
    """However many workers and however large the parcels; the count goes up to all of them."""
    seen: list[tuple[int, int]] = []
    workers = Workers(n, lambda _parcel, _grant: None)
    hand_out(run_of(world, tmp_path, seen), workers, n=n, at_once=at_once)
    assert [chunk for parcel in workers.begun for chunk in parcel] == CHUNKS
    assert (seen[0], seen[-1]) == ((0, 7), (7, 7))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_lost_chunk_is_done_by_another(world: World, tmp_path: Path) -> None:
    """A worker that dies costs its chunk another try, as often as is allowed."""
    deaths: Counter[Parcel] = Counter()

    def dies(parcel: Parcel, _grant: Grant | None) -> None:
        deaths[parcel] += 1
        if parcel == ("chunk 3",) and deaths[parcel] <= MOST_LOSSES:
            raise WorkerLostError("gone")

    hand_out(run_of(world, tmp_path, []), Workers(2, dies), n=2)
    assert deaths == Counter({(chunk,): 1 for chunk in CHUNKS} | {("chunk 3",): MOST_LOSSES + 1})


def test_a_chunk_that_kills_its_workers_is_given_up(world: World, tmp_path: Path) -> None:
    """Not for ever: the error names the chunk."""

    def dies(parcel: Parcel, _grant: Grant | None) -> None:
        if parcel == ("chunk 3",):
            raise WorkerLostError("gone")

    with pytest.raises(EnvironmentProblem, match=r"chunk 3 died 4 times"):
        hand_out(run_of(world, tmp_path, []), Workers(2, dies), n=2)


def test_an_error_comes_back_and_nothing_more_is_begun(world: World, tmp_path: Path) -> None:
    """As its own class, after those under way have ended."""

    def fails(parcel: Parcel, _grant: Grant | None) -> None:
        if parcel == ("chunk 1",):
            raise ConfigError("wrong")

    workers = Workers(1, fails)
    with pytest.raises(ConfigError, match="wrong"):
        hand_out(run_of(world, tmp_path, []), workers, n=1)
    assert workers.begun == [("chunk 0",), ("chunk 1",)]


class Spending:
    """Workers that spend tokens on each chunk, noting it as the ledger does, and stop where their grant ends."""

    def __init__(self, folder: Path, cost: dict[str, int]) -> None:
        self.folder, self.left, self.lock = folder, dict(cost), threading.Lock()
        self.spent, self.n_notes = 0, 0
        self.grants: list[int] = []

    def __call__(self, parcel: Parcel, grant: Grant | None) -> None:
        assert grant is not None
        assert grant.tokens is not None
        self.grants.append(grant.tokens)
        for chunk in parcel:
            with self.lock:
                paid = min(self.left[chunk], grant.tokens)
                self.left[chunk] -= paid
                self.spent += paid
                self.n_notes += 1
                row = CALL | dict.fromkeys(EMPTY) | {"tokens_in": paid, "tries": 1, "cached": False}
                write_part(self.folder, "calls", f"note-{self.n_notes}", [row])
            if self.left[chunk]:
                raise BudgetReached("the share is spent")


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize(("ceiling", "suffices"), [(700, True), (701, True), (2000, True), (699, False), (90, False)])
def test_the_ceiling_holds_and_is_used(world: World, tmp_path: Path, n: int, ceiling: int, suffices: bool) -> None:
    """Many workers stop exactly where one would: all is done if the ceiling allows it, else all of it is spent."""
    run = run_of(world, tmp_path, [], budget={"tokens": ceiling})
    spending = Spending(run.directory, dict.fromkeys(CHUNKS, 100))
    if suffices:
        hand_out(run, Workers(n, spending), n=n)
    else:
        with pytest.raises(BudgetReached):
            hand_out(run, Workers(n, spending), n=n)
    assert spending.spent == min(ceiling, 700)
    assert ceiling // n in spending.grants, "one of the first has an equal share"


@given(st.integers(1, 500), st.integers(1, 64), st.floats(0.1, 1e6), st.floats(0.1, 1e6))
def test_shares_of_limits_add_up(at_most: int, n: int, requests: float, tokens: float) -> None:
    """All workers together keep to a provider's limits; each may have one call under way."""
    whole = HttpSection(at_most=at_most, requests_a_minute=requests, tokens_a_minute=tokens)
    mine = whole.shared_among(n)
    assert mine.at_most * n <= max(at_most, n)
    assert mine.requests_a_minute is not None
    assert mine.requests_a_minute * n == pytest.approx(requests)
    assert mine.tokens_a_minute is not None
    assert mine.tokens_a_minute * n == pytest.approx(tokens)
    assert HttpSection().shared_among(n).requests_a_minute is None


def test_a_stopped_worker_ends(world: World, tmp_path: Path) -> None:
    """A worker opens its run once a session, and does nothing more once that session is stopped."""
    config = world.config()
    job = Job.of(config, home=tmp_path, last="evidence")
    do_parcel(job, "harvest", ["0"])
    run = kept_run(job).run
    do_parcel(job, "harvest", ["1"])
    assert kept_run(job).run is run
    assert len(list(run.harvest_folder.glob("sketch_tiles/*.parquet"))) == 2
    run.directory.mkdir(parents=True)
    stop_workers(job, run.directory)
    with pytest.raises(Incomplete, match="the same command"):
        do_parcel(job, "harvest", ["2"])
    again = Job.of(config, home=tmp_path, last="evidence")
    do_parcel(again, "harvest", ["0", "1", "2"])
    assert kept_run(again).run is not run
    assert len(list(run.harvest_folder.glob("sketch_tiles/*.parquet"))) == 3


def test_workers_do_several_shards_under_the_coordinators_lock(world: World, tmp_path: Path) -> None:
    """A worker that is given several shards asks which are left; the lock on the harvest is the coordinator's alone."""
    from autointerp.pipeline.harvesting import begin_harvest
    from autointerp.pipeline.run import Run, run_directory

    config = world.config()
    coordinator = Run(config, tmp_path, run_directory(tmp_path, config))
    begin_harvest(coordinator)
    do_parcel(Job.of(config, home=tmp_path, last="evidence"), "harvest", ["0", "1"])
    assert len(list(coordinator.harvest_folder.glob("sketch_tiles/*.parquet"))) == 2
    coordinator.close()


def test_what_a_flow_run_says_is_raised() -> None:
    """An error told in a state's message comes back as its class; a crash is a lost worker."""
    from flows.pool import error_told, raise_what_it_says, tell

    assert isinstance(error_told(tell(BudgetReached("the end: now"))), BudgetReached)
    assert str(error_told(tell(BudgetReached("the end: now")))) == "the end: now"
    assert isinstance(error_told(tell(KeyError("x"))), RuntimeError)
    raise_what_it_says("COMPLETED", "", ("a",))
    for kind in ("CRASHED", "CANCELLED"):
        with pytest.raises(WorkerLostError, match="that did a"):
            raise_what_it_says(kind, "killed", ("a",))
    with pytest.raises(ConfigError, match="wrong"):
        raise_what_it_says("FAILED", "ConfigError: wrong", ("a",))
