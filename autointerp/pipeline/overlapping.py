"""What is done of everything that is due: by overlap policy and catch-up window, as a pure function."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from autointerp.pipeline.firings import Firing, written
from autointerp.pipeline.schedules import Deployment


def decide(
    known: Sequence[Firing], due: Sequence[datetime], rule: Deployment, *, now: datetime, is_busy: bool
) -> list[Firing]:
    """Return the firings that are new, or in another state than before; all others stay as they are.

    After it every moment that is due has exactly one firing, and those that are ``is_open`` are to be done, the
    earliest first. ``is_busy``: one of them is under way elsewhere, and stays as it is; without it, one that is
    noted as running was interrupted.
    """
    before = {firing.moment: firing for firing in known}
    fresh = [moment for moment in due if moment not in before]
    new = [Firing(rule.name, rule.flow, written(moment)) for moment in fresh]
    aged = [_aged(firing, rule, now=now, is_busy=is_busy) for firing in [*known, *new]]
    aged.sort(key=lambda firing: firing.moment)
    left_out = _LEFT_OUT[rule.overlap](aged, set(fresh), is_busy)
    after = [left_out.get(firing.moment, firing) for firing in aged]
    return [firing for firing in after if before.get(firing.moment) != firing]


def _aged(firing: Firing, rule: Deployment, *, now: datetime, is_busy: bool) -> Firing:
    """Return the firing as time has left it: interrupted, or outside its window."""
    if not firing.is_open or (is_busy and firing.state == "running"):
        return firing
    if now - firing.moment > timedelta(seconds=rule.catch_up_s):
        return _too_late(firing, rule)
    if firing.state == "running":
        return replace(firing, state="incomplete", reason="its process ended in the middle")
    return firing


def _too_late(firing: Firing, rule: Deployment) -> Firing:
    window = f"the catch-up window of {rule.catch_up_s:g} s is over"
    if firing.n_tries:
        why = firing.reason or "its process ended in the middle"
        return replace(firing, state="incomplete", is_final=True, reason=f"{why}; {window}")
    return replace(firing, state="missed", reason=f"nobody was there to begin it, and {window}")


Changed = dict[datetime, Firing]
"""Firings that a policy leaves out or gives up, by their moment."""


def _skip(firings: Sequence[Firing], fresh: set[datetime], is_busy: bool) -> Changed:
    """Leave out what becomes due while another is under way, or, of several due at once, all but the last."""
    unbegun = [firing for firing in firings if _is_unbegun(firing)]
    out = [firing for firing in unbegun if firing.moment in fresh] if is_busy else unbegun[:-1]
    why = "another one was still under way" if is_busy else "a later one was due as well"
    return {f.moment: replace(f, state="skipped", reason=f"{why} (overlap = skip)") for f in out}


def _cancel(firings: Sequence[Firing], _fresh: set[datetime], _is_busy: bool) -> Changed:
    """Leave only the last one; what is under way is given up by whoever does it, who looks for later ones."""
    opened = [firing for firing in firings if firing.is_open and not firing.by_hand]
    return {f.moment: given_up(f) for f in opened[:-1] if f.state != "running"}


def _queue(_firings: Sequence[Firing], _fresh: set[datetime], _is_busy: bool) -> Changed:
    return {}


_LEFT_OUT = {"skip": _skip, "queue": _queue, "cancel": _cancel}


def given_up(firing: Firing) -> Firing:
    """Return the firing as it is when a later one takes its place."""
    if firing.n_tries:
        return replace(firing, state="incomplete", is_final=True, reason=SUPERSEDED)
    return replace(firing, state="skipped", reason=SUPERSEDED)


SUPERSEDED = "a later one took its place (overlap = cancel)"


def _is_unbegun(firing: Firing) -> bool:
    """Whether it only waits; one that is asked for by hand is not left out."""
    return firing.state == "waiting" and firing.n_tries == 0 and not firing.by_hand


def has_later(firings: Sequence[Firing], mine: Firing) -> bool:
    """Return whether another one waits that was due after this one: under ``cancel`` it takes its place."""
    return any(f.is_open and f.moment > mine.moment for f in firings)
