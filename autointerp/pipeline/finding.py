"""Runs that stand under a home, found by name, with the configuration they were made with; dictionaries, likewise."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autointerp.core.errors import ConfigError
from autointerp.pipeline.config import Config, parse_config
from autointerp.store.manifest import read_manifest
from autointerp.store.places import place

if TYPE_CHECKING:
    from autointerp.subject.dictionaries import Dictionary


def list_runs(home: Path) -> list[Path]:
    """Return the folders of all runs, the newest first."""
    found = [p.parent for p in (home / "runs").glob("*/manifest.json")]
    return sorted(found, key=lambda p: (p / "manifest.json").stat().st_mtime, reverse=True)


def find_run(home: Path, name: str) -> Path:
    """Return the run of a folder, a name or name-key; the newest if *name* is empty. Raises ConfigError."""
    if name and (place(name) / "manifest.json").exists():
        return place(name)
    runs = list_runs(home)
    matching = [p for p in runs if not name or p.name == name or p.name.rpartition("-")[0] == name]
    if not matching:
        known = ", ".join(p.name for p in runs[:5]) or "none yet; make one with `autointerp demo`"
        msg = f"no run {name!r} under {home}; runs: {known}"
        raise ConfigError(msg)
    return matching[0]


def config_of(folder: Path) -> Config:
    """Return the configuration a run was made with."""
    return parse_config(read_manifest(folder)["config"], source=str(folder / "manifest.json"))


def dictionaries_named(
    dictionaries: "Sequence[Dictionary]", name: str, *, with_directions: bool = False
) -> "list[Dictionary]":
    """Return the dictionary of a name, or all of them where *name* is empty. Raises ConfigError where there is none."""
    known = [d for d in dictionaries if d.has_decoder or not with_directions]
    found = [d for d in known if name in ("", d.name)]
    if not found:
        kind = " with directions" if with_directions else ""
        which = f"dictionary {name!r}" if name else "dictionary"
        there = ", ".join(d.name for d in known) or "none"
        msg = f"no {which}{kind} in this run; there are {there}"
        raise ConfigError(msg)
    return found
