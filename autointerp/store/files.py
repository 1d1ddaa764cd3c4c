"""Files that are there whole or not at all; ``parts`` and ``manifest`` write through this."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import IO

from autointerp.core.errors import StoreError
from autointerp.store.places import is_here, on_filesystem

TEMPORARY = ".tmp"


def write_whole(path: Path, write: Callable[[IO[bytes]], object], *, is_lasting: bool = True) -> Path:
    """Return *path* after *write* has filled it: temporary name, fsync, rename, fsync of the folder.

    A power cut or a kill at any moment leaves the old file or the new one, and at most a leftover
    ending in ``.tmp``, which nothing reads. What is not to last, because it is soon read and removed, is not waited
    for until it is on the disk: a kill leaves it whole, a power cut may leave less, which its checksums tell.
    Behind a URL it is one put, which object stores carry out whole
    or not at all; renaming is a copy there.

    Raises:
        StoreError: The disk refused (full, read-only, no permission); the leftover is removed.
    """
    if not is_here(path):
        _put(path, write)
        return path
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}{TEMPORARY}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _fill(temporary, write, is_lasting=is_lasting)
        temporary.replace(path)
        if is_lasting:
            _sync_folder(path.parent)
    except OSError as error:
        raise StoreError(_refusal(path, error)) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return path


def _put(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    content = BytesIO()
    write(content)
    put_bytes(path, content.getvalue())


def put_bytes(path: Path, content: bytes, *, mode: str = "overwrite") -> None:
    """Put an object behind a URL; with the mode ``create`` only if there is none.

    Raises:
        FileExistsError: There is one, and it was to be created.
        StoreError: The store refused.
    """
    filesystem, place = on_filesystem(path)
    try:
        filesystem.pipe_file(place, content, mode=mode)
    except FileExistsError:
        raise
    except Exception as error:  # every store has errors of its own
        msg = f"{path}: cannot write ({error}); look at address, permission and credentials, then run the same again"
        raise StoreError(msg) from error


def _fill(path: Path, write: Callable[[IO[bytes]], object], *, is_lasting: bool) -> None:
    with path.open("xb") as file:
        write(file)
        file.flush()
        if is_lasting:
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
