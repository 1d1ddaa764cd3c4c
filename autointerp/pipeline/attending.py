"""What is due, done: one firing after the other, by one process at a time, each noted before and after."""

import shlex
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from autointerp.core.errors import AutointerpError, ConfigError, Incomplete
from autointerp.pipeline.firings import (
    Firing,
    change,
    doing,
    keep_firing,
    now,
    read_firings,
    records_of,
    registered,
    written,
)
from autointerp.pipeline.overlapping import decide, given_up, has_later
from autointerp.pipeline.schedules import Deployment, begins, due_times

MOST_TRIES = 5
"""Of what fails for a reason that is not known to pass: after so many it has failed."""
LOOKED_EVERY_S = 2.0
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What decides a result: a hash of it all, and who judges."""

    key: str
    judge: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What a flow came to. ``n_unfinished``: questions without a reply, which are asked again when it goes on."""

    run: str = ""
    text: str = ""
    n_unfinished: int = 0
    gate: str = ""
    usd: float | None = None
    tokens: int | None = None


Look = Callable[[], None]
"""Raises ``SupersededError`` when somebody else takes this one's place; called now and then."""


class Work(Protocol):
    """How a deployment's work is done."""

    def inputs(self) -> Inputs: ...

    def carry_out(self, firing: Firing, look: Look) -> Done: ...


class SupersededError(Incomplete):
    """A later firing takes the place of the one under way."""


@dataclass(frozen=True)
class Attendant:
    """Does what is due of one deployment. ``file``: where it is described, for the command that goes on."""

    rule: Deployment
    home: Path
    file: str
    work: Work
    clock: Callable[[], datetime] = now
    wait: Callable[[float], None] = time.sleep

    def attend(self) -> list[Firing]:
        """Do everything that is due, each at most once, and return what became of it.

        While another process does, nothing is done here: what became due is noted, and that one does it, goes on
        without it or gives way to it.
        """
        done: dict[datetime, Firing] = {}
        with ExitStack() as lock:
            while firing := self._next(lock, but=done):
                done[firing.moment] = self._perform(firing)
        return list(done.values())

    def _next(self, lock: ExitStack, *, but: dict[datetime, Firing]) -> Firing | None:
        """Return what is to be done next, for whoever has the lock or gets it now; without anything it is let go.

        All of it under the lock on the records: who notes something while another does finds that other bound to
        look once more.
        """
        with records_of(self.home, self.rule.name):
            is_mine = bool(but) or lock.enter_context(doing(self.home, self.rule.name))
            left = self._decide(is_busy=not is_mine, but=but)
            if is_mine and not left:
                lock.close()
            return left[0] if is_mine and left else None

    def by_hand(self, due: str = "") -> Firing:
        """Do it now, or go on with the firing of a moment, whatever its state.

        Raises:
            ConfigError: Nothing was due at that moment.
            Incomplete: Another process is doing this deployment's work.
            AutointerpError: What it met with; that is noted, too.
        """
        with doing(self.home, self.rule.name) as is_mine:
            if not is_mine:
                msg = f"{self.rule.name} is under way in another process; wait for it"
                raise Incomplete(msg)
            return self._noted(self._named(due))

    def _named(self, due: str) -> Firing:
        if not due:
            return keep_firing(self.home, Firing(self.rule.name, self.rule.flow, written(self.clock()), by_hand=True))
        found = {firing.due: firing for firing in read_firings(self.home, self.rule.name)}
        if due not in found:
            msg = f"{self.rule.name}: nothing was due at {due!r}; `autointerp flow history` lists what was"
            raise ConfigError(msg)
        return change(self.home, found[due], is_final=False, by_hand=True)

    def _decide(self, *, is_busy: bool, but: dict[datetime, Firing]) -> list[Firing]:
        """Note what became due and what time did, and return what is to be done, but for what was tried here."""
        served = registered(self.home).get(self.rule.name)
        at = self.clock()
        due = due_times(self.rule, after=served.since, until=at) if served else []
        horizon = self._horizon(due, at)
        for firing in decide(self._known(horizon), due, self.rule, now=at, is_busy=is_busy):
            keep_firing(self.home, replace(firing, resume=self._resume(firing)))
        return [firing for firing in self._known(horizon) if firing.is_open and firing.moment not in but]

    def _known(self, horizon: datetime) -> list[Firing]:
        return read_firings(self.home, self.rule.name, after=horizon)

    def _horizon(self, due: list[datetime], at: datetime) -> datetime:
        """Return the moment from which firings matter: those before it were decided long ago."""
        windows = at - timedelta(seconds=2 * self.rule.catch_up_s + 60)
        return min(windows, due[0] - timedelta(seconds=1)) if due else windows

    def _resume(self, firing: Firing) -> str:
        words = ["autointerp", "flow", "run", firing.deployment, "--file", self.file, "--home", str(self.home)]
        return shlex.join([*words, "--due", firing.due])

    def _perform(self, firing: Firing) -> Firing:
        """Do one firing and return what became of it; an error is noted and does not keep others back."""
        self.wait(max(0.0, (begins(self.rule, firing.moment) - self.clock()).total_seconds()))
        try:
            return self._noted(firing)
        except Exception:
            (noted,) = [one for one in self._known(firing.moment - SECOND) if one.moment == firing.moment]
            return noted

    def _noted(self, firing: Firing) -> Firing:
        """Do one firing, noting that it begins and what became of it; an error, or a stop, is noted and raised."""
        begun = change(
            self.home,
            firing,
            state="running",
            reason="",
            started=firing.started or written(self.clock()),
            ended="",
            n_tries=firing.n_tries + 1,
            resume=self._resume(firing),
        )
        try:
            return self._keep(begun, **self._try(begun))
        except BaseException as error:
            self._keep(begun, **_what_became(error, begun))
            raise

    def _try(self, firing: Firing) -> dict[str, Any]:
        """Return what the firing came to: skipped when nothing changed since the last one that was done."""
        inputs = self.work.inputs() if self.rule.skip_unchanged else Inputs("")
        same = self._same_as(inputs, firing) if inputs.key else ""
        known = {"inputs": inputs.key, "judge": inputs.judge}
        if same:
            why = f"nothing changed since the one of {same} (skip_unchanged)"
            return {**known, "state": "skipped", "reason": why}
        done = self.work.carry_out(firing, self._look(firing))
        found = known | {name: getattr(done, name) for name in ("run", "text", "gate", "usd", "tokens")}
        if done.n_unfinished:
            why = f"{done.n_unfinished} questions had no reply; they are asked again"
            return {**found, "state": "incomplete", "reason": why}
        return {**found, "state": "done", "reason": ""}

    def _same_as(self, inputs: Inputs, mine: Firing) -> str:
        """Return the moment of the last firing that was done, if it had the same inputs; "" otherwise.

        One that was already begun is carried to its end.
        """
        done = [f for f in read_firings(self.home, self.rule.name) if f.state == "done" and f.inputs]
        is_same = bool(done) and done[-1].inputs == inputs.key and mine.n_tries == 1
        return done[-1].due if is_same else ""

    def _look(self, firing: Firing) -> Look:
        """Return what notices, every other second, that a later firing takes this one's place."""
        if self.rule.overlap != "cancel":
            return lambda: None
        looked_at = time.monotonic()

        def look() -> None:
            nonlocal looked_at
            if time.monotonic() - looked_at < LOOKED_EVERY_S:
                return
            looked_at = time.monotonic()
            if has_later(read_firings(self.home, self.rule.name, after=firing.moment), firing):
                raise SupersededError

        return look

    def _keep(self, firing: Firing, **changes: Any) -> Firing:
        with records_of(self.home, self.rule.name):
            return change(self.home, firing, ended=written(self.clock()), **changes)


def _what_became(error: BaseException, firing: Firing) -> dict[str, Any]:
    """Return the state that an error leaves a firing in: to be gone on with, or failed for good.

    A wrong setting and a bug are the same the next time; a full disk, a provider or a server that is away are
    not. What nobody knows is tried again, but not for ever.
    """
    told = f"{type(error).__name__}: {str(error) or 'no message'}".splitlines()[0][:500]
    if isinstance(error, SupersededError):
        final = given_up(firing)
        return {"state": final.state, "reason": final.reason, "is_final": final.is_final}
    if not isinstance(error, Exception):
        return {"state": "incomplete", "reason": "it was stopped"}
    is_hopeless = isinstance(error, ConfigError | AssertionError)
    is_known = isinstance(error, AutointerpError | OSError | MemoryError)
    if is_hopeless or (not is_known and firing.n_tries >= MOST_TRIES):
        return {"state": "failed", "reason": told}
    return {"state": "incomplete", "reason": told}


def is_anything_due(home: Path, rule: Deployment) -> bool:
    """Return whether something waits, was left in the middle, or became due while nobody looked."""
    served, at = registered(home).get(rule.name), now()
    due = due_times(rule, after=served.since, until=at) if served else []
    known = {firing.moment: firing for firing in read_firings(home, rule.name)}
    return any(firing.is_open for firing in known.values()) or any(moment not in known for moment in due)


def note_end(home: Path, deployment: str, *, why: str) -> list[Firing]:
    """Note what a process left that ended in the middle as incomplete, and return it; nothing while one is alive."""
    with records_of(home, deployment), doing(home, deployment) as is_free:
        running = [firing for firing in read_firings(home, deployment) if firing.state == "running"] if is_free else []
        return [change(home, firing, state="incomplete", reason=why, ended=written(now())) for firing in running]
