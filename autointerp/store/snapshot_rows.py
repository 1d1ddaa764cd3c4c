"""One run's parts as rows of a snapshot: the explorer's with all scores as columns, and what is behind a feature."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from autointerp.store.manifest import read_manifest
from autointerp.store.parts import part_paths
from autointerp.store.places import is_here, on_filesystem
from autointerp.store.schemas import TABLES
from autointerp.store.snapshot import quoted
from autointerp.store.snapshot_sql import (
    ASKED,
    COUNTS,
    FEATURES,
    FOLDED,
    JUDGES,
    LABEL_COLUMNS,
    LINES,
    MEASURED,
    OF_HEADLINES,
    OWN,
    PARTS,
    PIVOT,
    PLAIN_TABLES,
    ROWS,
    SPENT,
    TOLD,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COPIED = ("dictionaries", "explanations", "scores", "failures", "certificates", "matches", "neighbourhoods")
"""Tables that stand in the snapshot as they are, with the run's name before each row."""

INDEXED = ("evidence", "predictions", "transcripts")
"""Tables too large to be copied: the snapshot knows which part holds which features."""


@dataclass(frozen=True, slots=True)
class MeasureColumn:
    """Where a measure stands in the table ``labels``; ``name`` is ``scorer[.variant].metric``, ``short`` may be ""."""

    column: str
    scorer: str
    variant: str
    metric: str
    name: str
    short: str
    is_headline: bool


@dataclass(frozen=True, slots=True)
class RunRows:
    """A run to be put into a snapshot.

    ``tags``: explanation and its tags (a list); ``tests``: a row a test against other labels
    (analysis/swapping.py); ``lines``: its means over features, None where ``add_lines`` is to make them.
    ``content``: the key of its parts.
    """

    folder: Path
    content: str
    tags: pa.Table
    tests: pd.DataFrame
    lines: pd.DataFrame | None
    explainers: tuple[str, ...] = ()


def measures_of(runs: Sequence[Path], headlines: Mapping[str, tuple[str, str]]) -> tuple[MeasureColumn, ...]:
    """Return the measures that any label of the runs was asked about, headlines first.

    *headlines*: by scorer the variant a verdict speaks of and the metric the scorer is read by.
    """
    import duckdb

    found: set[tuple[str, str, str]] = set()
    for run in runs:
        if paths := part_paths(run, "scores"):
            with duckdb.connect() as connection:
                source = _scan(connection, paths)
                rows = connection.execute(
                    f"SELECT DISTINCT scorer, variant, metric FROM {source} WHERE control = 'none'"
                ).fetchall()
            found |= {(str(scorer), str(variant), str(metric)) for scorer, variant, metric in rows}
    measures = [_measure(*names, headlines) for names in sorted(found)]
    ordered = sorted(measures, key=lambda m: (not m.short, not m.is_headline))
    return tuple(
        MeasureColumn(f"m{i}", m.scorer, m.variant, m.metric, m.name, m.short, m.is_headline)
        for i, m in enumerate(ordered)
    )


def _measure(scorer: str, variant: str, metric: str, headlines: Mapping[str, tuple[str, str]]) -> MeasureColumn:
    main = headlines.get(scorer, ("", metric))
    short = scorer if (main[0] or variant, main[1]) == (variant, metric) else ""
    name = ".".join(filter(None, [scorer, variant, metric]))
    return MeasureColumn("", scorer, variant, metric, name, short, main[1] == metric)


# ---- the tables


def create_tables(connection: "DuckDBPyConnection", measures: Sequence[MeasureColumn]) -> None:
    """Create the empty tables of a snapshot."""
    for table in COPIED:
        connection.register("empty", TABLES[table].empty_table())
        connection.execute(f"CREATE TABLE {table} AS SELECT ''::VARCHAR AS run, * FROM empty")
    columns = ", ".join(f"{name} {kind}" for name, kind in (*LABEL_COLUMNS, *_measure_columns(measures)))
    connection.execute(f"CREATE TABLE labels ({columns})")
    for table, names in PLAIN_TABLES.items():
        connection.execute(f"CREATE TABLE {table} ({names})")
    rows = [(m.column, m.scorer, m.variant, m.metric, m.name, m.short, m.is_headline) for m in measures]
    if rows:
        connection.executemany("INSERT INTO measures VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def _measure_columns(measures: Sequence[MeasureColumn]) -> list[tuple[str, str]]:
    found = []
    for m in measures:
        found.append((m.column, "DOUBLE"))
        found += [(f"{m.column}_{name}", kind) for name, kind in OF_HEADLINES if m.is_headline]
    return found


# ---- one run


def add_run(connection: "DuckDBPyConnection", run: RunRows, measures: Sequence[MeasureColumn]) -> None:
    """Add a run's rows. Raises duckdb.Error for a damaged part."""
    name = run.folder.name
    _index_parts(connection, run.folder)
    for table in (*COPIED, "features", "calls"):
        _view(connection, run.folder, table)
    connection.register("tags_in", run.tags)
    for table, frame in (("tests", run.tests), ("lines", run.lines)):
        if frame is not None:
            connection.register("frame", frame)
            connection.execute(f"INSERT INTO {table} BY NAME SELECT ? AS run, * FROM frame", [name])
    for table in COPIED:
        connection.execute(f"INSERT INTO {table} BY NAME SELECT ? AS run, * FROM {table}_in", [name])
    manifest = read_manifest(run.folder)
    judge = str(manifest.get("judge") or "")
    _add_labels(connection, name, run.explainers, measures, judge=judge)
    _add_features(connection, name)
    connection.execute(SPENT, [name])
    _add_facts(connection, run, manifest)


def _view(connection: "DuckDBPyConnection", run_dir: Path, table: str) -> None:
    """Make ``<table>_in``: all rows of a run's table with every column the schema has."""
    connection.register(f"{table}_none", TABLES[table].empty_table())
    source = f"SELECT * FROM {table}_none"
    if paths := _in_order(connection, run_dir, table):
        source += f" UNION ALL BY NAME SELECT * FROM {_scan(connection, paths, name=f'{table}_data')}"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {table}_in AS {source}")


def _scan(connection: "DuckDBPyConnection", paths: Sequence[Path], *, name: str = "data") -> str:
    """Return what stands behind FROM to read these files."""
    if is_here(paths[0]):
        return f"read_parquet({quoted(paths)}, union_by_name = true)"
    import pyarrow.dataset as ds

    filesystem, _ = on_filesystem(paths[0])
    connection.register(name, ds.dataset([on_filesystem(path)[1] for path in paths], filesystem=filesystem))
    return name


def _in_order(connection: "DuckDBPyConnection", run_dir: Path, table: str) -> list[Path]:
    """Return the parts in the order of their features: a look-up of one then reads one group of rows."""
    paths = part_paths(run_dir, table)
    rows = connection.execute(
        "SELECT path FROM parts WHERE run = ? AND tab = ? ORDER BY dictionary, first", [run_dir.name, table]
    ).fetchall()
    place = {path: number for number, (path,) in enumerate(rows)}
    return sorted(paths, key=lambda path: place.get(str(path), -1))


def _index_parts(connection: "DuckDBPyConnection", run_dir: Path) -> None:
    """Note which features each part of the large tables holds, from the statistics in its footer."""
    for table in ("explanations", "scores", *INDEXED):
        if paths := [path for path in part_paths(run_dir, table) if is_here(path)]:
            looks = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
            connection.register("looks", pd.DataFrame(looks, columns=["path", "size", "mtime"]))
            connection.execute(PARTS.format(files=quoted(paths)), [run_dir.name, table])
            if table == "transcripts":
                connection.execute(TOLD.format(files=quoted(paths)), [run_dir.name])


def _add_labels(
    connection: "DuckDBPyConnection",
    name: str,
    explainers: Sequence[str],
    measures: Sequence[MeasureColumn],
    *,
    judge: str,
) -> None:
    connection.execute(OWN)
    connection.register("configured", pd.DataFrame({"explainer": list(explainers)}, dtype=object))
    connection.register(
        "columns_of",
        pd.DataFrame(
            [(m.column, m.scorer, m.variant, m.metric) for m in measures],
            columns=["col", "scorer", "variant", "metric"],
            dtype=object,
        ),
    )
    connection.execute(MEASURED)
    connection.execute(JUDGES, [judge])
    connection.execute(PIVOT.format(values=",\n    ".join(["1 AS one", *_pivoted(measures)])))
    connection.execute(ASKED, [judge, judge])
    connection.execute(ROWS.format(folded=FOLDED.format("label")), [name])
    for table in ("own", "measured", "judges", "by_label", "asked"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")


def _pivoted(measures: Sequence[MeasureColumn]) -> list[str]:
    found = []
    for m in measures:
        of_measure = f"FILTER (col = '{m.column}')"
        found.append(f"max(value) {of_measure} AS {m.column}")
        if m.is_headline:
            found += [
                f"max({name}) {of_measure} AS {m.column}_{short}"
                for name, short in (("low", "low"), ("high", "high"), ("n_read", "read"), ("n_asked", "asked"))
            ]
    return found


def _add_features(connection: "DuckDBPyConnection", name: str) -> None:
    connection.execute(FEATURES, [name, name])
    connection.execute(
        "INSERT INTO coverage SELECT run, dictionary, status, count(*) FROM features WHERE run = ? GROUP BY ALL", [name]
    )


def _add_facts(connection: "DuckDBPyConnection", run: RunRows, manifest: Mapping[str, Any]) -> None:
    name = run.folder.name
    row = connection.execute(COUNTS, [name, name, name, name]).fetchone()
    words = [str(manifest.get(part) or "") for part in ("judge", "explainer", "subject")]
    connection.execute(
        "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            *(name, str(manifest.get("name", name)), str(manifest.get("created", "")), run.content, str(run.folder)),
            *(*words, json.dumps(manifest, ensure_ascii=False), *(row or ())),
        ],
    )


# ---- means of many labels


def add_lines(connection: "DuckDBPyConnection", name: str, standings: Sequence[tuple[str, ...]]) -> None:
    """Add a run's means over features with normal intervals: of so many that the bootstrap says the same.

    *standings*: (scorer, variant, metric, judge, standing).
    """
    names = ["scorer", "variant", "metric", "judge", "standing"]
    connection.register("standings", pd.DataFrame(list(standings), columns=names, dtype=object))
    connection.execute(LINES, [name])
