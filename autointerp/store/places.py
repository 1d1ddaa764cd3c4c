"""Where files stand: a folder of this machine, or a URL of anything fsspec knows (``s3://``, ``gs://``, …)."""

import os
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from autointerp.core.draws import content_key
from autointerp.core.errors import EnvironmentProblem


def place(text: str | Path) -> Path:
    """Return the folder or file of a path or URL; a URL gives what can be used like a path.

    >>> place("data/runs"), place("file:///tmp/a%20b")
    (PosixPath('data/runs'), PosixPath('/tmp/a b'))

    Raises:
        EnvironmentProblem: A package that reads such URLs is missing.
    """
    url = str(text)
    if "://" not in url:
        return Path(text)
    if url.startswith("file://"):
        return Path(unquote(urlsplit(url).path))
    try:
        from upath import UPath

        # What another machine wrote a moment ago has to be seen, so no listing is kept.
        return cast(Path, UPath(url, use_listings_cache=False))
    except (ImportError, ValueError) as error:
        msg = f"{url} cannot be used ({error}); for s3:// pip install 'autointerp[s3]', for gs:// 'autointerp[gs]'"
        raise EnvironmentProblem(msg) from error


def is_here(path: Path) -> bool:
    """Return whether it stands on a file system of this machine, shared with others or not."""
    return isinstance(path, Path)


def on_filesystem(path: Path) -> tuple[Any, str | Path]:
    """Return (fsspec file system, path in it), the file system None for a path of this machine: as pyarrow takes it."""
    if is_here(path):
        return None, path
    remote = cast(Any, path)
    return remote.fs, remote.path


def cache_of(home: Path) -> Path:
    """Return where a home's replies, locks and notes of calls stand: SQLite and locks need this machine's file system.

    For a home that is a URL that is ``$AUTOINTERP_CACHE`` or ``~/.cache/autointerp``, a folder for each home.
    """
    if is_here(home):
        return home / "cache"
    root = os.environ.get("AUTOINTERP_CACHE") or Path.home() / ".cache" / "autointerp"
    return Path(root) / content_key(str(home))
