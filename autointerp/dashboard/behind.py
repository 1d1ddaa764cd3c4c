"""What stands behind one feature: its rows of the snapshot, and its windows and predictions from the run's parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from autointerp.analysis.diagnosis import Tag
from autointerp.analysis.swapping import SwapTest
from autointerp.core.types import FeatureId
from autointerp.dashboard.building import TEST_FIELDS
from autointerp.dashboard.catalogue import AboutRun, about_run, catalogue
from autointerp.dashboard.shelf import Reader, Row
from autointerp.dashboard.views import NotThereError
from autointerp.report.gathered import Examined, FeatureRows
from autointerp.report.relatives import relatives
from autointerp.store.picking import read_of_feature
from autointerp.store.schemas import TABLES

CHANGED = (
    "The run was written anew since this snapshot was made: windows and answers are left out until the next one, "
    "so that nothing of two states stands side by side. Look again in a moment."
)
OF_FEATURE = "run = ? AND dictionary = ? AND feature = ?"
WINDOW = ("side", "doc", "start", "tokens", "activations", "stratum")
"""What a page shows of a window."""

ALL: Mapping[str, Sequence[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Behind:
    """A feature of a run, its rows as the report has them, and what is known of the run; ``note``: what is missing."""

    feature: FeatureId
    run: str
    known: FeatureRows
    about: AboutRun
    note: str


def find_feature(reader: Reader, feature: FeatureId, run: str) -> tuple[str, Row]:
    """Return the run, where none is named the newest that has the feature, and its row. Raises NotThereError."""
    first = run or catalogue(reader).newest.get(feature.dictionary, "")
    values = [feature.dictionary, feature.index]
    row = reader.one(f"SELECT * FROM features WHERE {OF_FEATURE} LIMIT 1", [first, *values]) if first else None
    if row is None and not run:
        row = reader.one(NEWEST, values)
    if row is None:
        where = f"run {run}" if run else "no run"
        msg = f"{where} has {'no' if run else 'a'} feature {feature}"
        raise NotThereError(msg)
    return str(row["run"]), row


# Where the newest run of its dictionary lacks the feature; joining the runs takes twice as long as one of them.
NEWEST = """
SELECT f.* FROM features f JOIN runs r USING (run) WHERE f.dictionary = ? AND f.feature = ?
ORDER BY r.created DESC, f.run LIMIT 1
"""


def behind_feature(reader: Reader, feature: FeatureId, *, run: str = "", scorers: Sequence[str] = ()) -> Behind:
    """Return what is known of a feature, in one run; of predictions those by *scorers*, by all where none is named.

    Raises NotThereError.
    """
    name, row = find_feature(reader, feature, run)
    about = about_run(reader, name)
    among = {"predictions": {"scorer": scorers}} if scorers else {}
    large, note = read_large(reader, name, feature, columns={"evidence": WINDOW}, among=among)
    known = FeatureRows(
        feature,
        row,
        evidence=large["evidence"].to_pylist(),
        explanations=_rows(reader, "explanations", name, feature),
        scores=_rows(reader, "scores", name, feature),
        predictions=large["predictions"].to_pylist(),
        certificates=about.certificates,
        examined=_examined(reader, about, name, feature),
        relatives=_relatives(reader, name, feature) if about.is_matched else (),
    )
    return Behind(feature, name, known, about, note)


def _rows(reader: Reader, table: str, run: str, feature: FeatureId) -> list[Row]:
    values = [run, feature.dictionary, feature.index]
    return reader.rows(f"SELECT {_columns(table)} FROM {table} WHERE {OF_FEATURE}", values)


def _columns(table: str) -> str:
    return ", ".join(f'"{name}"' for name in TABLES[table].names)


def _relatives(reader: Reader, run: str, feature: FeatureId) -> tuple[str, ...]:
    """Return a line a relative, with its label."""
    of_feature = [feature.dictionary, feature.index]
    matches = reader.frame(MATCHES.format(columns=_columns("matches")), [run, *of_feature, *of_feature])
    if matches.empty:
        return ()
    ends = matches[["parent", "child"]].stack().dropna().unique()
    texts = reader.frame(TEXTS, [run, sorted({*matches["narrow"], *matches["wide"]}), sorted(map(int, ends))])
    return relatives(matches, texts, feature)


MATCHES = """
SELECT {columns} FROM matches
WHERE run = ? AND ((narrow = ? AND parent = ?) OR (wide = ? AND child = ?))
"""
TEXTS = """
SELECT dictionary, feature, explanation, explainer, text FROM explanations
WHERE run = ? AND dictionary IN (SELECT unnest(?)) AND feature IN (SELECT unnest(?))
"""


def _examined(reader: Reader, about: AboutRun, run: str, feature: FeatureId) -> Examined:
    values = [run, feature.dictionary, feature.index]
    tests = reader.rows(f"SELECT * FROM tests WHERE {OF_FEATURE}", values) if about.is_tested else ()
    tagged = reader.rows(f"SELECT explanation, tags FROM labels WHERE {OF_FEATURE}", values) if about.is_tagged else ()
    found = tuple(SwapTest(feature=feature, **{name: row[name] for name in TEST_FIELDS}) for row in tests)
    return Examined({str(row["explanation"]): tuple(map(Tag, row["tags"] or ())) for row in tagged}, found)


def read_large(
    reader: Reader,
    run: str,
    feature: FeatureId,
    *,
    tables: Sequence[str] = ("evidence", "predictions"),
    columns: Mapping[str, Sequence[str]] = ALL,
    among: Mapping[str, Mapping[str, Sequence[str]]] = MappingProxyType({}),
) -> tuple[dict[str, pa.Table], str]:
    """Return a feature's rows of tables that no snapshot holds, windows and predictions where none are named.

    Empty with a note where a part is not what it was when the snapshot was made.

    Args:
        reader: Of the snapshot that knows the parts.
        run: Whose parts are read.
        feature: Whose rows are wanted.
        tables: Which of the large tables.
        columns: By table those that are wanted, in the order of the table; all where it has no entry.
        among: By table and column of text the values that are wanted.
    """
    empty = {name: _empty(name, columns.get(name)) for name in tables}
    marks = ", ".join("?" for _ in tables)
    places = reader.rows(PARTS.format(marks=marks), [run, feature.dictionary, feature.index, feature.index, *tables])
    if any(_is_changed(part) for part in places):
        return empty, CHANGED

    def read(part: Row) -> Any:
        table = str(part["tab"])
        return read_of_feature(
            Path(part["path"]), table, feature, columns=columns.get(table), among=among.get(table, {})
        )

    found = {name: [read(part) for part in places if part["tab"] == name] for name in tables}
    return {name: pa.concat_tables([empty[name], *parts]) for name, parts in found.items()}, ""


def _empty(table: str, columns: Sequence[str] | None) -> pa.Table:
    schema = TABLES[table]
    return schema.empty_table().select([name for name in schema.names if columns is None or name in columns])


PARTS = """
SELECT tab, path, size, mtime FROM parts
WHERE run = ? AND (dictionary = ? OR dictionary IS NULL) AND first <= ? AND last >= ? AND tab IN ({marks})
"""


def _is_changed(part: Row) -> bool:
    try:
        found = Path(part["path"]).stat()
    except OSError:
        return True
    return (found.st_size, found.st_mtime_ns) != (part["size"], part["mtime"])
