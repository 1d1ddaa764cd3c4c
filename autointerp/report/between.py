"""The section on widths beside each other: what became of features from one to the next, and of their scores."""

from collections.abc import Iterator

import pandas as pd

from autointerp.analysis.figures import count, number, with_interval
from autointerp.analysis.matching import KINDS, kind_of_features
from autointerp.analysis.values import main_values
from autointerp.report.blocks import Block, Heading, Prose, Table
from autointerp.report.grids import Grid
from autointerp.report.matched import Change, changes_of, rough
from autointerp.report.surveyed import CAUTION, RULE, f50_text, surveys_of
from autointerp.report.tables import RunTables

MATCHED = (
    "Features of two dictionaries matched by direction and by firing. A change of the score is shared out over what "
    "became of the features: the parts add up to the change."
)


def match_blocks(run: RunTables, values: pd.DataFrame, *, seed: int) -> Iterator[Block]:
    """Yield what the table ``matches`` says; nothing before ``features match``. *values*: of ``feature_values``."""
    matches = run["matches"]
    if matches.empty:
        return
    yield Prose(MATCHED)
    shown = main_values(values)
    pairs = sorted(matches.groupby(["narrow", "wide"]), key=lambda pair: [run.place_of(name) for name in pair[0]])
    for (narrow, wide), rows in pairs:
        sides = [(str(narrow), kind_of_features(rows, "parent")), (str(wide), kind_of_features(rows, "child"))]
        yield Heading(f"{narrow} and {wide}")
        counted = tuple(
            (kind, *(f"{count((kinds == kind).sum())} of {count(len(kinds))}" for _, kinds in sides))
            for kind in KINDS
            if any((kinds == kind).any() for _, kinds in sides)
        )
        yield Table(f"What became of features, {narrow} and {wide}", Grid(("kind", str(narrow), str(wide)), counted))
        changes = list(changes_of(shown, rows, sides, seed=seed))
        if caution := rough(changes):
            yield Prose(caution)
        yield Table(f"What changed the scores, {narrow} to {wide}", changes_grid(changes))


def changes_grid(changes: list[Change]) -> Grid:
    """Return one row a measure and kind of feature: what it adds, and the means of either side."""
    rows = tuple(
        (
            *(change.measure, change.explainer, part.kind, with_interval(part.change, digits=3)),
            *(number(part.mean_narrow), count(part.n_narrow), number(part.mean_wide), count(part.n_wide)),
        )
        for change in changes
        for part in change.parts
    )
    head = ("measure", "labels by", "kind", "adds [95%]", "mean, narrow", "scored", "mean, wide", "scored there")
    return Grid(head, rows, 3, "No measure was taken of both.")


def concept_blocks(run: RunTables) -> Iterator[Block]:
    """Yield what the table ``concepts`` says; nothing before ``features concepts``."""
    if run["concepts"].empty:
        return
    yield Prose(f"{RULE} {CAUTION}")
    surveys = sorted(surveys_of(run["concepts"]), key=lambda one: run.place_of(one.dictionary))
    rows = tuple(
        (
            *(s.dictionary, f"{count(s.fit.n_found)} of {count(s.fit.n)}", count(s.n_rare)),
            *(f"{count(s.fit.false_found)} of {count(s.fit.n_controls)}", f50_text(s.fit)),
            "none" if s.fit.alive_f50 is None else f"{s.fit.alive_f50:.3g}",
        )
        for s in surveys
    )
    head = ("dictionary", "found", "too rare", "control found", "half are found at [95%]", "alive x f50")
    yield Table("Concepts with a feature", Grid(head, rows, 1))
