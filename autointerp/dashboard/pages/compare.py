"""Two runs beside each other, feature by feature: the difference, how sure it is, and to what it may be put down."""

import json
from dataclasses import dataclass

from autointerp.analysis.attributing import attribution, changes_between, fingerprint_change
from autointerp.analysis.estimates import LARGE, Estimate
from autointerp.analysis.paired import minimum_detectable
from autointerp.analysis.values import measure_name
from autointerp.dashboard import links
from autointerp.dashboard.pages.runs import found_run
from autointerp.dashboard.pairing import Means, Pairing, Side, means, most_different, pairings
from autointerp.dashboard.shelf import Reader, Row
from autointerp.dashboard.views import Asked, Sheet, View

N_EXTREME = 10


@dataclass(frozen=True, slots=True)
class Compared:
    """One measure, explainer and judge on the features that have a score in both runs; difference = b - a.

    ``judge``, ``explainer``: of both; ``old, then new`` where each run has one and they differ.
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
    prints = [_fingerprints(reader, side) for side in (a, b)]
    before, after = (json.loads(side["manifest"]) for side in sides)
    seed = int(before.get("seed", 0))
    rows = reader.snapshot.once(("compare", a, b), lambda: compare(reader, a, b, seed=seed))
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


def compare(reader: Reader, a: str, b: str, *, seed: int, most_drawn: int = LARGE) -> tuple[Compared, ...]:
    """Return every measure that verdicts speak of and both runs have, by explainer and judge.

    *seed*: run a's, which decides the bootstrap; *most_drawn*: pairs up to which there is one.
    """
    return tuple(
        _compared(pairing, means(reader, pairing, seed=seed, most_drawn=most_drawn))
        for pairing in pairings(reader, a, b)
    )


def _compared(pairing: Pairing, found: Means) -> Compared:
    m = pairing.measure
    return Compared(
        measure=measure_name(m.scorer, m.variant, m.metric),
        explainer=_then(pairing.a.explainer, pairing.b.explainer),
        judge=_then(pairing.a.judge, pairing.b.judge),
        mean_a=found.a,
        mean_b=found.b,
        difference=found.difference,
        detectable=minimum_detectable(found.difference),
        n_a=found.n_a,
        n_b=found.n_b,
    )


def _then(a: str, b: str) -> str:
    return ", then ".join(dict.fromkeys((a, b)))


LABELS = """
SELECT feature, min(label) AS label FROM labels
WHERE run = ? AND dictionary = ? AND feature IN (SELECT unnest(?)) AND explainer = ? GROUP BY feature
"""


def extremes(reader: Reader, a: str, b: str) -> list[Row]:
    """Return the features whose scores differ most, by the first measure, judge and explainer that both runs have."""
    for pairing in pairings(reader, a, b):
        if rows := most_different(reader, pairing, most=N_EXTREME):
            before, after = (_labels(reader, run, side, rows) for run, side in ((a, pairing.a), (b, pairing.b)))
            about = {"measure": pairing.measure.short, "explainer": _then(pairing.a.explainer, pairing.b.explainer),
                     "judge": _then(pairing.a.judge, pairing.b.judge)}  # fmt: skip
            return [
                {**about, "href": links.feature(row["dictionary"], row["feature"], b), **row,
                 "label_a": before.get(_place(row)), "label_b": after.get(_place(row))}
                for row in rows
            ]  # fmt: skip
    return []


def _labels(reader: Reader, run: str, side: Side, rows: list[Row]) -> dict[tuple[str, int], str]:
    """Return a side's labels of some features."""
    found = {}
    for dictionary in sorted({str(row["dictionary"]) for row in rows}):
        wanted = [int(row["feature"]) for row in rows if row["dictionary"] == dictionary]
        for row in reader.rows(LABELS, [run, dictionary, wanted, side.explainer]):
            found[dictionary, int(row["feature"])] = row["label"]
    return found


def _place(row: Row) -> tuple[str, int]:
    return str(row["dictionary"]), int(row["feature"])


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
