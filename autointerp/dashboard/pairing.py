"""Scores of two runs paired by feature within the snapshot: what ``analysis.paired`` does, for millions of labels.

Both say the same of the same runs (tested): the same pairs, means and intervals.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autointerp.analysis.estimates import LARGE, NOTHING, Estimate, Z, estimate_mean
from autointerp.analysis.explainers import ALL
from autointerp.analysis.paired import aligned
from autointerp.analysis.values import MEASURE
from autointerp.dashboard.shelf import Reader, Row
from autointerp.store.snapshot_rows import MeasureColumn
from autointerp.store.snapshot_sql import NEVER_ASKED

UNLABELLED = "control:unlabelled"
"""Stands for the writer where a scorer asks about the feature itself."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A measure as a run took it: by which judges, of whose labels, in which dictionaries.

    ``row_judge``: a judge in whose rows of ``labels`` it stands. What one judge alone was asked stands in the rows
    of every judge, under names that never answered.
    """

    judges: tuple[str, ...]
    explainers: tuple[str, ...]
    dictionaries: frozenset[str]
    row_judge: str


@dataclass(frozen=True, slots=True)
class Side:
    """One run's part of a pairing; ``sql``: its values (dictionary, feature, value), which binds ``bound``."""

    explainer: str
    judge: str
    dictionaries: frozenset[str]
    sql: str
    bound: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pairing:
    """One measure of run a held against run b's; under other names only where each run has one name there."""

    measure: MeasureColumn
    a: Side
    b: Side

    @property
    def bound(self) -> tuple[str, ...]:
        return (*self.a.bound, *self.b.bound)


@dataclass(frozen=True, slots=True)
class Means:
    """Over the pairs, b - a; ``n_a`` and ``n_b`` features have a score, whatever the other run has."""

    a: float | None
    b: float | None
    difference: Estimate
    n_a: int
    n_b: int


# ---- what a run has


def taken(reader: Reader, run: str) -> Mapping[str, Taken]:
    """Return the measures that verdicts speak of and the run took, by their column."""
    return reader.snapshot.once(("taken", run), lambda: _taken(reader, run))


def _taken(reader: Reader, run: str) -> dict[str, Taken]:
    shown = [m for m in reader.snapshot.measures if m.short]
    if not shown:
        return {}
    asked = {_name(row): row for row in reader.rows(ASKED, [run])}
    free = {_name(row) for row in reader.rows(FREE_OF_LABELS, [run, run, UNLABELLED])}
    lost = {_name(row) for row in reader.rows(LOST, [run, run])}
    rows = reader.rows(WRITTEN.format(columns=", ".join(map(_columns, shown))), [run])
    configured = _configured(reader, run)
    found = {}
    for m in shown:
        name = (m.scorer, m.variant, m.metric)
        if name in asked:
            wrote = {str(row["explainer"]) for row in rows if row[f"{m.column}_asked"]}
            writers = {UNLABELLED} if name in free else wrote | configured if name in lost else wrote
            judges = tuple(sorted(map(str, asked[name]["judges"])))
            in_rows = min(
                (str(row[f"{m.column}_judge"]) for row in rows if row[f"{m.column}_judge"] is not None), default=""
            )
            found[m.column] = Taken(judges, tuple(sorted(writers)), frozenset(asked[name]["dictionaries"]), in_rows)
    return found


def _name(row: Row) -> tuple[str, str, str]:
    return str(row["scorer"]), str(row["variant"]), str(row["metric"])


def _columns(m: MeasureColumn) -> str:
    c = m.column
    return f"bool_or({c}_asked IS NOT NULL) AS {c}_asked, min(judge) FILTER ({c} IS NOT NULL) AS {c}_judge"


ASKED = f"""
SELECT scorer, variant, metric, list(DISTINCT judge) AS judges, list(DISTINCT dictionary) AS dictionaries FROM scores
WHERE run = ? AND control = 'none' AND status NOT IN {NEVER_ASKED} GROUP BY ALL
"""
WRITTEN = "SELECT explainer, {columns} FROM labels WHERE run = ? AND explanation IS NOT NULL GROUP BY explainer"

# Scorers that ask about features themselves: their scores belong to what stands for a label there.
FREE_OF_LABELS = """
SELECT scorer, variant, metric FROM (
    SELECT scorer, variant, metric, any_value(explanation) AS explanation FROM scores
    WHERE run = ? AND control = 'none' AND value IS NOT NULL GROUP BY ALL
) s JOIN explanations e ON e.explanation = s.explanation WHERE e.run = ? AND e.explainer = ?
"""

# Where a label could not be written, the score without a value counts for each explainer that has none.
LOST = """
SELECT DISTINCT scorer, variant, metric FROM scores s WHERE run = ? AND control = 'none' AND value IS NULL
AND NOT EXISTS (SELECT 1 FROM explanations e WHERE e.run = ? AND e.explanation = s.explanation)
"""


def _configured(reader: Reader, run: str) -> set[str]:
    row = reader.one("SELECT manifest FROM runs WHERE run = ?", [run]) or {}
    explain = json.loads(row.get("manifest") or "{}").get("config", {}).get("explain", {})
    return set(map(str, explain.get("explainers", ())))


# ---- what is held against what


def pairings(reader: Reader, a: str, b: str) -> tuple[Pairing, ...]:
    """Return what both runs were asked of measures a verdict speaks of: by measure, then judge, then explainer."""
    measures = {m.column: m for m in reader.snapshot.measures}
    names = [_names(taken(reader, run), measures) for run in (a, b)]
    both = names[0].merge(aligned(*names), on=MEASURE).sort_values(["judge", "explainer"], kind="stable")
    columns = {(m.scorer, m.variant, m.metric): m for m in measures.values()}
    found = []
    for row in both.to_dict("records"):
        m = columns[_name({str(name): value for name, value in row.items()})]
        first = _side(reader, a, m, str(row["explainer"]), str(row["judge"]))
        found.append(Pairing(m, first, _side(reader, b, m, str(row["explainer_b"]), str(row["judge_b"]))))
    return tuple(sorted(found, key=lambda one: list(measures).index(one.measure.column)))


def _names(found: Mapping[str, Taken], measures: Mapping[str, MeasureColumn]) -> pd.DataFrame:
    """Return a row an explainer, measure and judge of a run."""
    rows = [
        (explainer, measures[column].scorer, measures[column].variant, measures[column].metric, judge)
        for column, one in found.items()
        for explainer in one.explainers
        for judge in one.judges
    ]
    return pd.DataFrame(rows, columns=MEASURE, dtype=object)


def _side(reader: Reader, run: str, m: MeasureColumn, explainer: str, judge: str) -> Side:
    one = taken(reader, run)[m.column]
    if explainer == UNLABELLED:
        return Side(explainer, judge, one.dictionaries, FREE, (run, m.scorer, m.variant, m.metric, judge))
    row_judge = judge if len(one.judges) > 1 else one.row_judge
    return Side(explainer, judge, one.dictionaries, LABELLED.format(column=m.column), (run, explainer, row_judge))


LABELLED = """
SELECT dictionary, feature, avg({column}) AS value FROM labels
WHERE run = ? AND explainer = ? AND judge = ? AND {column} IS NOT NULL GROUP BY dictionary, feature
"""
FREE = """
SELECT dictionary, feature, avg(value) AS value FROM scores
WHERE run = ? AND scorer = ? AND variant = ? AND metric = ? AND judge = ? AND control = 'none' AND value IS NOT NULL
GROUP BY dictionary, feature
"""

# ---- the pairs


SUMS = """
WITH a AS ({a}), b AS ({b})
SELECT count(*) AS n, avg(a.value) AS a, avg(b.value) AS b, avg(b.value - a.value) AS difference,
    stddev_samp(b.value - a.value) AS sd, stddev_pop(b.value - a.value) AS spread,
    (SELECT count(*) FROM a) AS n_a, (SELECT count(*) FROM b) AS n_b
FROM a JOIN b USING (dictionary, feature)
"""
DIFFERENCES = """
SELECT b.value - a.value AS difference FROM ({a}) a JOIN ({b}) b USING (dictionary, feature)
ORDER BY dictionary, feature
"""
EXTREMES = """
SELECT dictionary, feature, a.value AS a, b.value AS b, b.value - a.value AS difference
FROM ({a}) a JOIN ({b}) b USING (dictionary, feature)
ORDER BY abs(b.value - a.value) DESC, dictionary, feature LIMIT {most}
"""


def means(reader: Reader, pairing: Pairing, *, seed: int, most_drawn: int = LARGE) -> Means:
    """Return the means over the pairs, and their difference b - a with its interval.

    As ``analysis.estimates`` has it: of many pairs the interval is that of the normal law, for which sums are
    enough; of fewer a bootstrap, with the draws of ``analysis.paired``.

    Args:
        reader: Of the snapshot with both runs.
        pairing: What is held against what.
        seed: Of run a; decides the bootstrap.
        most_drawn: Pairs up to which there is one.
    """
    (sums,) = _rows(reader, pairing, SUMS)
    n = int(sums["n"])
    difference = _by_sums(sums) if n > most_drawn else _drawn(reader, pairing, seed) if n else NOTHING
    return Means(sums["a"], sums["b"], difference, int(sums["n_a"]), int(sums["n_b"]))


def _by_sums(sums: Row) -> Estimate:
    n, mean = int(sums["n"]), sums["difference"]
    margin = Z * sums["spread"] / math.sqrt(n)
    return Estimate(mean, mean - margin, mean + margin, sums["sd"], n)


def _drawn(reader: Reader, pairing: Pairing, seed: int) -> Estimate:
    differences = np.array([row["difference"] for row in _rows(reader, pairing, DIFFERENCES)], dtype=np.float64)
    return estimate_mean(differences, seed=seed, about=_about(pairing))


def _about(pairing: Pairing) -> tuple[str, ...]:
    """Return what ``analysis.paired`` draws by: one dictionary under its name, several under one for all."""
    names, m = pairing.a.dictionaries | pairing.b.dictionaries, pairing.measure
    whole = next(iter(names)) if len(names) == 1 else ALL
    return whole, pairing.a.explainer, m.scorer, m.variant, m.metric, pairing.a.judge, "paired"


def most_different(reader: Reader, pairing: Pairing, *, most: int) -> list[Row]:
    """Return the pairs that differ most: dictionary, feature, a, b, difference; ties by name."""
    return _rows(reader, pairing, EXTREMES, most=most)


def _rows(reader: Reader, pairing: Pairing, sql: str, **words: object) -> list[Row]:
    return reader.rows(sql.format(a=pairing.a.sql, b=pairing.b.sql, **words), pairing.bound)
