"""Tables of the page as rows of text: every number already stands with what belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from autointerp.analysis.agreement import Agreement
from autointerp.analysis.certificates import Certificate, standing
from autointerp.analysis.figures import count, number, with_interval
from autointerp.analysis.summary import Against, Line
from autointerp.analysis.values import LOWER_IS_BETTER


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of text; the first *n_names* columns are names, the others numbers. ``empty`` stands for no rows."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_names: int = 1
    empty: str = "Nothing on record."


def coverage_grid(table: pd.DataFrame) -> Grid:
    """Return the counts of ``analysis.coverage``: one row a dictionary, every feature in one column."""
    skipped = {"dictionary", "width", "n_features", "n_eligible", "n_drawn", "scored"}
    others = [str(name) for name in table.columns if name not in skipped]
    columns = ["width", "scored", "n_drawn", "n_eligible", *others]
    names = {"n_drawn": "drawn", "n_eligible": "eligible", "width": "features", "unlisted": "not on record"}
    head = ("dictionary", *(names.get(name, name.replace("_", " ")) for name in columns))
    rows = [(str(row["dictionary"]), *(count(int(row[name])) for name in columns)) for row in table.to_dict("records")]
    return Grid(head, tuple(rows), empty="No dictionary and no feature is on record.")


def certificate_grid(certificates: Sequence[Certificate]) -> Grid:
    """Return what the zoo found of each judge and scorer."""
    head = (
        "scorer", "standing", "AUROC right vs wrong", "tau", "exact label first", "sensitivity",
        "specificity", "features", "labels", "replies read", "judge",
    )  # fmt: skip
    rows = tuple(
        (
            f"{c.scorer}, {c.metric}", "certified" if c.certified else "uncertified",
            _range(c.auroc, c.auroc_low, c.auroc_high), _range(c.tau, c.tau_low, c.tau_high),
            _optional(c.exact_first, 2),
            _optional(c.sensitivity, 2), _optional(c.specificity, 2), count(c.n_features), count(c.n_labels),
            f"{c.n_read}/{c.n_asked}", c.judge,
        )
        for c in certificates
    )  # fmt: skip
    return Grid(head, rows, 2, "No judge was examined: every score of this run is uncertified.")


def scores_grid(lines: Sequence[Line], certificates: Sequence[Certificate]) -> Grid:
    """Return one row a line of ONE measure: value, counts, chance, then each control and the excess over it."""
    controls = list(dict.fromkeys(a.control for line in lines for a in line.against))
    beside = [f"{c} control · excess [95%]" for c in controls]
    head = ("dictionary", "labels by", "mean [95%]", "scored", "chance", *beside, "per firing", "judge")
    rows = tuple(
        (
            *(line.dictionary, line.explainer, with_interval(line.mean), f"{line.mean.n}/{line.n_asked}"),
            number(line.chance),
            *(_against_cell(line, line.control(c)) for c in controls),
            with_interval(line.per_firing),
            f"{line.judge}, {standing(line, certificates)}",
        )
        for line in lines
    )
    return Grid(head, rows, 2, "Nothing was scored.")


def _against_cell(line: Line, against: Against | None) -> str:
    """Return ``0.52 · 0.29 [0.26, 0.32]``, with the number of pairs where it is not the number scored."""
    if against is None:
        return "not asked"
    pairs = f" (n = {against.excess.n})" if against.excess.n not in (0, line.mean.n) else ""
    return f"{number(against.mean.value)} · {with_interval(against.excess)}{pairs}"


def metrics_grid(lines: Sequence[Line]) -> Grid:
    """Return every measure in one table: a row each, never averaged with another."""
    head = (
        "dictionary",
        "labels by",
        "scorer, metric",
        "mean [95%]",
        "scored",
        "chance",
        "control",
        "excess",
        "unscored",
    )
    return Grid(head, tuple(_metric_row(line) for line in lines), 3, "Nothing was scored.")


def _metric_row(line: Line) -> tuple[str, ...]:
    against = next((a for a in line.against if a.mean.n), None)
    lower = " (lower is better)" if line.metric in LOWER_IS_BETTER else ""
    return (
        line.dictionary,
        line.explainer,
        line.measure + lower,
        with_interval(line.mean),
        f"{line.mean.n}/{line.n_asked}",
        number(line.chance),
        f"{number(against.mean.value)} ({against.control})" if against else "none",
        with_interval(against.excess) if against else "none",
        "; ".join(f"{reason.replace('_', ' ')} {n}" for reason, n in line.unscored) or "none",
    )


def picture_grid(table: pd.DataFrame) -> Grid:
    """Return the numbers of a picture, one row a dictionary."""
    head = tuple(str(name) for name in table.columns)
    rows = tuple(tuple(_cell(cell) for cell in row) for row in table.itertuples(index=False, name=None))
    return Grid(head, rows, 2, "Nothing was scored.")


def _cell(cell: object) -> str:
    if isinstance(cell, float):
        return "none" if pd.isna(cell) else count(cell) if cell.is_integer() and abs(cell) > 1 else number(cell)
    return "none" if cell is None else str(cell)


def quality_grid(dictionaries: pd.DataFrame) -> Grid:
    """Return how good each dictionary is as a dictionary, whatever its labels are worth."""
    head = ("dictionary", "kind", "site", "width", "alive", "L0", "variance explained", "CE recovered", "tokens seen")
    ordered = dictionaries.sort_values(["width", "dictionary"], kind="stable")
    rows = tuple(
        (
            *(str(row["dictionary"]), str(row["kind"]), str(row["site"]), count(row["width"])),
            _alive(row["n_alive"], row["width"]),
            *(_optional(row[n], d) for n, d in _QUALITY),
            count(row["tokens_seen"]),
        )
        for row in ordered.to_dict("records")
    )
    return Grid(head, rows, 3, "No dictionary is on record.")


_QUALITY = (("l0", 1), ("fraction_variance_explained", 3), ("fraction_ce_recovered", 3))


def _optional(cell: float | None, digits: int) -> str:
    return "not measured" if cell is None or pd.isna(cell) else number(cell, digits=digits)


def _alive(n_alive: float | None, width: int) -> str:
    if n_alive is None or pd.isna(n_alive):
        return "not measured"
    return f"{count(n_alive)} ({100 * n_alive / width:.1f}%)" if width else count(n_alive)


def agreement_grid(agreements: Sequence[Agreement]) -> Grid:
    """Return the rank correlation of every two scorers over the features both have scored."""
    head = ("dictionary", "labels by", "first", "second", "Spearman [95%]", "n")
    rows = tuple(
        (
            *(a.dictionary, a.explainer, a.first, a.second),
            f"none: {a.note}" if a.rho is None else _range(a.rho, a.low, a.high),
            str(a.n),
        )
        for a in agreements
    )
    return Grid(head, rows, 4, "No two scorers have scored the same features.")


def failures_grid(failures: pd.DataFrame) -> Grid:
    """Return ``analysis.failures_by_reason`` as text."""
    rows = tuple(
        (str(row["stage"]), str(row["reason"]).replace("_", " "), str(row["example"]), count(int(row["n"])))
        for row in failures.to_dict("records")
    )
    return Grid(("stage", "reason", "for example", "n"), rows, 3, "No failure is on record.")


def _range(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or low is None or high is None:
        return number(value)
    return f"{number(value)} [{number(low)}, {number(high)}]"
