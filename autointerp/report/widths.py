"""What was measured by width as tables: every quantity a row, and one's own curve beside published ones."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import pandas as pd

from autointerp.analysis.figures import count, number, ranged
from autointerp.analysis.ladders import Ladder
from autointerp.analysis.summary import Line
from autointerp.analysis.values import measure_name
from autointerp.analysis.width_table import width_table
from autointerp.analysis.words import Findings
from autointerp.report.blocks import Block, Figures, Folded, Heading, Prose, Table
from autointerp.report.charts import Picture, means_table, score_name, width_curve
from autointerp.report.charts.layers import known
from autointerp.report.grids import Grid, picture_grid
from autointerp.report.linking import NO_LINKS, Linking
from autointerp.report.published import PUBLISHED, published_lines

OF_POPULATION = ("precision", "recall")
"""Metrics that stand beside the headlines: of a population, so that a wider dictionary moves them apart."""

BY_WIDTH = (
    "A row is one quantity of one measure at one width: means over features and over firings, raw and at equal firing "
    "density; the share of asked features with a score; the share of labels above other features' labels (at most 5% "
    "of these are expected to be false). Intervals are 95%; n counts features. Headline measures, and precision and "
    "recall; raw means are those of the tables above."
)
OTHERS = (
    "Numbers others have printed of their own dictionaries, with their own judges, texts and protocols. They show the "
    "shape of a curve; a difference to this run's numbers means nothing by itself."
)
DRAWN = (
    "Drawn beside this run's curve only where the measure is of the same kind: balanced accuracy, with chance at 0.50. "
    "Accuracies of uneven sets, where answering no throughout scores above 0.50, stand in the table alone."
)


# ---- every quantity


def width_blocks(findings: Findings, ladders: Sequence[Ladder]) -> Iterator[Block]:
    """Yield what was measured by width, behind a fold; nothing where nothing was scored."""
    lines = [line for line in findings.lines if _is_shown(line)]
    if not lines:
        return
    shown = [ladder for ladder in ladders if _is_shown(ladder)]
    table = Table("By width: every quantity", width_grid(width_table(lines, shown, passed=findings.passed)))
    yield Folded("Everything measured by width, a row a number", (Prose(BY_WIDTH), table))


def _is_shown(measured: Line | Ladder) -> bool:
    return measured.is_headline or measured.metric in OF_POPULATION


def width_grid(rows: pd.DataFrame) -> Grid:
    """Return ``analysis.width_table`` as text."""
    head = ("dictionary", "width", "labels by", "measure", "judge", "quantity", "note", "value [95%]", "n")
    cells = tuple(
        (
            *(str(row["dictionary"]), _width(row["width"]), str(row["explainer"]), _measure(row), str(row["judge"])),
            *(str(row["quantity"]), str(row["note"]) or "none", _value(row), count(int(row["n"]))),
        )
        for row in rows.to_dict("records")
    )
    return Grid(head, cells, 7, "Nothing was scored.")


def _width(cell: object) -> str:
    width = known(cell)
    return "unknown" if width is None else count(width)


def _measure(row: dict[object, object]) -> str:
    return measure_name(*(str(row[name]) for name in ("scorer", "variant", "metric")))


def _value(row: dict[object, object]) -> str:
    """Return the number as the score tables print it."""
    value, low, high = (known(row[name]) for name in ("value", "low", "high"))
    if value is None:
        return "unscored"
    if low is None or high is None:
        return f"{number(value)} [no interval: 1 feature]"
    return ranged(value, low, high)


# ---- beside others


def published_blocks(
    lines: Sequence[Line], *, pictured: Sequence[tuple[str, str]], linking: Linking = NO_LINKS
) -> Iterator[Block]:
    """Yield others' numbers, marked as such: drawn where the measure is of the same kind, and all as a table."""
    yield Heading("Beside published numbers")
    yield Prose(OTHERS)
    curves = tuple(_curves(lines, pictured, linking))
    if curves:
        yield Prose(DRAWN)
        yield Figures(curves)
    rows = tuple((p.source, p.what, count(p.width) if p.width else "any", number(p.value, digits=3)) for p in PUBLISHED)
    table = Table("Published, other protocol", Grid(("source", "what", "width", "score"), rows, 3))
    yield Folded("Published numbers, other protocols", (table,))


def _curves(
    lines: Sequence[Line], pictured: Sequence[tuple[str, str]], linking: Linking
) -> Iterator[tuple[Picture, Grid]]:
    """Yield a curve a measure, explainer, judge and family of which others printed the like."""
    drawn = [line for line in lines if (line.explainer, line.judge) in pictured and not line.variant and line.mean.n]
    for key, group in groupby(sorted(drawn, key=_series), key=_series):
        scorer, metric, explainer, judge, family = key
        others = published_lines(scorer, metric)
        rungs = sorted(group, key=lambda line: line.width or 0)
        if others.empty or len({line.width for line in rungs}) < 2:
            continue
        within, link = linking.of([(scorer, "", metric)], explainer, judge)
        title = f"{measure_name(scorer, '', metric)}: labels by {explainer}, judge {judge}, {family}, beside others'"
        picture = width_curve(
            means_table(rungs), title=title, metric=metric, name=score_name(scorer, "", metric), within=within,
            published=others, link=link,
        )  # fmt: skip
        yield picture, picture_grid(picture.table)


def _series(line: Line) -> tuple[str, str, str, str, str]:
    return line.scorer, line.metric, line.explainer, line.judge, line.dictionary.rpartition("/")[0]
