"""Tables of the page as rows of text: every number already stands with what belongs to it."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from autointerp.analysis.agreement import Agreement
from autointerp.analysis.certificates import Certificate, standing
from autointerp.analysis.estimates import Estimate
from autointerp.analysis.explainers import Comparison
from autointerp.analysis.figures import count, number, ranged, with_interval
from autointerp.analysis.summary import Against, Line, control_names
from autointerp.analysis.values import LOWER_IS_BETTER, METRIC_NAMES


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of text; the first *n_names* columns are names, the others numbers. ``empty`` stands for no rows.

    ``about``: what a reader has to know of it, where the page does not say it.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_names: int = 1
    empty: str = "Nothing on record."
    about: str = ""


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
        "judge", "scorer, metric", "standing", "AUROC right\nvs wrong [95%]", "tau [95%]", "exact label\nfirst",
        "exact above\nbroad, narrow", "sensitivity", "specificity", "features", "labels", "replies\nread",
        "turned by\norders in text",
    )  # fmt: skip
    rows = tuple(
        (
            c.judge, f"{c.scorer}, {_metric(c.metric)}", "certified" if c.certified else "uncertified",
            ranged(c.auroc, c.auroc_low, c.auroc_high), ranged(c.tau, c.tau_low, c.tau_high),
            _optional(c.exact_first, 2), _optional(c.exact_above_neighbours, 2),
            _optional(c.sensitivity, 2), _optional(c.specificity, 2), count(c.n_features), count(c.n_labels),
            f"{c.n_read}/{c.n_asked}", c.flipped or "not asked",
        )
        for c in certificates
    )  # fmt: skip
    return Grid(head, rows, 3, "No judge was examined: every score of this run is uncertified.")


def _metric(name: str) -> str:
    """Return a certificate's metric as pages write it: ``correlation (top and random)``."""
    first, space, variant = name.partition(" ")
    return METRIC_NAMES.get(first, first.replace("_", " ")) + space + variant.replace("_", " ")


def scores_grid(lines: Sequence[Line], certificates: Sequence[Certificate]) -> Grid:
    """Return one row a line of ONE measure: value, counts, chance, then each control and the excess over it.

    Both means stand side by side, and what limits the row before its controls: a wide table is cut
    off on the right.
    """
    controls = control_names(lines)
    several = len({line.judge for line in lines}) > 1
    head = (
        "dictionary", "labels by", "judge is", "mean over\nfeatures [95%]", "mean over\nfirings [95%]", "scored",
        "single-\ntoken", "chance", *(f"{c} control\nexcess [95%]" for c in controls),
    )  # fmt: skip
    rows = tuple(
        (
            *(line.dictionary, line.explainer, _judge_cell(line, certificates, name=line.judge if several else "")),
            *(with_interval(line.mean), with_interval(line.per_firing)),
            *(f"{line.mean.n}/{line.n_asked}", _optional(line.single_token, 2), _chance(line)),
            *(_against_cell(line, line.control(c)) for c in controls),
        )
        for line in lines
    )
    return Grid(head, rows, 3, "Nothing was scored.")


def _chance(line: Line) -> str:
    """Return chance; without a single score nobody has said what it is, which is not the same as having none."""
    return number(line.chance) if line.mean.n or line.chance is not None else "unscored"


def _judge_cell(line: Line, certificates: Sequence[Certificate], *, name: str) -> str:
    """Return whether the judge is certified for this measure, after its *name* where a table has several."""
    return (f"{name}\n" if name else "") + standing(line, certificates).replace(" (", "\n(")


def _against_cell(line: Line, against: Against | None) -> str:
    """Return ``0.52`` and ``0.29 [0.26, 0.32]`` on two lines; the number of pairs unless all are."""
    if against is None:
        return "not asked"
    pairs = f"\n(n = {against.excess.n})" if against.excess.n not in (0, 1, line.mean.n) else ""
    mean = number(against.mean.value) if against.mean.n else "unscored"
    return f"{mean}\n{_broken(_signed(against.excess))}{pairs}"


def _signed(excess: Estimate) -> str:
    """Return a difference with its sign, so that it cannot be taken for a score."""
    text = with_interval(excess)
    return f"+{text}" if excess.value is not None and excess.value > 0 and not text.startswith("0.00") else text


def _broken(text: str) -> str:
    """Return a number without an interval on two lines: the words would push what follows off the screen."""
    return text.replace(" [no interval", "\n[no interval")


def comparison_grid(comparisons: Sequence[Comparison]) -> Grid:
    """Return the explainers against each other, on the features both have a score for."""
    head = (
        "dictionary", "judge", "first", "second", "first, mean [95%]", "second, mean [95%]",
        "first minus second [95%]", "features\nof both", "only\nfirst", "only\nsecond",
    )  # fmt: skip
    rows = tuple(
        (
            *(c.dictionary, c.judge, c.first, c.second),
            *(_broken(with_interval(mean)) for mean in (c.first_mean, c.second_mean)),
            *(_broken(_signed(c.difference)), str(c.difference.n), str(c.only_first), str(c.only_second)),
        )
        for c in comparisons
    )
    return Grid(head, rows, 4, "Only one explainer has scored labels.")


def metrics_grid(lines: Sequence[Line], certificates: Sequence[Certificate]) -> Grid:
    """Return every measure in one table: a row each, never averaged with another."""
    controls = control_names(lines)
    beside = [f"{c} control\nexcess [95%]" for c in controls]
    head = (
        "dictionary",
        "labels by",
        "scorer, metric",
        "judge is",
        "mean [95%]",
        "scored",
        "chance",
        *beside,
        "unscored",
    )
    return Grid(head, tuple(_metric_row(line, controls, certificates) for line in lines), 4, "Nothing was scored.")


def _metric_row(line: Line, controls: Sequence[str], certificates: Sequence[Certificate]) -> tuple[str, ...]:
    lower = " (lower is better)" if line.metric in LOWER_IS_BETTER else ""
    return (
        *(line.dictionary, line.explainer, line.measure + lower, _judge_cell(line, certificates, name="")),
        *(with_interval(line.mean), f"{line.mean.n}/{line.n_asked}", _chance(line)),
        *(_against_cell(line, line.control(c)) for c in controls),
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
            f"none: {a.note}" if a.rho is None else ranged(a.rho, a.low, a.high),
            str(a.n),
        )
        for a in agreements
    )
    return Grid(head, rows, 4, "No two scorers have scored the same features.")


def failures_grid(failures: pd.DataFrame, *, with_example: bool = True) -> Grid:
    """Return ``analysis.failures_by_reason`` as text; an example may quote what a judge was shown."""
    columns = ("stage", "reason", "example") if with_example else ("stage", "reason")
    rows = tuple(
        (*(_failure_cell(row, name) for name in columns), count(int(row["n"]))) for row in failures.to_dict("records")
    )
    head = ("stage", "reason", "for example")[: len(columns)]
    return Grid((*head, "n"), rows, len(columns), "No failure is on record.")


def _failure_cell(row: Mapping[Hashable, object], name: str) -> str:
    return str(row[name]).replace("_", " ") if name == "reason" else str(row[name])
