"""What became of everything that was due: a small file each under ``home/flows/``, whoever schedules it."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from autointerp.core.errors import StoreError
from autointerp.pipeline.schedules import Deployment, next_due
from autointerp.store.files import write_whole
from autointerp.store.manifest import LOCK, let_go, take_lock
from autointerp.store.places import cache_of, is_here

State = Literal["waiting", "running", "done", "incomplete", "failed", "missed", "skipped"]
OPEN = ("waiting", "running", "incomplete")
"""States that may change: what is in them is begun, or gone on with, while the catch-up window lasts."""


@dataclass(frozen=True, slots=True)
class Firing:
    """One moment at which something was due, and what became of it; all times are ISO 8601 in UTC, "" for none.

    ``reason``: why it is in its state. ``is_final``: nobody goes on with it, although it is incomplete. ``run``:
    the name of its run's folder. ``resume``: the command that goes on with it. ``inputs``: hash of what decided
    its result, judge included. ``gate``: the verdict against its baseline, pass, fail or inconclusive. ``usd``,
    ``tokens``: what its run has spent, over all tries; None is unknown.
    """

    deployment: str
    flow: str
    due: str
    state: State = "waiting"
    reason: str = ""
    is_final: bool = False
    by_hand: bool = False
    started: str = ""
    ended: str = ""
    n_tries: int = 0
    run: str = ""
    resume: str = ""
    inputs: str = ""
    judge: str = ""
    text: str = ""
    gate: str = ""
    usd: float | None = None
    tokens: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody is to begin it or go on with it."""
        return self.state in OPEN and not self.is_final

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.due)

    def line(self) -> str:
        """Return one line for a terminal."""
        why = f"  {self.reason}" if self.reason else ""
        return f"{self.due}  {self.deployment}  {self.state}{why}" + (f"  {self.text}" if self.text else "")


COLUMNS = [field.name for field in fields(Firing)]


def stamp(moment: datetime) -> str:
    """Return a moment as it stands in names of files and runs, in the order of time.

    >>> stamp(datetime(2026, 11, 21, 2, 0, tzinfo=UTC))
    '20261121T020000'
    """
    whole = moment.astimezone(UTC).strftime("%Y%m%dT%H%M%S")
    return f"{whole}.{moment.microsecond // 1000:03d}" if moment.microsecond >= 1000 else whole


def written(moment: datetime) -> str:
    """Return a moment as records write it."""
    return moment.astimezone(UTC).isoformat(timespec="auto").replace("+00:00", "Z")


def now() -> datetime:
    return datetime.now(UTC)


# ---- on disk


def folder_of(home: Path, deployment: str) -> Path:
    return home / "flows" / deployment


def read_firings(home: Path, deployment: str, *, after: datetime | None = None) -> list[Firing]:
    """Return the firings of a deployment, all or those due after a moment, in the order in which they were due.

    Raises:
        StoreError: A file is damaged.
    """
    found = (folder_of(home, deployment) / "firings").glob("*.json")
    names = sorted((path.name, path) for path in found if not path.name.startswith("."))
    first = stamp(after) if after else ""
    firings = [_read(path) for name, path in names if name.removesuffix(".json") >= first]
    return [firing for firing in firings if after is None or firing.moment > after]


def _read(path: Path) -> Firing:
    try:
        stored = json.loads(path.read_text("utf-8"))
        return Firing(**{name: value for name, value in stored.items() if name in COLUMNS})
    except (ValueError, TypeError, AttributeError) as error:
        msg = f"{path}: damaged ({error}); remove it: what was due then is looked at again"
        raise StoreError(msg) from error


def keep_firing(home: Path, firing: Firing) -> Firing:
    """Write a firing whole in the place of what was known of it, and return it."""
    path = folder_of(home, firing.deployment) / "firings" / f"{stamp(firing.moment)}.json"
    content = json.dumps(asdict(firing), ensure_ascii=False, indent=1).encode()
    write_whole(path, lambda file: file.write(content))
    return firing


def change(home: Path, firing: Firing, **changes: Any) -> Firing:
    """Write a firing with some of its fields changed, and return it."""
    return keep_firing(home, replace(firing, **changes))


@contextmanager
def records_of(home: Path, deployment: str) -> Iterator[None]:
    """Be alone, for a moment, in reading and writing a deployment's firings on this machine."""
    folder = (home if is_here(home) else cache_of(home)) / "flows" / deployment
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".records", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def doing(home: Path, deployment: str) -> Iterator[bool]:
    """Yield whether this process alone may now do what is due of a deployment; the lock dies with the process."""
    folder = folder_of(home, deployment)
    try:
        lock = take_lock(folder)
    except StoreError:
        if not (folder / LOCK).exists():
            raise
        yield False
        return
    try:
        yield True
    finally:
        let_go(folder, lock)


# ---- what is registered


@dataclass(frozen=True, slots=True)
class Registered:
    """A deployment that is served, and since when its moments count."""

    deployment: Deployment
    since: datetime


def register(home: Path, deployment: Deployment, *, at: datetime) -> Registered:
    """Note that a deployment is served; with another rule than before, moments count from now on."""
    known = registered(home).get(deployment.name)
    is_same = known is not None and known.deployment.rule == deployment.rule
    found = Registered(deployment, known.since if known and is_same else at)
    content = {"since": written(found.since), "deployment": deployment.model_dump(mode="json")}
    path = folder_of(home, deployment.name) / "deployment.json"
    write_whole(path, lambda file: file.write(json.dumps(content, indent=1).encode()))
    return found


def registered(home: Path) -> dict[str, Registered]:
    """Return every deployment that is or was served under a home, by name."""
    found = {}
    for path in sorted((home / "flows").glob("*/deployment.json")):
        try:
            stored = json.loads(path.read_text("utf-8"))
            deployment = Deployment.model_validate(stored["deployment"])
            found[deployment.name] = Registered(deployment, datetime.fromisoformat(stored["since"]))
        except (ValueError, TypeError, KeyError) as error:
            msg = f"{path}: damaged ({error}); remove it and start `autointerp flow serve` again"
            raise StoreError(msg) from error
    return found


# ---- for those who look


def all_firings(home: Path, deployment: str = "") -> list[Firing]:
    """Return the firings of one deployment or all, the latest first."""
    names = [path.parent.name for path in (home / "flows").glob("*/firings")]
    chosen = [name for name in sorted(names) if deployment in {"", name}]
    found = [firing for name in chosen for firing in read_firings(home, name)]
    return sorted(found, key=lambda firing: firing.moment, reverse=True)


def history(home: Path, deployment: str = "") -> pd.DataFrame:
    """Return one row a firing, of one deployment or all, the latest first; columns as ``Firing`` has them."""
    return pd.DataFrame([asdict(firing) for firing in all_firings(home, deployment)], columns=COLUMNS)


def listed(deployments: Sequence[Deployment], home: Path, *, at: datetime) -> list[dict[str, str]]:
    """Return of each deployment its flow, its rule, when it is due next and what became of the last one."""
    found = []
    for one in deployments:
        soon, firings = next_due(one, after=at), read_firings(home, one.name)
        last = f"{firings[-1].due} {firings[-1].state}" if firings else "never"
        following = written(soon) if soon else "by hand"
        found.append({"name": one.name, "flow": one.flow, "rule": one.rule, "next": following, "last": last})
    return found
