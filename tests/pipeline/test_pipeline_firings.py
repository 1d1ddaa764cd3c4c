"""What is due is done once, left out or missed by rule, whoever dies in between; the clock is the test's own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from children import ENVIRONMENT
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.errors import BudgetReached, ConfigError, ProviderUnavailable, StoreError
from autointerp.pipeline.attending import MOST_TRIES, Attendant, Done, Inputs, Look, SupersededError
from autointerp.pipeline.firings import (
    OPEN,
    Firing,
    doing,
    history,
    read_firings,
    register,
    registered,
    stamp,
    written,
)
from autointerp.pipeline.overlapping import decide
from autointerp.pipeline.schedules import Deployment, begins, due_times, next_due, read_flows

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OVERLAPS = ("skip", "queue", "cancel")


def rule(**changes: Any) -> Deployment:
    return Deployment(**{"name": "nightly", "config": "c.toml", "interval_s": 60, "catch_up_s": 600} | changes)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


# ---- when something is due


@given(st.floats(1, 1e5), st.integers(0, 10**6), st.integers(0, 10**4))
def test_intervals_are_due_at_their_multiples(interval_s: float, began: int, seconds: int) -> None:
    """However the span is cut in two, the same moments are due, none twice; each is a multiple of the interval."""
    every = rule(interval_s=interval_s)
    start = START + timedelta(seconds=began)
    end, middle = start + timedelta(seconds=seconds), start + timedelta(seconds=seconds / 3)
    whole = due_times(every, after=start, until=end)
    parts = due_times(every, after=start, until=middle) + due_times(every, after=middle, until=end)
    assert whole == parts[-1000:]
    assert all(start < moment <= end for moment in whole)
    assert all(abs((b - a).total_seconds() - interval_s) < 1e-3 for a, b in pairwise(whole))


def test_cron_keeps_to_the_clock_on_the_wall() -> None:
    """Two at night is two at night in winter and in summer; the hour that is repeated gives one, as the lost one."""
    nightly = rule(interval_s=None, cron="30 2 * * *", time_zone="Europe/Vienna")
    autumn = due_times(nightly, after=datetime(2026, 10, 23, tzinfo=UTC), until=datetime(2026, 10, 27, tzinfo=UTC))
    assert [moment.hour for moment in autumn] == [0, 0, 0, 1]
    spring = due_times(nightly, after=datetime(2026, 3, 27, tzinfo=UTC), until=datetime(2026, 3, 31, tzinfo=UTC))
    assert [moment.day for moment in spring] == [27, 28, 29, 30]
    assert next_due(nightly, after=autumn[-2]) == autumn[-1]
    assert next_due(rule(interval_s=90), after=START) == START + timedelta(seconds=90)


def test_now_is_due() -> None:
    """What is due at this very second is."""
    hourly = rule(interval_s=None, cron="0 * * * *")
    assert due_times(hourly, after=START - timedelta(seconds=1), until=START) == [START]
    assert due_times(hourly, after=START, until=START + timedelta(seconds=59)) == []


def test_jitter_is_the_same_for_everybody() -> None:
    """Within its bound, decided by the moment, and not the same for all moments."""
    shaken = rule(jitter_s=300)
    late = [(begins(shaken, at(n)) - at(n)).total_seconds() for n in range(50)]
    assert late == [(begins(shaken, at(n)) - at(n)).total_seconds() for n in range(50)]
    assert all(0 <= seconds < 300 for seconds in late)
    assert max(late) - min(late) > 150


# ---- what is done of it


def test_overlaps_of_moments_that_were_slept_through() -> None:
    """Skip does the last, queue all, cancel the last; what is outside the window is missed in all of them."""
    due = [at(n) for n in range(20)]
    for overlap, waiting in (("skip", 1), ("queue", 11), ("cancel", 1)):
        found = decide([], due, rule(overlap=overlap), now=at(19), is_busy=False)
        assert len(found) == 20
        assert [f.moment for f in found if f.state == "missed"] == due[:9]
        opened = [f.moment for f in found if f.is_open]
        assert opened == due[-waiting:]


def test_one_that_becomes_due_while_another_runs() -> None:
    """Skipped, queued, or waiting for the other to give way."""
    running = Firing("nightly", "evaluate", written(at(0)), state="running", n_tries=1)
    for overlap, state in (("skip", "skipped"), ("queue", "waiting"), ("cancel", "waiting")):
        (new,) = decide([running], [at(0), at(1)], rule(overlap=overlap), now=at(1), is_busy=True)
        assert (new.moment, new.state) == (at(1), state)


def test_what_was_interrupted_goes_on() -> None:
    """Under skip and queue before the next one; under cancel the next one takes its place; after its window nobody."""
    running = Firing("nightly", "evaluate", written(at(0)), state="running", n_tries=1)
    for overlap, is_open in (("skip", True), ("queue", True), ("cancel", False)):
        found = decide([running], [at(0), at(1)], rule(overlap=overlap), now=at(1), is_busy=False)
        assert [f.is_open for f in found] == [is_open, True]
        assert found[0].state == "incomplete"
    (late,) = decide([running], [], rule(), now=at(11), is_busy=False)
    assert (late.state, late.is_final) == ("incomplete", True)


@given(
    st.sampled_from(OVERLAPS),
    st.lists(st.tuples(st.floats(0, 15), st.booleans(), st.sampled_from(["done", "fails", "dies"])), max_size=12),
)
def test_every_moment_has_one_firing_and_keeps_its_end(overlap: str, visits: list[tuple[float, bool, str]]) -> None:
    """Whatever comes in between: nothing due is forgotten, nothing that ended begins again, and none is done twice."""
    known: dict[datetime, Firing] = {}
    clock, n_done = 0.0, 0
    running: Firing | None = None
    for minutes, ends_before, fate in visits:
        clock += minutes
        if running and ends_before:
            running = None
        due = [at(n) for n in range(int(clock) + 1)]
        ended = {moment: f for moment, f in known.items() if not f.is_open}
        found = decide(list(known.values()), due, rule(overlap=overlap), now=at(clock), is_busy=running is not None)
        known |= {f.moment: f for f in found}
        assert set(known) == set(due)
        assert all(known[moment] == f for moment, f in ended.items())
        waiting = [f for f in sorted(known.values(), key=lambda f: f.moment) if f.is_open]
        if running is None and waiting:
            first, state = waiting[0], {"done": "done", "fails": "incomplete", "dies": "running"}[fate]
            known[first.moment] = running = Firing("nightly", "evaluate", first.due, state=state, n_tries=1)
            running = running if fate == "dies" else None
            n_done += fate == "done"
    assert sum(f.state == "done" for f in known.values()) == n_done


# ---- the attendant


class Worker:
    """Does what it is told for each firing and remembers which it did; its clock goes by hand."""

    def __init__(self, do: Callable[[Firing, Look], Done] | None = None, inputs: str = "") -> None:
        self.do, self.key, self.seconds = do, inputs, 0.0
        self.done: list[str] = []

    def inputs(self) -> Inputs:
        return Inputs(self.key, "judge")

    def carry_out(self, firing: Firing, look: Look) -> Done:
        self.done.append(firing.due)
        return self.do(firing, look) if self.do else Done("run", "fine")

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def wait(self, seconds: float) -> None:
        self.seconds += seconds


def attendant(home: Path, worker: Worker, **changes: Any) -> Attendant:
    mine = rule(**changes)
    register(home, mine, at=START)
    return Attendant(mine, home, "flows.toml", worker, worker.clock, worker.wait)


def states(home: Path) -> list[str]:
    return [firing.state for firing in read_firings(home, "nightly")]


def test_each_due_moment_is_done_once(tmp_path: Path) -> None:
    """Called twice at the same time of day, or after hours: nothing twice, nothing before its time."""
    worker = Worker()
    mine = attendant(tmp_path, worker, overlap="queue")
    assert mine.attend() == []
    for seconds in (180, 180, 300):
        worker.seconds = seconds
        mine.attend()
    assert worker.done == [written(at(n)) for n in (1, 2, 3, 4, 5)]
    assert states(tmp_path) == ["done"] * 5
    frame = history(tmp_path)
    assert frame["due"].tolist() == worker.done[::-1]
    assert set(frame["run"]) == {"run"}


@pytest.mark.parametrize(
    ("error", "after_one", "after_all"),
    [
        (StoreError("full"), "incomplete", "incomplete"),
        (ProviderUnavailable("no answer"), "incomplete", "incomplete"),
        (BudgetReached("no more"), "incomplete", "incomplete"),
        (OSError("gone"), "incomplete", "incomplete"),
        (KeyError("what nobody knows"), "incomplete", "failed"),
        (ConfigError("wrong"), "failed", "failed"),
        (AssertionError("a bug"), "failed", "failed"),
    ],
)
def test_what_passes_is_gone_on_with(tmp_path: Path, error: Exception, after_one: str, after_all: str) -> None:
    """At the next call, not in a circle; a wrong setting once, what nobody knows a few times."""

    def fails(_firing: Firing, _look: Look) -> Done:
        raise error

    worker = Worker(fails)
    mine = attendant(tmp_path, worker, catch_up_s=86400, interval_s=3600)
    worker.seconds = 3600
    mine.attend()
    assert states(tmp_path) == [after_one]
    for _ in range(MOST_TRIES):
        mine.attend()
    assert states(tmp_path) == [after_all]
    (firing,) = read_firings(tmp_path, "nightly")
    assert type(error).__name__ in firing.reason
    assert f"--due {firing.due}" in firing.resume
    with pytest.raises(type(error)):
        mine.by_hand(firing.due)
    worker.do = None
    assert mine.by_hand(firing.due).state == "done"


def test_a_stop_is_noted(tmp_path: Path) -> None:
    """Ctrl-C or SIGTERM in the middle leaves it incomplete; the next call goes on with it."""

    def stopped(_firing: Firing, _look: Look) -> Done:
        raise SystemExit(143)

    worker = Worker(stopped)
    mine = attendant(tmp_path, worker)
    worker.seconds = 60
    with pytest.raises(SystemExit):
        mine.attend()
    assert states(tmp_path) == ["incomplete"]
    worker.do = None
    assert [f.n_tries for f in mine.attend()] == [2]
    assert states(tmp_path) == ["done"]


def test_without_replies_it_is_incomplete(tmp_path: Path) -> None:
    """Questions without a reply are no end: the next call asks them again."""
    worker = Worker(lambda _firing, _look: Done("run", n_unfinished=3))
    mine = attendant(tmp_path, worker)
    worker.seconds = 60
    (firing,) = mine.attend()
    assert (firing.state, firing.reason) == ("incomplete", "3 questions had no reply; they are asked again")


def test_nothing_changed_nothing_done(tmp_path: Path) -> None:
    """The same inputs and judge as the last time are skipped and say so; others are not; what began is ended."""
    worker = Worker(inputs="a")
    mine = attendant(tmp_path, worker, skip_unchanged=True)
    for minute, key in ((1, "a"), (2, "a"), (3, "b"), (4, "a")):
        worker.seconds, worker.key = 60 * minute, key
        mine.attend()
    assert states(tmp_path) == ["done", "skipped", "done", "done"]
    skipped = read_firings(tmp_path, "nightly")[1]
    assert "nothing changed since the one of 2026-11-21T12:01:00Z" in skipped.reason
    assert len(worker.done) == 3


def test_a_later_one_takes_its_place(tmp_path: Path) -> None:
    """Under cancel, what is under way notices the next moment, gives up for good, and the next one is done."""
    again = rule(overlap="cancel")

    def slow(firing: Firing, look: Look) -> Done:
        if firing.moment > at(1):
            return Done("run")
        worker.seconds = 120
        assert Attendant(again, tmp_path, "", Worker(), worker.clock).attend() == []
        assert [f.state for f in read_firings(tmp_path, "nightly")] == ["running", "waiting"]
        while True:
            look()

    worker = Worker(slow)
    mine = attendant(tmp_path, worker, overlap="cancel")
    worker.seconds = 60
    first, second = mine.attend()
    assert (first.state, first.is_final, second.state) == ("incomplete", True, "done")
    with pytest.raises(SupersededError):
        raise SupersededError


@pytest.mark.parametrize(("overlap", "expected"), [("skip", ["done", "skipped"]), ("queue", ["done", "done"])])
def test_one_at_a_time(tmp_path: Path, overlap: str, expected: list[str]) -> None:
    """A second caller does nothing itself: under queue the first one does what it noted, under skip nobody."""
    other = Worker()

    def slow(firing: Firing, _look: Look) -> Done:
        if firing.moment == at(1):
            worker.seconds = other.seconds = 120
            assert Attendant(rule(overlap=overlap), tmp_path, "", other, other.clock).attend() == []
        return Done("run")

    worker = Worker(slow)
    mine = attendant(tmp_path, worker, overlap=overlap)
    worker.seconds = 60
    mine.attend()
    assert states(tmp_path) == expected
    assert other.done == []


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from autointerp.pipeline.attending import Attendant, Done
from autointerp.pipeline.firings import registered

home, moment = Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2])

class Work:
    def carry_out(self, firing, look):
        os.kill(os.getpid(), signal.SIGKILL)

Attendant(registered(home)["nightly"].deployment, home, "", Work(), lambda: moment).attend()
"""


def test_a_killed_process_leaves_its_firing_to_the_next(tmp_path: Path) -> None:
    """The lock dies with it; its firing, noted as running, is done by the next caller, before the newer one."""
    register(tmp_path, rule(overlap="queue"), at=START)
    command = [sys.executable, "-c", KILLED, str(tmp_path), at(1).isoformat()]
    child = subprocess.run(command, env=ENVIRONMENT, check=False)
    assert child.returncode == -signal.SIGKILL
    assert states(tmp_path) == ["running"]
    worker = Worker()
    worker.seconds = 120
    mine = attendant(tmp_path, worker, overlap="queue")
    mine.attend()
    assert worker.done == [written(at(1)), written(at(2))]
    assert [f.n_tries for f in read_firings(tmp_path, "nightly")] == [2, 1]


# ---- records and file


def test_another_rule_counts_from_now(tmp_path: Path) -> None:
    """Serving again keeps the past; a changed schedule does not make the moments of the new one due in it."""
    assert register(tmp_path, rule(), at=at(0)).since == at(0)
    assert register(tmp_path, rule(overlap="queue"), at=at(5)).since == at(0)
    assert register(tmp_path, rule(interval_s=7), at=at(6)).since == at(6)
    assert registered(tmp_path)["nightly"].deployment == rule(interval_s=7)


def test_damaged_records_say_what_to_do(tmp_path: Path) -> None:
    """Which file, and that removing it is safe."""
    folder = tmp_path / "flows" / "nightly" / "firings"
    folder.mkdir(parents=True)
    (folder / f"{stamp(START)}.json").write_text("{")
    with pytest.raises(StoreError, match="remove it"):
        history(tmp_path)


def test_history_of_nothing_has_its_columns(tmp_path: Path) -> None:
    """An empty home gives an empty frame that can be asked for any column."""
    frame = history(tmp_path)
    assert len(frame) == 0
    assert {"deployment", "due", "state", "reason", "resume"} <= set(frame.columns)
    assert set(OPEN) == {"waiting", "running", "incomplete"}


def test_the_lock_is_only_one_process_s(tmp_path: Path) -> None:
    """Whoever comes second is told so, not stopped."""
    with doing(tmp_path, "x") as first, doing(tmp_path, "x") as second:
        assert (first, second) == (True, False)
    assert os.path.exists(tmp_path / "flows" / "x")  # noqa: PTH110


FLOWS = """
[limits]
openai = 2
[[deployments]]
name = "nightly"
config = "c.toml"
cron = "0 2 * * *"
time_zone = "Europe/Vienna"
"""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("cron =", "corn ="), "unknown key 'deployments.0.corn'; did you mean 'cron'?"),
        (("0 2 * * *", "every night"), "not five fields of cron"),
        (("Europe/Vienna", "Vienna"), "no time zone 'Vienna'"),
        (('config = "c.toml"', ""), "needs `config`"),
        (("openai = 2", "openai = 0"), "nobody would ever ask it"),
        (('time_zone = "Europe/Vienna"', "interval_s = 5"), "cron or interval_s, not both"),
        (("[limits]\nopenai = 2", ""), ""),
    ],
)
def test_a_wrong_file_says_what_would_be_right(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    """One line a problem, with the nearest name for an unknown key."""
    path = tmp_path / "flows.toml"
    path.write_text(FLOWS.replace(*change))
    if not told:
        assert read_flows(path).named("nightly").config == str(tmp_path / "c.toml")
        with pytest.raises(ConfigError, match="did you mean 'nightly'"):
            read_flows(path).named("nihgtly")
        return
    with pytest.raises(ConfigError) as raised:
        read_flows(path)
    assert told in str(raised.value)
