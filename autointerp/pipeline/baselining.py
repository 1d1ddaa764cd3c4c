"""Baselines: a name that stands for a finished run as it was, a small file each under the home."""

import hashlib
import json
import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autointerp.core.errors import ConfigError, StoreError
from autointerp.pipeline.sections import nearest
from autointerp.pipeline.status import status_of_run
from autointerp.store.files import write_whole
from autointerp.store.parts import part_paths

FOLDER = "baselines"
LOCKED = ("explanations", "predictions", "scores", "anchors")
"""The tables that make a run what it is compared by."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Baseline:
    """A run under a name of its own. ``content``: hash of its tables when it was locked."""

    name: str
    run: str
    content: str
    set_at: str

    def line(self) -> str:
        return f"{self.name}  {self.run}  locked {self.set_at}  {self.content[:12]}"


def set_baseline(home: Path, name: str, run: Path, *, replace: bool = False) -> Baseline:
    """Lock a finished run under a name.

    Raises:
        ConfigError: The name is taken by another run and *replace* is not set, is no name, or the run is elsewhere or
            not finished.
    """
    if not NAME.fullmatch(name):
        msg = f"baseline {name!r}: letters, digits, '.', '_' and '-' alone make a name"
        raise ConfigError(msg)
    if run.absolute().parent != (home / "runs").absolute():
        msg = f"{run}: a baseline is a run of this home; there are those of {home / 'runs'}"
        raise ConfigError(msg)
    if not status_of_run(run).is_complete:
        msg = f"{run.name}: not finished, and so no baseline; finish it with the command that began it"
        raise ConfigError(msg)
    found = Baseline(name, run.name, content_of(run), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    before = _read(_path(home, name)) if _path(home, name).exists() else None
    if before is not None and (before.run, before.content) == (found.run, found.content):
        return before
    if before is not None and not replace:
        msg = f"baseline {name!r} is locked to {before.run} since {before.set_at}; --replace gives it another run"
        raise ConfigError(msg)
    content = json.dumps(asdict(found), indent=1).encode()
    write_whole(_path(home, name), lambda file: file.write(content))
    return found


def unset_baseline(home: Path, name: str) -> Baseline:
    """Forget a baseline; its run stays. Raises ConfigError for an unknown name."""
    found = find_baseline(home, name)
    _path(home, name).unlink()
    return found


def list_baselines(home: Path) -> list[Baseline]:
    """Return all baselines by name."""
    return [_read(path) for path in sorted((home / FOLDER).glob("*.json"))]


def find_baseline(home: Path, name: str) -> Baseline:
    """Return the baseline of this name. Raises ConfigError with the nearest known one."""
    if NAME.fullmatch(name) and _path(home, name).exists():
        return _read(_path(home, name))
    known = tuple(baseline.name for baseline in list_baselines(home))
    hint = nearest(name, known) if known else "set one with `autointerp runs baseline set NAME RUN`"
    msg = f"no baseline {name!r} under {home}; {hint}"
    raise ConfigError(msg)


def run_of_baseline(home: Path, baseline: Baseline) -> Path:
    """Return the folder of the baseline's run, which must be as it was when it was locked.

    Raises:
        ConfigError: It is gone, or was graded anew or taken further since.
    """
    run = home / "runs" / baseline.run
    if not (run / "manifest.json").exists():
        msg = f"baseline {baseline.name!r}: its run {run} is gone; restore it, or lock another with --replace"
        raise ConfigError(msg)
    if content_of(run) != baseline.content:
        msg = (
            f"baseline {baseline.name!r}: {run.name} was changed since {baseline.set_at}; look at it, then lock it as "
            f"it is now: autointerp runs baseline set {baseline.name} {run.name} --replace"
        )
        raise ConfigError(msg)
    return run


def content_of(run: Path) -> str:
    """Return a hash of the run's tables that it is compared by: names and bytes of their parts."""
    hashed = hashlib.blake2b(digest_size=16)
    for table in LOCKED:
        for path in part_paths(run, table):
            hashed.update(f"{table}/{path.name}\n".encode())
            hashed.update(hashlib.blake2b(path.read_bytes(), digest_size=16).digest())
    return hashed.hexdigest()


def _path(home: Path, name: str) -> Path:
    return home / FOLDER / f"{name}.json"


def _read(path: Path) -> Baseline:
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        return Baseline(**{name: str(content[name]) for name in Baseline.__slots__})
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{path}: damaged ({error}); remove it and set the baseline again"
        raise StoreError(msg) from error
