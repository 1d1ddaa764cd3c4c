"""A run as one page: what stands on it and in which order; templates say how it looks."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

import pandas as pd

from autointerp.analysis.agreement import Agreement, agreements
from autointerp.analysis.calibrating import set_right
from autointerp.analysis.certificates import read_certificates
from autointerp.analysis.coverage import coverage, evidence_sentence, failures_by_reason
from autointerp.analysis.explainers import Comparison, compare_explainers
from autointerp.analysis.figures import count
from autointerp.analysis.panels import judges_beside
from autointerp.analysis.statements import Statement, capital
from autointerp.analysis.summary import Line, summary_lines
from autointerp.analysis.swapping import SwapTest, passed, swap_tests
from autointerp.analysis.values import feature_values
from autointerp.analysis.width import FIXED_FOOTING, RAW_FOOTING, Trend, trend_sentence, width_trends
from autointerp.analysis.words import Findings, verdict
from autointerp.report import grids, trusted
from autointerp.report.cards import Card, build_cards, predicted_scale
from autointerp.report.charts import Picture, extent_of, score_distribution, width_curve
from autointerp.report.choice import Choice, choose_features
from autointerp.report.costs import cost_grid, lost_sentence, models_of
from autointerp.report.diagnoses import Tags, diagnosis_grid, meanings, tagged_labels, tags_by_label
from autointerp.report.footings import fixed_beside
from autointerp.report.glossary import GLOSSARY
from autointerp.report.grids import Grid
from autointerp.report.limits import limits
from autointerp.report.people import agreement_grids
from autointerp.report.tables import RunTables

MOST_PICTURED = 3
"""Explainers and judges of which a measure has pictures."""


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


@dataclass(frozen=True, slots=True)
class Page:
    """Everything a report shows, as text; ``random`` cards come before the ``extreme`` ones.

    ``diagnosis`` has rows where some label is tagged; ``tags`` and ``tests`` are of all labels. ``judges`` has
    rows where several judges were asked the same, ``right`` where the zoo gave the judge's error rates.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    statements: tuple[Statement, ...]
    coverage: Grid
    certificates: Grid
    measures: tuple[Measure, ...]
    metrics: Grid
    agreement: Grid
    labelled: Grid
    judges: Grid
    right: Grid
    tests: tuple[SwapTest, ...]
    diagnosis: Grid
    meanings: tuple[tuple[str, str], ...]
    tags: Tags
    quality: Grid
    choice: Choice
    random: tuple[Card, ...]
    extreme: tuple[Card, ...]
    failures: Grid
    cost: Grid
    raters: Grid
    people: Grid
    lost: str
    reproduce: tuple[tuple[str, str], ...]
    config: str
    evidence: str
    scale: float
    glossary: tuple[tuple[str, str], ...] = GLOSSARY

    def card(self, feature: object) -> Card | None:
        """Return the card of a feature wherever it stands on the page."""
        return next((c for c in (*self.random, *self.extreme) if c.feature == feature), None)


def build_page(run: RunTables, *, seed: int = 0) -> Page:
    """Return the page of a run; *seed* decides bootstrap draws and which features are shown."""
    lines = summary_lines(
        run["scores"], run["explanations"], run["features"], run["dictionaries"],
        explainers=run.explainers, seed=seed,
    )  # fmt: skip
    counts = coverage(run["features"], run["dictionaries"])
    certificates = read_certificates(run["certificates"])
    trends = width_trends(run["scores"], run["explanations"], run["dictionaries"], run["features"], seed=seed)
    order = [str(name) for name in counts["dictionary"]]
    agreed = _in_order(agreements(run["scores"], run["explanations"], seed=seed), order)
    choice = choose_features(run["features"], run["scores"], run["explanations"], order=order, seed=seed)
    compared = _in_order(compare_explainers(run["scores"], run["explanations"], seed=seed), order)
    tests = swap_tests(run["predictions"], run["explanations"])
    tagged = tagged_labels(run)
    tags = tags_by_label(tagged)
    raters, people = agreement_grids(run)
    manifest = run.manifest
    findings = Findings(
        lines, counts, certificates, trends, agreed, compared, passed(tests), same_family=run.same_family,
        explainer=fact(manifest.get("explainer")), judge=fact(manifest.get("judge")), is_named=run.is_named,
    )  # fmt: skip
    return Page(
        title=fact(manifest.get("name")) or "unnamed run",
        facts=tuple(_facts(run)),
        statements=verdict(findings),
        coverage=grids.coverage_grid(counts),
        certificates=grids.certificate_grid(certificates),
        measures=tuple(_measures(run, findings)),
        metrics=grids.metrics_grid(lines, certificates),
        agreement=grids.agreement_grid(agreed),
        labelled=trusted.labelled_grid(findings.passed, order),
        judges=trusted.judges_grid(judges_beside(run["predictions"], seed=seed)),
        right=trusted.right_grid(set_right(lines, _values(run), certificates, seed=seed)),
        tests=tests,
        diagnosis=diagnosis_grid(tagged, order),
        meanings=meanings(tagged),
        tags=tags,
        quality=grids.quality_grid(run["dictionaries"]),
        choice=choice,
        random=build_cards(run, choice.random, seed=seed, tags=tags),
        extreme=build_cards(run, _new(choice), seed=seed, tags=tags),
        failures=grids.failures_grid(failures_by_reason(run["failures"])),
        cost=cost_grid(run),
        raters=raters,
        people=people,
        lost=lost_sentence(run.sent, models_of(run)),
        reproduce=tuple(_reproduce(run)),
        config=json.dumps(manifest.get("config", {}), indent=2, ensure_ascii=False, default=str),
        evidence=evidence_sentence(run["evidence"]),
        scale=predicted_scale(manifest),
    )


Found = TypeVar("Found", Agreement, Comparison)


def _in_order(found: Sequence[Found], order: Sequence[str]) -> tuple[Found, ...]:
    """Return them by dictionary, narrow ones first as everywhere on the page; what is over several comes last."""
    places = {name: place for place, name in enumerate(order)}
    return tuple(sorted(found, key=lambda one: places.get(one.dictionary, len(order))))


def _new(choice: Choice) -> list[Any]:
    """Return the extreme features that are not among the random ones, each once."""
    return [f for f in dict.fromkeys((*choice.best, *choice.worst)) if f not in choice.random]


def _values(run: RunTables) -> pd.DataFrame:
    return feature_values(run["scores"], run["explanations"], explainers=run.explainers)


# ---- measures


def _measures(run: RunTables, findings: Findings) -> Iterator[Measure]:
    """Yield the headline measures, those a verdict speaks of first."""
    values = _values(run)
    headlines = (line for line in findings.lines if line.is_headline)
    chosen = sorted(headlines, key=lambda line: (not line.is_main, line.measure))
    for measure, group in groupby(chosen, key=lambda line: line.measure):
        members = list(group)
        first = members[0]
        same = ["scorer", "variant", "metric"]
        rows = values[(values[same] == [getattr(first, name) for name in same]).all(axis=1)]
        yield Measure(
            title=capital(measure),
            is_main=first.is_main,
            limits=limits(run, members, findings.certificates),
            grid=grids.scores_grid(members, findings.certificates),
            versus=grids.comparison_grid([c for c in findings.comparisons if _is_of(c, first)]),
            pictures=tuple(
                (p, grids.picture_grid(p.table)) for p in _pictures(rows, members, run.explainers, findings.trends)
            ),
            trends=tuple(trend_sentence(t) for t in findings.trends if _is_of(t, first)),
        )


def _pictures(
    values: Any, members: Sequence[Line], explainers: Sequence[str], trends: Sequence[Trend]
) -> Iterator[Picture]:
    """Yield for each explainer and judge the features by width, and a curve where a family has two widths.

    All on one axis: the eye compares explainers by height. Of MOST_PICTURED at most, in the order of the
    configuration: a hundred pictures show nobody anything, and the tables have every explainer.
    """
    extent = extent_of(values, members)
    ordered = sorted(members, key=_series)
    series = dict.fromkeys(map(_series, ordered))
    pictured = sorted(series, key=lambda one: _rank(one[0], explainers))[:MOST_PICTURED]
    for (explainer, judge), group in groupby(ordered, key=_series):
        if (explainer, judge) not in pictured:
            continue
        lines = sorted(group, key=lambda line: (line.width or 0, line.dictionary))
        mine = values[(values["explainer"] == explainer) & (values["judge"] == judge)]
        title = f"{lines[0].measure}: labels by {explainer}, judge {judge}"
        yield score_distribution(mine, lines, title=title, extent=extent)
        for family, ladder in groupby(sorted(lines, key=_family), key=_family):
            rungs = list(ladder)
            if len(rungs) > 1:
                fixed = fixed_beside(trends, rungs[0])
                footing = f"raw and with {FIXED_FOOTING}" if fixed else RAW_FOOTING
                words = f"{title}, means by width of {family}, {footing}"
                yield width_curve(rungs, title=words, extent=extent, fixed=fixed)


def _rank(explainer: str, explainers: Sequence[str]) -> int:
    """Return the place of an explainer in the configuration, which may name it without what it starts from."""
    base = explainer.partition(":")[0]
    places = [i for i, name in enumerate(explainers) if explainer == name or base.startswith(name)]
    return places[0] if places else len(explainers)


def _series(line: Line) -> tuple[str, str]:
    return line.explainer, line.judge


def _family(line: Line) -> str:
    return line.dictionary.rsplit("/", 1)[0]


def _is_of(found: Trend | Comparison, line: Line) -> bool:
    return (found.scorer, found.variant, found.metric) == (line.scorer, line.variant, line.metric)


# ---- manifest


def fact(value: object) -> str:
    """Return a manifest entry as one line of text; "" when there is none."""
    if value is None or isinstance(value, str):
        return value or ""
    return count(value) if isinstance(value, int) and not isinstance(value, bool) else json.dumps(value, default=str)


def _facts(run: RunTables) -> Iterator[tuple[str, str]]:
    manifest = {**run.manifest, "explainer": _explainer(run)}
    for name in ("subject", "corpus", "explainer", "judge", "created", "key"):
        value = manifest.get(name)
        if value is not None and value != "":
            yield name, _corpus(value) if name == "corpus" and isinstance(value, Mapping) else _described(value)


def _explainer(run: RunTables) -> str:
    """Return what writes the labels; a language model is named only where one did."""
    model = "no language model" if run.writes_without_model else fact(run.manifest.get("explainer"))
    return " · ".join(filter(None, [", ".join(run.explainers), model]))


def _corpus(value: Mapping[str, Any]) -> str:
    """Return the text a run read on one line: its sources, how many documents and tokens."""
    sizes = [f"{fact(value[name])} {name.removeprefix('n_')}" for name in ("n_documents", "n_tokens") if name in value]
    return " · ".join([str(value.get("name", "")), *sizes])


def _described(value: object) -> str:
    """Return a group of facts on one line: ``name toy text · n tokens 2,013,000``."""
    if not isinstance(value, Mapping):
        return fact(value)
    return " · ".join(f"{str(name).replace('n_', '')} {fact(inner)}" for name, inner in value.items())


def _reproduce(run: RunTables) -> Iterator[tuple[str, str]]:
    """Yield what another person needs to get the same tables."""
    manifest = run.manifest
    for name in ("command", "git_commit", "config_key", "key", "seeds", "versions", "harvest", "timings"):
        if manifest.get(name) is not None:
            yield {"timings": "timings (seconds)"}.get(name, name.replace("_", " ")), _described(manifest[name])
    for row in run["dictionaries"].to_dict("records"):
        yield f"sha256 of {row['dictionary']}", str(row["sha256"])
