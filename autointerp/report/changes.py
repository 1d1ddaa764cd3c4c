"""The section on change: the run of the report beside another one, feature by feature."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd

from autointerp.analysis.explainers import ALL
from autointerp.analysis.figures import count, number, with_interval
from autointerp.analysis.paired import Paired, paired_values
from autointerp.analysis.values import MEASURE, is_main, measure_name
from autointerp.report.blocks import Block, Facts, Figures, Heading, Prose, Table
from autointerp.report.charts import Link, Picture, paired_difference
from autointerp.report.compared import Compared, compare_sides, flips_sentence, read_side, shown_by
from autointerp.report.grids import Grid
from autointerp.report.linking import Dashboard

MOST_PICTURED = 2
"""Measures whose differences have a picture."""

PAIRED = (
    "Differences are of features that have a score in both runs: the run of this report minus the baseline. A "
    "difference that is not shown may still be there; the smallest that so many pairs would show in four of five "
    "repetitions stands beside it."
)


def change_blocks(run_dir: Path, baseline: Path, *, dashboard: Dashboard | None = None) -> tuple[Block, ...]:
    """Return what differs between the run of the report and *baseline*; reads both from their folders.

    No filter of one run names features by how they differ from another: marks lead to the *dashboard*'s comparison.
    """
    a, b = read_side(baseline), read_side(run_dir)
    found = compare_sides(a, b)
    link = None if dashboard is None else partial(_beside, dashboard, found.a)
    return tuple(_blocks(found, paired_values(a.values, b.values), link))


def _beside(dashboard: Dashboard, baseline: str, _: str) -> str:
    return dashboard.compare(baseline)


def _blocks(found: Compared, pairs: pd.DataFrame, link: Link | None) -> Iterator[Block]:
    yield Heading(f"Against {found.a}")
    yield Prose(PAIRED)
    shown = [p for p in found.paired if is_main(p.scorer, p.variant, p.metric)]
    yield Table(f"{found.b} minus {found.a}", paired_grid(shown))
    whole = [p for p in shown if p.dictionary == ALL] or shown
    yield Figures(tuple(_picture(p, pairs, found, link) for p in whole[:MOST_PICTURED]))
    yield from (Prose(f"{flips_sentence(flips, found.floor(flips))}.") for flips in found.flips)
    if found.changes:
        yield Facts(tuple((change.kind, str(change)) for change in found.changes))
    else:
        yield Prose("Nothing in the configuration differs.")
    # Stars are for the terminal; a page prints them.
    yield Prose(found.attribution.replace("**", ""))


def _picture(p: Paired, pairs: pd.DataFrame, found: Compared, link: Link | None) -> tuple[Picture, Grid]:
    mine = pairs[(pairs[MEASURE] == [getattr(p, name) for name in MEASURE]).all(axis=1)].dropna(subset=["difference"])
    measure = measure_name(p.scorer, p.variant, p.metric)
    title = f"{measure}, labels by {p.explainer}: difference to {found.a} by feature"
    leads_to = "the link leads to both runs side by side"
    mean = p.difference if p.difference.n else None
    drawn = paired_difference(mine, title=title, mean=mean, leads_to=leads_to, link=link)
    return drawn, pairs_grid(mine)


def paired_grid(found: list[Paired]) -> Grid:
    """Return one row a measure and dictionary: both means, their difference, what could have been found."""
    head = (
        "dictionary", "labels by", "measure", "baseline [95%]", "this run [95%]", "difference [95%]", "shows",
        "pairs", "detectable", "scored of asked,\nbaseline", "this run",
    )  # fmt: skip
    return Grid(head, tuple(_row(p) for p in found), 3, "No measure was taken in both runs.")


def _row(p: Paired) -> tuple[str, ...]:
    return (
        *(p.dictionary, p.explainer, measure_name(p.scorer, p.variant, p.metric)),
        *(with_interval(p.mean_a), with_interval(p.mean_b), with_interval(p.difference, digits=3)),
        *(shown_by(p), count(p.difference.n), "none" if p.detectable is None else number(p.detectable, digits=3)),
        *(f"{p.scored_a}/{p.asked_a}", f"{p.scored_b}/{p.asked_b}"),
    )


def pairs_grid(pairs: pd.DataFrame) -> Grid:
    """Return how many features moved how far, as text: the largest differences of either sign."""
    ordered = pairs.reindex(pairs["difference"].abs().sort_values(ascending=False, kind="stable").index).head(20)
    rows = tuple(
        (f"{r['dictionary']}#{r['feature']}", *(number(r[name], digits=3) for name in ("a", "b", "difference")))
        for r in ordered.to_dict("records")
    )
    return Grid(("feature (20 at most)", "baseline", "this run", "difference"), rows, 1, "No pair.")
