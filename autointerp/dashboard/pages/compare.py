"""Two runs beside each other, feature by feature: the difference, how sure it is, and to what it may be put down."""

import json
import math
from dataclasses import dataclass

import numpy as np

from autointerp.analysis.attributing import attribution, changes_between, fingerprint_change
from autointerp.analysis.estimates import Estimate, estimate_mean
from autointerp.analysis.paired import minimum_detectable
from autointerp.analysis.values import measure_name
from autointerp.dashboard import links
from autointerp.dashboard.pages.runs import found_run
from autointerp.dashboard.shelf import Reader, Row
from autointerp.dashboard.views import Asked, Sheet, View
from autointerp.store.snapshot_rows import MeasureColumn

MOST_DRAWN = 20_000
"""Pairs up to which the interval is a bootstrap; above, the normal one says the same."""

N_EXTREME = 10


@dataclass(frozen=True, slots=True)
class Compared:
    """One measure, explainer and judge on the features that have a score in both runs; difference = b - a.

    ``judge``: of both; ``old, then new`` where each run has one and they differ.
    """

    measure: str
    explainer: str
    judge: str
    mean_a: float | None
    mean_b: float | None
    difference: Estimate
    detectable: float | None
    n_a: int
    n_b: int


def page(reader: Reader, asked: Asked) -> View:
    """Return the comparison of two runs, or what to choose them from. Raises NotThereError."""
    runs = reader.rows("SELECT run, created FROM runs ORDER BY created DESC, run LIMIT 200")
    a, b = asked.get("a"), asked.get("b")
    if not a or not b:
        return _choice(runs, a, b)
    sides = [found_run(reader, name) for name in (a, b)]
    rows = reader.snapshot.once(("compare", a, b), lambda: compare(reader, a, b))
    prints = [_fingerprints(reader, side) for side in (a, b)]
    before, after = (json.loads(side["manifest"]) for side in sides)
    changes = (*changes_between(before, after), *fingerprint_change(*prints))
    extreme = reader.snapshot.once(("extreme", a, b), lambda: extremes(reader, a, b))
    return View(
        title=f"{b} against {a}",
        template="compare.html.jinja",
        data={"a": a, "b": b, "compared": rows, "changes": [str(change) for change in changes],
              "attribution": attribution(changes), "extremes": extreme},
        sheet=lambda: _sheet(rows),
        extra={"runs": runs},
    )  # fmt: skip


def _choice(runs: list[Row], a: str, b: str) -> View:
    names = [str(run["run"]) for run in runs]
    later = b or next(iter(names), "")
    data = {"a": a or next((name for name in names if name != later), ""), "b": later, "compared": (),
            "changes": [], "attribution": "", "extremes": []}  # fmt: skip
    return View("Compare two runs", "compare.html.jinja", data, lambda: Sheet([], []), extra={"runs": runs})


PAIRS = """
SELECT a.{column} AS a, b.{column} AS b FROM
    (SELECT dictionary, feature, explainer, any_value({column}) AS {column} FROM labels
        WHERE run = ? AND judge = ? GROUP BY ALL) a
    JOIN (SELECT dictionary, feature, explainer, any_value({column}) AS {column} FROM labels
        WHERE run = ? AND judge = ? GROUP BY ALL) b
    USING (dictionary, feature, explainer) WHERE explainer = ? AND a.{column} IS NOT NULL AND b.{column} IS NOT NULL
"""
SUMS = """
SELECT count(*) AS n, avg(a) AS a, avg(b) AS b, avg(b - a) AS d, stddev_samp(b - a) AS sd FROM ({pairs})
"""


def compare(reader: Reader, a: str, b: str) -> tuple[Compared, ...]:
    """Return every headline measure and explainer that both runs have."""
    both = reader.rows(
        "SELECT explainer FROM labels WHERE run = ? AND label IS NOT NULL INTERSECT "
        "SELECT explainer FROM labels WHERE run = ? AND label IS NOT NULL ORDER BY explainer",
        [a, b],
    )
    found = (
        _compare(reader, (a, b), m, str(row["explainer"]), judges)
        for m in reader.snapshot.measures
        if m.short
        for judges in paired_judges(*(_judges(reader, run, m) for run in (a, b)))
        for row in both
    )
    return tuple(one for one in found if one.n_a or one.n_b)


def _judges(reader: Reader, run: str, m: MeasureColumn) -> list[str]:
    rows = reader.rows(
        f"SELECT DISTINCT judge FROM labels WHERE run = ? AND {m.column} IS NOT NULL ORDER BY judge", [run]
    )
    return [str(row["judge"]) for row in rows]


def paired_judges(a: list[str], b: list[str]) -> list[tuple[str, str]]:
    """Return which judge's scores of the one run are held against which of the other.

    The same one; another only where either run has a single judge, so that nobody's scores are mixed.

    >>> paired_judges(["old"], ["new"]), paired_judges(["one", "two"], ["two", "three"])
    ([('old', 'new')], [('two', 'two')])
    """
    if len(a) == len(b) == 1:
        return [(a[0], b[0])]
    return [(judge, judge) for judge in a if judge in b]


def _compare(
    reader: Reader, runs: tuple[str, str], m: MeasureColumn, explainer: str, judges: tuple[str, str]
) -> Compared:
    pairs = PAIRS.format(column=m.column)
    sides = list(zip(runs, judges, strict=True))
    bound = [value for side in sides for value in side]
    row = reader.one(SUMS.format(pairs=pairs), [*bound, explainer]) or {}
    counted = f"SELECT count({m.column}) AS n FROM labels WHERE run = ? AND judge = ? AND explainer = ?"
    counts = [reader.one(counted, [*side, explainer]) for side in sides]
    difference = _difference(reader, row, pairs, [*bound, explainer], m)
    n_a, n_b = (int(one["n"]) if one else 0 for one in counts)
    return Compared(
        measure=measure_name(m.scorer, m.variant, m.metric),
        explainer=explainer,
        judge=", then ".join(dict.fromkeys(judges)),
        mean_a=row["a"],
        mean_b=row["b"],
        difference=difference,
        detectable=minimum_detectable(difference),
        n_a=n_a,
        n_b=n_b,
    )


def _difference(reader: Reader, row: Row, pairs: str, values: list[str], m: MeasureColumn) -> Estimate:
    n, sd = int(row["n"]), row["sd"]
    if n > MOST_DRAWN:
        half = 1.959964 * sd / math.sqrt(n)
        return Estimate(row["d"], row["d"] - half, row["d"] + half, sd, n)
    found = reader.rows(f"{pairs} ORDER BY dictionary, feature", values)
    differences = np.array([one["b"] - one["a"] for one in found], dtype=np.float64)
    return estimate_mean(differences, seed=0, about=("compare", *values, m.name))


EXTREMES = """
SELECT a.dictionary, a.feature, a.explainer, a.judge, a.label AS label_a, b.label AS label_b,
    a.{column} AS a, b.{column} AS b, b.{column} - a.{column} AS difference
FROM labels a JOIN labels b USING (dictionary, feature, explainer)
WHERE a.run = ? AND a.judge = ? AND b.run = ? AND b.judge = ? AND a.{column} IS NOT NULL AND b.{column} IS NOT NULL
ORDER BY abs(b.{column} - a.{column}) DESC, a.dictionary, a.feature LIMIT ?
"""


def extremes(reader: Reader, a: str, b: str) -> list[Row]:
    """Return the features whose scores differ most, by the first measure and judge that both runs have."""
    for m in (m for m in reader.snapshot.measures if m.short):
        for first, then in paired_judges(*(_judges(reader, run, m) for run in (a, b))):
            if rows := reader.rows(EXTREMES.format(column=m.column), [a, first, b, then, N_EXTREME]):
                about = {"measure": m.short}
                return [about | {"href": links.feature(r["dictionary"], r["feature"], b), **r} for r in rows]
    return []


def _fingerprints(reader: Reader, run: str) -> list[str]:
    rows = reader.rows("SELECT DISTINCT fingerprint FROM spent WHERE run = ? AND stage = 'score'", [run])
    return [str(row["fingerprint"]) for row in rows if row["fingerprint"]]


def _sheet(rows: tuple[Compared, ...]) -> Sheet:
    head = [
        "measure",
        "explainer",
        "judge",
        "mean_a",
        "mean_b",
        "difference",
        "low",
        "high",
        "n",
        "detectable",
        "n_a",
        "n_b",
    ]
    return Sheet(
        head,
        (
            [one.measure, one.explainer, one.judge, one.mean_a, one.mean_b, one.difference.value, one.difference.low,
             one.difference.high, one.difference.n, one.detectable, one.n_a, one.n_b]
            for one in rows
        ),
    )  # fmt: skip
