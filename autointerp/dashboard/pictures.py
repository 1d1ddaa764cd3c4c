"""The report's charts over a snapshot; each mark leads to the explorer with exactly the features behind it."""

from collections.abc import Sequence

import pandas as pd

from autointerp.analysis.figures import count
from autointerp.analysis.values import METRIC_NAMES, is_main
from autointerp.dashboard import links
from autointerp.dashboard.lines import Line
from autointerp.dashboard.shelf import Reader
from autointerp.report.charts.curve import width_curve
from autointerp.report.charts.distribution import score_distribution
from autointerp.report.charts.filters import all_of
from autointerp.report.charts.layers import place_names
from autointerp.report.charts.neighbourhood import neighbourhood_map
from autointerp.report.charts.picture import Picture

VALUES = """
SELECT dictionary, {column} AS value FROM labels
WHERE run = ? AND judge = ? AND explainer = ? AND dictionary IN (SELECT unnest(?))
"""


def ladder_pictures(reader: Reader, lines: Sequence[Line]) -> tuple[Picture, ...]:
    """Return how scores are distributed and their means by width: of one measure, explainer and judge.

    ``lines``: of one run, narrow dictionaries first. None where the measure is not one that verdicts speak of.
    """
    first = lines[0]
    column = reader.snapshot.names.scores.get(first.name)
    if column is None or not is_main(first.scorer, first.variant, first.metric):
        return ()
    key = ("ladder", first.run, first.name, first.explainer, first.judge, *(line.dictionary for line in lines))
    return reader.snapshot.once(key, lambda: _drawn(reader, lines, column))


def _drawn(reader: Reader, lines: Sequence[Line], column: str) -> tuple[Picture, ...]:
    first, means = lines[0], means_of(lines)
    names = [line.dictionary for line in lines]
    judge = _listed_judge(reader, first, column)
    values = reader.frame(VALUES.format(column=column), [first.run, judge, first.explainer, names])
    metric = METRIC_NAMES.get(first.metric, first.metric.replace("_", " "))
    whose = {"run": first.run, "explainer": first.explainer, "judge": judge}
    within = all_of(*(links.term(name, value) for name, value in whose.items()))
    title = f"{first.measure}, labels by {first.explainer}, judge {first.judge}"
    bars = score_distribution(
        values, means, title=f"{title}: features by score",
        metric=metric, name=first.name, within=within, link=links.features,
    )  # fmt: skip
    if means["width"].nunique() < 2:
        return (bars,)
    curve = width_curve(
        means, title=f"{title}: means by width, raw", metric=metric, name=first.name, within=within, link=links.features
    )
    return bars, curve


PLACES = """
SELECT n.dictionary, n.feature, n.x, n.y, l.value, l.label FROM neighbourhoods n LEFT JOIN (
    SELECT feature, any_value({column}) AS value, any_value(label) AS label FROM labels
    WHERE run = ? AND dictionary = ? AND judge = ? AND explainer = ? GROUP BY feature
) l USING (feature)
WHERE n.run = ? AND n.dictionary = ? ORDER BY n.feature
"""


def dictionary_map(reader: Reader, run: str, dictionary: str, lines: Sequence[Line]) -> Picture | None:
    """Return the map of a dictionary's features, or None before ``features map``; coloured by the first of *lines*.

    *lines*: the dictionary's main measures; without any that has a score the features are drawn without one.
    """
    # What judges a feature without a label stands under no writer of labels.
    drawn = [one for one in lines if one.n_scored and not one.explainer.startswith("control:")]
    line = next((one for one in drawn if one.name in reader.snapshot.names.scores), None)
    key = ("map", run, dictionary, *((line.name, line.explainer, line.judge) if line else ()))
    return reader.snapshot.once(key, lambda: _map(reader, run, dictionary, line))


def _map(reader: Reader, run: str, dictionary: str, line: Line | None) -> Picture | None:
    column = reader.snapshot.names.scores[line.name] if line else "NULL::DOUBLE"
    of_line = [_listed_judge(reader, line, column), line.explainer] if line else ["", ""]
    places = reader.frame(PLACES.format(column=column), [run, dictionary, *of_line, run, dictionary])
    if places.empty:
        return None
    by = f", by {line.measure}, labels by {line.explainer}, judge {line.judge}" if line else ""
    return neighbourhood_map(
        places, title=f"Neighbourhoods of {dictionary}, {count(len(places))} features{by}",
        measure=line.measure if line else "", chance=line.chance if line else None,
        address=lambda feature: links.feature(dictionary, feature, run),
    )  # fmt: skip


def _listed_judge(reader: Reader, line: Line, column: str) -> str:
    """Return under which judge rows hold the measure: what one judge was asked stands in the rows of all judges."""
    sql = f"SELECT DISTINCT judge FROM labels WHERE run = ? AND {column} IS NOT NULL ORDER BY judge"
    judges = [str(row["judge"]) for row in reader.rows(sql, [line.run])]
    return line.judge if line.judge in judges or not judges else judges[0]


def means_of(lines: Sequence[Line]) -> pd.DataFrame:
    """Return the frame of means that charts draw, a row a dictionary, with what its control got."""
    places = place_names({line.dictionary: line.width for line in lines})
    rows = [
        {
            "dictionary": line.dictionary,
            "place": places[line.dictionary],
            "width": line.width,
            "mean": line.value,
            "low": line.low,
            "high": line.high,
            "scored": line.n_scored,
            "asked": line.n_asked,
            "chance": line.chance,
        }
        | ({line.control: line.control_value} if line.control else {})
        for line in lines
    ]
    return pd.DataFrame(rows).astype({"mean": float, "low": float, "high": float, "chance": float})
