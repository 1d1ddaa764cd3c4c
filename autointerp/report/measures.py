"""The headline measures of a run: each with what limits it, its tables and its pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import pandas as pd

from autointerp.analysis.explainers import Comparison
from autointerp.analysis.laws import ScoreLaw
from autointerp.analysis.names import has_names
from autointerp.analysis.power_law import PowerLaw
from autointerp.analysis.statements import Statement, capital
from autointerp.analysis.summary import Line
from autointerp.analysis.width import FIXED_FOOTING, RAW_FOOTING, Trend, trend_sentence
from autointerp.analysis.words import Findings
from autointerp.report import grids
from autointerp.report.charts import Picture, extent_of, means_table, score_distribution, score_name, width_curve
from autointerp.report.charts.fixed import beside_fixed, fixed_beside
from autointerp.report.charts.layers import FIT
from autointerp.report.grids import Grid
from autointerp.report.limits import limits
from autointerp.report.linking import NO_LINKS, Linking
from autointerp.report.tables import RunTables

MOST_PICTURED = 3
"""Explainers and judges of which a measure has pictures."""

Series = tuple[str, str]
"""Explainer and judge."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One headline measure: what limits it, its table over dictionaries and explainers, its pictures with numbers.

    ``versus`` has rows where labels of two explainers were scored.
    """

    title: str
    is_main: bool
    limits: tuple[Statement, ...]
    grid: Grid
    versus: Grid
    pictures: tuple[tuple[Picture, Grid], ...]
    trends: tuple[str, ...]


def measures_of(
    run: RunTables,
    findings: Findings,
    values: pd.DataFrame,
    laws: Sequence[ScoreLaw],
    *,
    linking: Linking = NO_LINKS,
) -> Iterator[Measure]:
    """Yield the headline measures, those a verdict speaks of first; *values* are ``feature_values`` of the run."""
    headlines = (line for line in findings.lines if line.is_headline)
    chosen = sorted(headlines, key=lambda line: (not line.is_main, line.measure))
    for measure, group in groupby(chosen, key=lambda line: line.measure):
        members = list(group)
        first = members[0]
        rows = values[has_names(values, {name: getattr(first, name) for name in ("scorer", "variant", "metric")})]
        drawn = pictures_of(rows, members, run.explainers, findings.trends, laws, linking=linking)
        yield Measure(
            title=capital(measure),
            is_main=first.is_main,
            limits=limits(run, members, findings.certificates),
            grid=grids.scores_grid(members, findings.certificates),
            versus=grids.comparison_grid([c for c in findings.comparisons if _is_of(c, first)]),
            pictures=tuple((p, grids.picture_grid(p.table)) for p in drawn),
            trends=tuple(trend_sentence(t) for t in findings.trends if _is_of(t, first)),
        )


def pictured(lines: Sequence[Line], explainers: Sequence[str]) -> list[Series]:
    """Return the explainers and judges that have pictures: MOST_PICTURED, in the order of the configuration.

    A hundred pictures show nobody anything, and the tables have every explainer.
    """
    series = dict.fromkeys(map(_series, sorted(lines, key=_series)))
    return sorted(series, key=lambda one: _rank(one[0], explainers))[:MOST_PICTURED]


def pictures_of(
    values: pd.DataFrame,
    members: Sequence[Line],
    explainers: Sequence[str],
    trends: Sequence[Trend],
    laws: Sequence[ScoreLaw],
    *,
    linking: Linking,
) -> Iterator[Picture]:
    """Yield for each explainer and judge the features by width, and a curve where a family has two widths.

    All on one axis: the eye compares explainers by height.
    """
    extent = extent_of(values, means_table(members))
    shown = pictured(members, explainers)
    measure = members[0].scorer, members[0].variant, members[0].metric
    name = score_name(*measure)
    for (explainer, judge), group in groupby(sorted(members, key=_series), key=_series):
        if (explainer, judge) not in shown:
            continue
        lines = sorted(group, key=lambda line: (line.width or 0, line.dictionary))
        mine = values[(values["explainer"] == explainer) & (values["judge"] == judge)]
        title = f"{lines[0].measure}: labels by {explainer}, judge {judge}"
        within, link = linking.of([measure], explainer, judge)
        metric = lines[0].metric
        yield score_distribution(
            mine, means_table(lines), title=title, metric=metric, name=name, within=within, extent=extent, link=link
        )
        for family, ladder in groupby(sorted(lines, key=_family), key=_family):
            rungs = list(ladder)
            if len(rungs) > 1:
                fixed = fixed_beside(trends, rungs[0])
                footing = f"raw and with {FIXED_FOOTING}" if fixed else RAW_FOOTING
                words = f"{title}, means by width of {family}, {footing}"
                means = beside_fixed(means_table(rungs), fixed) if fixed else means_table(rungs)
                means = with_fit(means, law_of(laws, rungs[0]))
                yield width_curve(means, title=words, metric=metric, name=name, within=within, extent=extent, link=link)


def law_of(laws: Sequence[ScoreLaw], line: Line) -> PowerLaw | None:
    """Return the raw law against width that was fitted through the means of *line*'s family."""
    key = (_family(line), line.explainer, line.scorer, line.variant, line.metric, line.judge)
    mine = (one.law for one in laws if one.key == key and one.footing == RAW_FOOTING and one.law.against == "width")
    return next((law for law in mine if law.exponent and law.scale), None)


def with_fit(means: pd.DataFrame, law: PowerLaw | None) -> pd.DataFrame:
    """Return the frame of means with the fitted mean at each width, 1 - scale * width ** exponent."""
    if law is None or law.exponent is None or law.scale is None or law.exponent.value is None:
        return means
    return means.assign(**{FIT: 1 - law.scale * means["width"].astype(float) ** law.exponent.value})


def _rank(explainer: str, explainers: Sequence[str]) -> int:
    """Return the place of an explainer in the configuration, which may name it without what it starts from."""
    base = explainer.partition(":")[0]
    places = [i for i, name in enumerate(explainers) if explainer == name or base.startswith(name)]
    return places[0] if places else len(explainers)


def _series(line: Line) -> Series:
    return line.explainer, line.judge


def _family(line: Line) -> str:
    return line.dictionary.rsplit("/", 1)[0]


def _is_of(found: Trend | Comparison, line: Line) -> bool:
    return (found.scorer, found.variant, found.metric) == (line.scorer, line.variant, line.metric)
