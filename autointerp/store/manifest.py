"""The folder of a run: whose it is (``manifest.json``) and who is writing to it (``.lock``)."""

import contextlib
import fcntl
import json
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from autointerp.core.errors import ConfigError, StoreError
from autointerp.store.files import TEMPORARY, put_bytes, write_whole
from autointerp.store.places import cache_of, is_here

MANIFEST = "manifest.json"
LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run this process alone may write to, until ``close`` or the end of the process."""

    run_dir: Path
    manifest: Mapping[str, Any]
    is_resumed: bool
    lock: int

    def close(self) -> None:
        """Let others write to the run; call it once."""
        let_go(self.run_dir, self.lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_run(run_dir: Path, config_key: str, manifest: Mapping[str, Any]) -> OpenRun:
    """Create the folder of a run, or go on with the one that is there; ``with open_run(...) as run``.

    The manifest of a new run is *manifest* with ``config_key`` added; a resumed run keeps the one it
    was begun with.

    Raises:
        ConfigError: Another configuration made the folder; the message names the settings that differ.
        StoreError: The folder is somebody else's, its manifest is damaged, another process is writing
            to the run, or the disk refused.
    """
    _refuse_foreign(run_dir)
    lock = take_lock(run_dir)
    try:
        is_resumed = (run_dir / MANIFEST).exists()
        wanted = {"config_key": config_key, **manifest}
        stored = read_manifest(run_dir) if is_resumed else write_manifest(run_dir, wanted)
        _refuse_other_settings(run_dir, stored, wanted)
    except BaseException:
        let_go(run_dir, lock)
        raise
    return OpenRun(run_dir, stored, is_resumed, lock)


def read_manifest(run_dir: Path) -> dict[str, Any]:
    """Return the manifest of the run in *run_dir*. Raises StoreError when there is none or it is damaged."""
    path = run_dir / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        msg = f"{run_dir}: not a run, it has no {MANIFEST}; name the folder of a run"
        raise StoreError(msg) from error
    except (OSError, ValueError) as error:
        msg = f"{path}: damaged ({error}); restore it from a copy, or remove {run_dir} and run the same command again"
        raise StoreError(msg) from error
    if not isinstance(manifest, dict):
        msg = f"{path}: damaged (not an object); restore it from a copy, or remove {run_dir}"
        raise StoreError(msg)
    return manifest


def write_manifest(run_dir: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Write the manifest whole and return it as it will be read back (tuples as lists, keys as text)."""
    content = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False).encode()

    def write(file: Any) -> None:
        file.write(content)

    write_whole(run_dir / MANIFEST, write)
    return read_manifest(run_dir)


def _refuse_foreign(run_dir: Path) -> None:
    if run_dir.exists() and not run_dir.is_dir():
        msg = f"{run_dir}: a file stands where the run's folder should be; choose another --name"
        raise StoreError(msg)
    if not run_dir.exists() or (run_dir / MANIFEST).exists():
        return
    foreign = sorted(path.name for path in run_dir.iterdir() if path.name != LOCK and path.suffix != TEMPORARY)
    if foreign:
        msg = f"{run_dir}: not a run (no {MANIFEST}) and not empty ({', '.join(foreign[:3])}); choose another --name"
        raise StoreError(msg)


def take_lock(run_dir: Path) -> int:
    """Return the descriptor of the locked ``.lock``; its content, a process id, only serves the message.

    Raises StoreError where another process has it.

    The kernel drops the lock of a process that dies, however it dies, so there is no stale lock to
    judge by its process id (in containers every run may have the same one). A run behind a URL is locked
    here, and by an object there that says which machine has it.
    """
    folder = run_dir if is_here(run_dir) else cache_of(run_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        msg = f"{run_dir}: cannot create the run's folder ({error.strerror}); free space or choose another --home"
        raise StoreError(msg) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(lock, 20, 0).decode(errors="replace").strip()
        os.close(lock)
        msg = f"{run_dir}: process {holder} is writing here; wait for it, or stop it, then run the same command again"
        raise StoreError(msg) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    if not is_here(run_dir):
        _claim(run_dir, lock)
    return lock


def _claim(run_dir: Path, lock: int) -> None:
    """Put the object that keeps other machines from writing; the first one to put it has the run.

    One that this machine put is left from a process that died: whoever lives holds the lock here.
    """
    path, me = run_dir / LOCK, platform.node().encode()
    try:
        put_bytes(path, me, mode="create")
    except FileExistsError as error:
        holder = path.read_bytes()
        if holder != me:
            os.close(lock)
            who = holder.decode(errors="replace")
            msg = f"{run_dir}: {who} is writing here; if it no longer is, remove {path}"
            raise StoreError(msg) from error
    except StoreError:
        os.close(lock)
        raise


def let_go(run_dir: Path, lock: int) -> None:
    """Give the lock back."""
    if not is_here(run_dir):
        with contextlib.suppress(OSError):
            (run_dir / LOCK).unlink()
    os.close(lock)


def _refuse_other_settings(run_dir: Path, stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    if stored.get("config_key") == wanted["config_key"]:
        return
    # Same settings but another key: the prompts or the text changed; when and with which command it began did too.
    parts = (_differing({name: stored.get(name)}, {name: wanted.get(name)}) for name in ("prompts", "corpus_contents"))
    # One ``key``: what differs among the settings decides nothing, and is not why.
    is_same = "key" in stored and stored["key"] == wanted.get("key")
    settings = [] if is_same else _differing(stored.get("config"), wanted.get("config"))
    differing = settings or [line for part in parts for line in part]
    differing = differing or _differing(stored, wanted)
    msg = f"{run_dir} was made with other settings: {'; '.join(differing)}. Choose another --name, or remove the folder"
    raise ConfigError(msg)


def _differing(there: object, now: object) -> list[str]:
    """Return one phrase a setting that differs: ``sampling.seed was 0, now 1``."""
    old, new = dict(_flat(there)), dict(_flat(json.loads(json.dumps(now))))
    names = sorted(old.keys() | new.keys())
    return [
        f"{name} was {old.get(name, 'not set')}, now {new.get(name, 'not set')}"
        for name in names
        if old.get(name, "not set") != new.get(name, "not set")
    ]


def _flat(value: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _flat(inner, f"{prefix}.{name}" if prefix else str(name))
    else:
        yield prefix, json.dumps(value, ensure_ascii=False)
