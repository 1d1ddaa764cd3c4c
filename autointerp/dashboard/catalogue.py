"""What a snapshot says of its runs as wholes: every feature's page needs it, and it is looked up once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from autointerp.analysis.certificates import Certificate, read_certificates
from autointerp.dashboard.shelf import Reader
from autointerp.store.schemas import TABLES


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The runs. ``created``: when each was made; ``newest``: by dictionary the newest run that has it."""

    created: Mapping[str, str]
    newest: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AboutRun:
    """One run. ``command``: what began it; ``is_…``, ``has_…``: whether a table has any row of it.

    Labels of a run with too many of them are neither tagged nor tested, most runs match no features, and some kept
    no prompts: what is not there need not be looked for at each feature.
    """

    command: str
    certificates: tuple[Certificate, ...]
    is_tagged: bool
    is_tested: bool
    is_matched: bool
    has_prompts: bool


def catalogue(reader: Reader) -> Catalogue:
    """Return the snapshot's catalogue."""
    return reader.snapshot.once("catalogue", lambda: _catalogue(reader))


def about_run(reader: Reader, run: str) -> AboutRun:
    """Return what is known of a run that is in the snapshot."""
    return reader.snapshot.once(("about", run), lambda: _about_run(reader, run))


HELD = """
SELECT r.run, r.created, list(DISTINCT c.dictionary) FILTER (c.dictionary IS NOT NULL) AS dictionaries
FROM runs r LEFT JOIN coverage c USING (run) GROUP BY r.run, r.created ORDER BY r.created DESC, r.run
"""


def _catalogue(reader: Reader) -> Catalogue:
    newest: dict[str, str] = {}
    rows = reader.rows(HELD)
    for row in rows:
        for dictionary in row["dictionaries"] or ():
            newest.setdefault(str(dictionary), str(row["run"]))
    return Catalogue({str(row["run"]): row["created"] for row in rows}, newest)


ABOUT_RUN = """
SELECT manifest,
    EXISTS (SELECT 1 FROM labels WHERE run = $1 AND len(tags) > 0) AS is_tagged,
    EXISTS (SELECT 1 FROM tests WHERE run = $1) AS is_tested,
    EXISTS (SELECT 1 FROM matches WHERE run = $1) AS is_matched,
    EXISTS (SELECT 1 FROM told WHERE run = $1) AS has_prompts
FROM runs WHERE run = $1
"""


def _about_run(reader: Reader, run: str) -> AboutRun:
    row = reader.one(ABOUT_RUN, [run])
    assert row is not None, "a run of the snapshot"
    manifest = json.loads(row["manifest"] or "{}")
    columns = ", ".join(f'"{name}"' for name in TABLES["certificates"].names)
    certificates = reader.frame(f"SELECT {columns} FROM certificates WHERE run = ?", [run])
    return AboutRun(
        command=str(manifest.get("command") or "autointerp run"),
        certificates=read_certificates(certificates),
        is_tagged=bool(row["is_tagged"]),
        is_tested=bool(row["is_tested"]),
        is_matched=bool(row["is_matched"]),
        has_prompts=bool(row["has_prompts"]),
    )
