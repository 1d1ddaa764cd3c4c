"""The snapshot: one immutable DuckDB file for each state of the runs, named by it, made whole or not at all."""

import contextlib
import os
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autointerp.core.draws import content_key
from autointerp.core.errors import StoreError
from autointerp.store.files import write_whole
from autointerp.store.parts import part_paths
from autointerp.store.places import cache_of, is_here

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SUFFIX = ".duckdb"
CURRENT = "current"
VERSION = 3
"""Of the snapshot's own tables: another one makes every snapshot stale."""

READ = (
    "dictionaries", "features", "explanations", "scores", "predictions", "evidence", "failures", "calls",
    "certificates", "matches", "neighbourhoods", "transcripts",
)  # fmt: skip
"""The tables of a run that a snapshot is made from."""

KEPT_BESIDE = 1
"""Older snapshots left standing for whoever is about to open one."""

BUILD_MEMORY, READ_MEMORY = "2GB", "256MB"
MOST_LATE = 1_000


def folder_of(home: Path) -> Path:
    """Return where a home's snapshots stand: on this machine, also where the home is a URL."""
    return home / "snapshots" if is_here(home) else cache_of(home) / "snapshots"


def run_content(run_dir: Path) -> str:
    """Return a key of everything in the run that a snapshot is made from: names, sizes and times of its parts."""
    files = [run_dir / "manifest.json", *(path for table in READ for path in part_paths(run_dir, table))]
    return content_key(*(_looks(path) for path in files))


def _looks(path: Path) -> tuple[str, str, int, int]:
    found = path.stat()
    # Object stores know no nanoseconds.
    time = getattr(found, "st_mtime_ns", None) or int(found.st_mtime * 1e9)
    return path.parent.name, path.name, int(found.st_size), int(time)


def snapshot_key(contents: Mapping[str, str], *about: object) -> str:
    """Return the key of a snapshot of runs with these contents; *about*: what else decides its rows."""
    return content_key(VERSION, *sorted(contents.items()), *about)


def current_snapshot(home: Path) -> Path | None:
    """Return the newest snapshot of a home that is whole, or None before there is one."""
    folder = folder_of(home)
    try:
        path = folder / (folder / CURRENT).read_text("utf-8").strip()
    except OSError:
        return None
    return path if path.exists() else None


def make_snapshot(home: Path, key: str, fill: "Callable[[DuckDBPyConnection], None]") -> Path:
    """Return the snapshot of this key, filled under another name first; readers see it when it is whole.

    Raises:
        StoreError: The disk refused, or a part is damaged.
    """
    path = folder_of(home) / f"{key}{SUFFIX}"
    if not path.exists():
        _fill(path, fill)
    write_whole(path.with_name(CURRENT), lambda file: file.write(path.name.encode()))
    _sweep(path)
    return path


def _fill(path: Path, fill: "Callable[[DuckDBPyConnection], None]") -> None:
    import duckdb

    temporary = path.with_name(f".{path.stem}.{os.getpid()}.{uuid.uuid4().hex[:8]}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with duckdb.connect(str(temporary)) as connection:
            connection.execute(f"SET memory_limit = '{BUILD_MEMORY}'")
            connection.execute("SET enable_progress_bar = false")
            fill(connection)
            connection.execute("CHECKPOINT")
        temporary.replace(path)
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.OutOfMemoryException, OSError) as error:
        msg = f"{path}: cannot be made ({str(error).splitlines()[0]}); free space, or mend the part that it names"
        raise StoreError(msg) from error
    finally:
        for left in path.parent.glob(f"{temporary.name}*"):
            left.unlink(missing_ok=True)


def _sweep(newest: Path) -> None:
    """Remove older snapshots; who still reads one keeps it until he closes it."""
    others = [path for path in newest.parent.glob(f"*{SUFFIX}") if path != newest]
    by_age = sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)
    for path in by_age[KEPT_BESIDE:]:
        with contextlib.suppress(OSError):
            path.unlink()


def open_snapshot(path: Path, *, threads: int = 2) -> "DuckDBPyConnection":
    """Return a connection that can only read this file: no other file, no network, no extension.

    Raises:
        StoreError: The file is gone or damaged.
    """
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "memory_limit": READ_MEMORY,
        "threads": str(threads),
        # A page is the first rows in some order: only their other columns are read, not those of every row sorted.
        "late_materialization_max_rows": str(MOST_LATE),
        "lock_configuration": "true",
    }
    try:
        return duckdb.connect(str(path), read_only=True, config=settings)
    except duckdb.Error as error:
        msg = f"{path}: cannot be opened ({str(error).splitlines()[0]}); remove it: autointerp snapshot makes another"
        raise StoreError(msg) from error


def quoted(paths: Sequence[Path]) -> str:
    """Return the paths as a list in SQL; what DuckDB would take for a pattern stands for itself."""
    plain = (re.sub(r"[*?\[]", r"[\g<0>]", str(path)).replace("'", "''") for path in paths)
    return "[" + ", ".join(f"'{path}'" for path in plain) + "]"
