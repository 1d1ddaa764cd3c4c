"""Files that are there whole or not at all; ``parts`` and ``manifest`` write through this."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO

from autointerp.core.errors import StoreError

TEMPORARY = ".tmp"


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> Path:
    """Return *path* after *write* has filled it: temporary name, fsync, rename, fsync of the folder.

    A power cut or a kill at any moment leaves the old file or the new one, and at most a leftover
    ending in ``.tmp``, which nothing reads.

    Raises:
        StoreError: The disk refused (full, read-only, no permission); the leftover is removed.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}{TEMPORARY}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _fill(temporary, write)
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise StoreError(_refusal(path, error)) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return path


def _fill(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    with path.open("xb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    # Without this a power cut may forget the rename although the file's bytes are on disk.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refusal(path: Path, error: OSError) -> str:
    return (
        f"{path}: cannot write ({error.strerror or error}), {_free_space(path)} free; "
        "free space, then run the same command again; nothing written so far is lost"
    )


def _free_space(path: Path) -> str:
    there = next((folder for folder in path.parents if folder.exists()), None)
    return f"{shutil.disk_usage(there).free / 2**20:.1f} MiB" if there else "unknown space"
