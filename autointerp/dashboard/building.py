"""The snapshot of a home: which runs are in it, and what analysis says of each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from autointerp.analysis.certificates import ScoreName, read_certificates, standing
from autointerp.analysis.coverage import with_outcomes
from autointerp.analysis.figures import main_control
from autointerp.analysis.names import names_together
from autointerp.analysis.summary import Line, summary_lines
from autointerp.analysis.swapping import SwapTest, swap_tests
from autointerp.analysis.tagging import VERDICTS, own_labels
from autointerp.analysis.values import HEADLINES, MAIN_VARIANTS
from autointerp.pipeline.finding import list_runs
from autointerp.report.diagnoses import tagged_labels, tags_by_label
from autointerp.report.tables import RunTables, values_of
from autointerp.store.manifest import read_manifest
from autointerp.store.parts import read_table
from autointerp.store.snapshot import current_snapshot, make_snapshot, run_content, snapshot_key
from autointerp.store.snapshot_rows import RunRows, add_lines, add_run, create_tables, measures_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_TAGGED, MOST_TESTED = 10_000, 2_000
"""Labels of a run up to which its tags are made with the snapshot, and up to which means have the report's bootstrap
intervals and labels are tested against other labels: that takes minutes, and every prediction, of a larger run."""

MAIN = {scorer: (MAIN_VARIANTS.get(scorer, ""), metric) for scorer, metric in HEADLINES.items()}


@dataclass(frozen=True, slots=True)
class Home:
    """The runs of a home at one moment; ``contents`` by the folder's name."""

    path: Path
    runs: tuple[Path, ...]
    contents: Mapping[str, str]

    @property
    def key(self) -> str:
        """The key of the snapshot of this moment."""
        return snapshot_key(self.contents, *sorted(MAIN.items()))


def look_at(home: Path) -> Home:
    """Return the runs that stand there now, the oldest first."""
    runs = tuple(reversed(list_runs(home)))
    return Home(home, runs, {run.name: run_content(run) for run in runs})


def is_stale(home: Path) -> bool:
    """Return whether the newest snapshot is of other runs or parts than stand there now."""
    current = current_snapshot(home)
    return current is None or current.stem != look_at(home).key


def build_snapshot(home: Path) -> Path:
    """Return the snapshot of the runs that stand there now, made if there is none.

    Raises:
        StoreError: A part is damaged, or the disk refused.
    """
    found = look_at(home)
    return make_snapshot(home, found.key, lambda connection: _fill(connection, found))


def _fill(connection: "DuckDBPyConnection", home: Home) -> None:
    measures = measures_of(home.runs, MAIN)
    create_tables(connection, measures)
    for folder in home.runs:
        run = examined(folder, home.contents[folder.name])
        add_run(connection, run, measures)
        if run.lines is None:
            add_lines(connection, folder.name, standings(folder))


def examined(folder: Path, content: str) -> RunRows:
    """Return what analysis says of a run; of one with too many labels nothing that takes more than a query."""
    manifest, wrote = read_manifest(folder), ["explainer"]
    n_labels = len(own_labels(read_table(folder, "explanations", columns=["explanation", *wrote], categories=wrote)))
    if n_labels > MOST_TAGGED:
        return RunRows(folder, content, _tags_frame([]), _tests_frame([]), None, RunTables({}, manifest).explainers)
    run = RunTables(_read(folder, is_small=n_labels <= MOST_TESTED), manifest)
    tests = swap_tests(run["predictions"], run["explanations"]) if n_labels <= MOST_TESTED else ()
    lines = _lines(run) if n_labels <= MOST_TESTED else None
    return RunRows(folder, content, _tags(run), _tests_frame(tests), lines, run.explainers)


def _read(folder: Path, *, is_small: bool) -> dict[str, pd.DataFrame]:
    """Return the tables that analysis reads; without an end to memory only the yes and no of predictions."""
    verdicts = None if is_small else [("scorer", "in", VERDICTS)]
    columns = ["dictionary", "feature", "side", "doc", "start", "stratum", "activations"]
    scores, features = read_table(folder, "scores"), read_table(folder, "features")
    return {
        "explanations": read_table(folder, "explanations"),
        "scores": scores,
        "features": with_outcomes(features, scores),
        "dictionaries": read_table(folder, "dictionaries"),
        "certificates": read_table(folder, "certificates"),
        "evidence": read_table(folder, "evidence", columns=columns, filters=[("side", "==", "held_out")]),
        "predictions": read_table(folder, "predictions", filters=verdicts),
    }


def _tags(run: RunTables) -> pa.Table:
    tagged = tagged_labels(run)
    return _tags_frame([(str(key), list(map(str, tags))) for key, tags in tags_by_label(tagged).items()])


def _tags_frame(rows: Sequence[tuple[str, list[str]]]) -> pa.Table:
    kind = pa.schema([("explanation", pa.string()), ("tags", pa.list_(pa.string()))])
    return pa.Table.from_pylist([{"explanation": key, "tags": tags} for key, tags in rows], schema=kind)


def _tests_frame(tests: Sequence[SwapTest]) -> pd.DataFrame:
    rows = [{"dictionary": t.feature.dictionary, "feature": t.feature.index} | _test_fields(t) for t in tests]
    return pd.DataFrame(rows, columns=["dictionary", "feature", *TEST_FIELDS])


TEST_FIELDS = [name.name for name in fields(SwapTest) if name.name != "feature"]


def _test_fields(test: SwapTest) -> dict[str, object]:
    return {name: getattr(test, name) for name in TEST_FIELDS}


# ---- means over features


def _lines(run: RunTables) -> pd.DataFrame:
    """Return the report's lines: a mean a dictionary and measure, beside the first control."""
    found = summary_lines(values_of(run), run["features"], run["dictionaries"])
    certificates = read_certificates(run["certificates"])
    return pd.DataFrame([_line(line, standing(line, certificates)) for line in found], columns=list(LINE), dtype=object)


LINE = (
    "dictionary", "width", "explainer", "scorer", "variant", "metric", "judge", "chance", "value", "low", "high",
    "n_scored", "n_asked", "control", "control_value", "excess", "excess_low", "excess_high", "standing",
)  # fmt: skip


def _line(line: Line, standing_: str) -> tuple[object, ...]:
    names = (line.dictionary, line.width, line.explainer, line.scorer, line.variant, line.metric, line.judge)
    mean, against = line.mean, main_control(line)
    beside = (
        (against.control, against.mean.value, against.excess.value, against.excess.low, against.excess.high)
        if against
        else (None, None, None, None, None)
    )
    return (*names, line.chance, mean.value, mean.low, mean.high, mean.n, line.n_asked, *beside, standing_)


def standings(folder: Path) -> tuple[tuple[str, str, str, str, str], ...]:
    """Return (scorer, variant, metric, judge, standing) of what a run's judges said, certified or not."""
    names = ["scorer", "variant", "metric", "judge"]
    found = names_together(read_table(folder, "scores", columns=names, categories=names), names)
    certificates = read_certificates(read_table(folder, "certificates"))
    scored = [ScoreName(*each) for each in found]
    return tuple((n.scorer, n.variant, n.metric, n.judge, standing(n, certificates)) for n in scored)
