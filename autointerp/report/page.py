"""A run as one page: what stands on it and in which order; templates say how it looks."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from autointerp.analysis.agreement import Agreement, agreements
from autointerp.analysis.calibrating import set_right
from autointerp.analysis.certificates import read_certificates
from autointerp.analysis.coverage import coverage, evidence_sentence, failures_by_reason
from autointerp.analysis.explainers import Comparison, compare_explainers
from autointerp.analysis.figures import count
from autointerp.analysis.headline import headline
from autointerp.analysis.ladders import ladders
from autointerp.analysis.laws import score_laws
from autointerp.analysis.panels import judges_beside
from autointerp.analysis.statements import Statement
from autointerp.analysis.summary import summary_lines
from autointerp.analysis.swapping import SwapTest, passed, swap_tests
from autointerp.analysis.width import width_trends
from autointerp.analysis.words import Findings, verdict
from autointerp.report import grids, trusted
from autointerp.report.blocks import Block
from autointerp.report.cards import Card, build_cards, predicted_scale
from autointerp.report.choice import Choice, choose_features, main_explainer
from autointerp.report.costs import cost_grid, lost_sentence, models_of
from autointerp.report.diagnoses import Tags, diagnosis_grid, meanings, tagged_labels, tags_by_label
from autointerp.report.glossary import GLOSSARY
from autointerp.report.grids import Grid
from autointerp.report.linking import NO_LINKS, Linking
from autointerp.report.measures import Measure, measures_of
from autointerp.report.parts import Parts, parts_of
from autointerp.report.people import agreement_grids
from autointerp.report.tables import RunTables, named, values_of


@dataclass(frozen=True, slots=True)
class Page:
    """Everything a report shows, as text; ``random`` cards come before the ``extreme`` ones.

    ``diagnosis`` has rows where some label is tagged; ``tags`` and ``tests`` are of all labels. ``judges`` has
    rows where several judges were asked the same, ``right`` where the zoo gave the judge's error rates.
    ``headline`` is the verdict in three sentences, ``statements`` all there is to say; ``parts``: blocks by section.
    ``linked`` says where marks of pictures lead, "" where they do not.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    headline: tuple[Statement, ...]
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
    parts: Parts = field(default_factory=dict)
    has_text: bool = True
    linked: str = ""
    glossary: tuple[tuple[str, str], ...] = GLOSSARY

    def card(self, feature: object) -> Card | None:
        """Return the card of a feature wherever it stands on the page."""
        return next((c for c in (*self.random, *self.extreme) if c.feature == feature), None)


def build_page(
    run: RunTables,
    *,
    seed: int = 0,
    with_text: bool = True,
    change: tuple[Block, ...] = (),
    linking: Linking = NO_LINKS,
) -> Page:
    """Return the page of a run; *seed* decides bootstrap draws and which features are shown.

    Without *with_text* nothing of the corpus is on it: no windows, and no examples of failures, which may quote a
    reply. Labels stay. *change*: what differs from other runs, if they were named. *linking*: makes links of marks.
    """
    run = named(run)
    values = values_of(run)
    lines = summary_lines(values, run["features"], run["dictionaries"], seed=seed)
    counts = coverage(run["features"], run["dictionaries"])
    certificates = read_certificates(run["certificates"])
    by_width = ladders(values, run["dictionaries"], run["features"], seed=seed)
    trends = width_trends(by_width, seed=seed)
    order = [str(name) for name in counts["dictionary"]]
    agreed = _in_order(agreements(values, seed=seed), order)
    writer = main_explainer(run["explanations"])
    choice = choose_features(run["features"], values, writer=writer, order=order, seed=seed)
    compared = _in_order(compare_explainers(values, seed=seed), order)
    laws = score_laws(by_width, run["training"], seed=seed)
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
        headline=headline(findings, explainers=run.explainers),
        statements=verdict(findings),
        coverage=grids.coverage_grid(counts),
        certificates=grids.certificate_grid(certificates),
        measures=tuple(measures_of(run, findings, values, laws, linking=linking)),
        metrics=grids.metrics_grid(lines, certificates),
        agreement=grids.agreement_grid(agreed),
        labelled=trusted.labelled_grid(findings.passed, order),
        judges=trusted.judges_grid(judges_beside(run["predictions"], seed=seed)),
        right=trusted.right_grid(set_right(lines, values, certificates, seed=seed)),
        tests=tests,
        diagnosis=diagnosis_grid(tagged, order),
        meanings=meanings(tagged),
        tags=tags,
        quality=grids.quality_grid(run["dictionaries"]),
        choice=choice,
        random=build_cards(run, choice.random, seed=seed, tags=tags, with_text=with_text),
        extreme=build_cards(run, _new(choice), seed=seed, tags=tags, with_text=with_text),
        failures=grids.failures_grid(failures_by_reason(run["failures"]), with_example=with_text),
        cost=cost_grid(run),
        raters=raters,
        people=people,
        lost=lost_sentence(run.sent, models_of(run)),
        reproduce=tuple(_reproduce(run)),
        config=json.dumps(manifest.get("config", {}), indent=2, ensure_ascii=False, default=str),
        evidence=evidence_sentence(run["evidence"]),
        scale=predicted_scale(manifest),
        parts={**parts_of(run, findings, values, by_width, laws, seed=seed, linking=linking), "change": change},
        has_text=with_text,
        linked=linking.sentence,
    )


Found = TypeVar("Found", Agreement, Comparison)


def _in_order(found: Sequence[Found], order: Sequence[str]) -> tuple[Found, ...]:
    """Return them by dictionary, narrow ones first as everywhere on the page; what is over several comes last."""
    places = {name: place for place, name in enumerate(order)}
    return tuple(sorted(found, key=lambda one: places.get(one.dictionary, len(order))))


def _new(choice: Choice) -> list[Any]:
    """Return the extreme features that are not among the random ones, each once."""
    return [f for f in dict.fromkeys((*choice.worst, *choice.best, *choice.disagreed)) if f not in choice.random]


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
