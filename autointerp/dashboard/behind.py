"""What stands behind one feature: its rows of the snapshot, and its windows and predictions from the run's parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from autointerp.analysis.diagnosis import Tag
from autointerp.analysis.swapping import SwapTest
from autointerp.core.types import FeatureId
from autointerp.dashboard.building import TEST_FIELDS
from autointerp.dashboard.shelf import Reader, Row
from autointerp.dashboard.views import NotThereError
from autointerp.report.feature import Examined
from autointerp.report.tables import RunTables, empty_table
from autointerp.store.parts import read_file
from autointerp.store.schemas import TABLES

CHANGED = (
    "The run was written anew since this snapshot was made: windows and answers are left out until the next one, "
    "so that nothing of two states stands side by side. Look again in a moment."
)


@dataclass(frozen=True, slots=True)
class Behind:
    """A feature of a run: ``row`` of ``features``, the rest as the report reads a run; ``note``: what is missing."""

    feature: FeatureId
    run: str
    row: Row
    tables: RunTables
    examined: Examined
    note: str


def find_feature(reader: Reader, feature: FeatureId, run: str) -> tuple[str, Row]:
    """Return the run, where none is named the newest that has the feature, and its row. Raises NotThereError."""
    also, values = ("AND f.run = ?", [feature.dictionary, feature.index, run]) if run else (
        "", [feature.dictionary, feature.index])  # fmt: skip
    row = reader.one(
        f"SELECT f.* FROM features f JOIN runs r USING (run) WHERE f.dictionary = ? AND f.feature = ? {also} "
        "ORDER BY r.created DESC, f.run LIMIT 1",
        values,
    )
    if row is None:
        where = f"run {run}" if run else "no run"
        msg = f"{where} has {'no' if run else 'a'} feature {feature}"
        raise NotThereError(msg)
    return str(row["run"]), row


def behind_feature(reader: Reader, feature: FeatureId, *, run: str = "", scorers: Sequence[str] = ()) -> Behind:
    """Return what is known of a feature, in one run; of predictions those by *scorers*, by all where none is named.

    Raises NotThereError.
    """
    name, row = find_feature(reader, feature, run)
    values = [name, feature.dictionary, feature.index]
    of_feature = "run = ? AND dictionary = ? AND feature = ?"
    tables: dict[str, pd.DataFrame] = {
        "features": pd.DataFrame([row]),
        "scores": reader.frame(f"SELECT {_columns('scores')} FROM scores WHERE {of_feature}", values),
        "explanations": reader.frame(f"SELECT {_columns('explanations')} FROM explanations WHERE {of_feature}", values),
        "certificates": reader.snapshot.once(("certificates", name), lambda: _certificates(reader, name)),
        "matches": _matches(reader, values),
    }
    large, note = read_large(reader, name, feature, scorers=scorers)
    return Behind(feature, name, row, RunTables({**tables, **large}), _examined(reader, values), note)


def _certificates(reader: Reader, run: str) -> pd.DataFrame:
    found: pd.DataFrame = reader.frame(f"SELECT {_columns('certificates')} FROM certificates WHERE run = ?", [run])
    return found


def _matches(reader: Reader, values: Sequence[object]) -> pd.DataFrame:
    """Return the rows that speak of a feature; most runs have none at all, which is looked up once."""
    run = str(values[0])
    any_of_run = "SELECT 1 AS is_there FROM matches WHERE run = ? LIMIT 1"
    if not reader.snapshot.once(("matches", run), lambda: bool(reader.rows(any_of_run, [run]))):
        return empty_table("matches")
    found: pd.DataFrame = reader.frame(MATCHES.format(columns=_columns("matches")), [*values, *values[1:]])
    return found


MATCHES = """
SELECT {columns} FROM matches
WHERE run = ? AND ((narrow = ? AND parent = ?) OR (wide = ? AND child = ?))
"""


def _columns(table: str) -> str:
    return ", ".join(f'"{name}"' for name in TABLES[table].names)


def _examined(reader: Reader, values: Sequence[object]) -> Examined:
    of_feature = "run = ? AND dictionary = ? AND feature = ?"
    tests = reader.rows(f"SELECT * FROM tests WHERE {of_feature}", values)
    tagged = reader.rows(f"SELECT explanation, tags FROM labels WHERE {of_feature}", values)
    feature = FeatureId(str(values[1]), int(str(values[2])))
    found = tuple(SwapTest(feature=feature, **{name: row[name] for name in TEST_FIELDS}) for row in tests)
    return Examined({str(row["explanation"]): tuple(map(Tag, row["tags"] or ())) for row in tagged}, found)


def read_large(
    reader: Reader,
    run: str,
    feature: FeatureId,
    *,
    scorers: Sequence[str] = (),
    tables: Sequence[str] = ("evidence", "predictions"),
    also: Sequence[Any] = (),
) -> tuple[dict[str, pd.DataFrame], str]:
    """Return a feature's rows of tables that no snapshot holds, windows and predictions where none are named.

    Of predictions those by *scorers* where some are named; *also*: conditions on all. Empty with a note where a
    part is not what it was when the snapshot was made.
    """
    found: dict[str, pd.DataFrame] = {}
    places = reader.rows(PARTS, [run, list(tables), feature.dictionary, feature.index, feature.index])
    if any(_is_changed(part) for part in places):
        return {name: empty_table(name) for name in tables}, CHANGED
    for table in tables:
        parts = [part for part in places if part["tab"] == table]
        wanted: Any = [("dictionary", "==", feature.dictionary), ("feature", "==", feature.index), *also]
        if scorers and table == "predictions":
            wanted = [*wanted, ("scorer", "in", list(scorers))]
        frames = [read_file(Path(part["path"]), table, filters=wanted) for part in parts]
        found[table] = pd.concat(frames, ignore_index=True) if frames else empty_table(table)
    return found, ""


PARTS = """
SELECT tab, path, size, mtime FROM parts
WHERE run = ? AND tab IN (SELECT unnest(?)) AND (dictionary = ? OR dictionary IS NULL) AND first <= ? AND last >= ?
"""


def _is_changed(part: Row) -> bool:
    try:
        found = Path(part["path"]).stat()
    except OSError:
        return True
    return (found.st_size, found.st_mtime_ns) != (part["size"], part["mtime"])
