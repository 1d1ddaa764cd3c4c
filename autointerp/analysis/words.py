"""The verdict of a run in sentences: what the scores allow one to say, and what they do not."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import pandas as pd

from autointerp.analysis.agreement import Agreement
from autointerp.analysis.certificates import Certificate, certificate_of, certificate_sentence
from autointerp.analysis.estimates import FEW_FEATURES, n_for_half_width
from autointerp.analysis.explainers import Comparison, comparison_statements
from autointerp.analysis.figures import count, number
from autointerp.analysis.statements import MIN_FOR_CLAIM, Statement, Tone, between, capital, plural
from autointerp.analysis.summary import Against, Line
from autointerp.analysis.swapping import Passed, items_of
from autointerp.analysis.width import Trend, trend_statements

WANTED_HALF_WIDTH = 0.05

CLAIM = (
    f"Better means: at least {MIN_FOR_CLAIM} pairs, and the 95% interval of the excess above 0, not corrected for "
    "looking several times. Worse: the interval below 0. All else is undecided."
)

STAND_INS = ("oracle", "constant", "scripted")
"""Judges that are programs of ours, not language models."""

CONTROL_NAMES = {
    "shuffled": "another feature's label",
    "blank": "a blank label",
    "lookup": "a table of tokens without any label",
}


@dataclass(frozen=True, slots=True)
class Findings:
    """What the verdict is drawn from.

    ``same_family`` is None when the manifest does not say. ``is_named``: the features were named in the
    configuration instead of drawn, so they are a sample of nothing.
    """

    lines: tuple[Line, ...]
    coverage: pd.DataFrame
    certificates: tuple[Certificate, ...] = ()
    trends: tuple[Trend, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    passed: tuple[Passed, ...] = ()
    same_family: bool | None = None
    explainer: str = ""
    judge: str = ""
    is_named: bool = False


def verdict(findings: Findings) -> tuple[Statement, ...]:
    """Return the sentences, what limits all the rest first. Never empty, never a bare mean."""
    return (
        *_judge_statements(findings),
        *_family_statement(findings),
        *_coverage_statements(findings),
        *_excess_statements(findings),
        *comparison_statements(findings.comparisons, findings.certificates),
        *_interval_statements(findings.lines),
        *trend_statements(findings.trends),
        *_agreement_statements(findings.agreements),
    )


def _judge_statements(findings: Findings) -> Iterator[Statement]:
    """Yield one statement a judge and scorer: examined or not, with what result."""
    judged = [line for line in findings.lines if line.is_headline]
    # The main variant first: the sentence must not speak of another one's examination.
    ordered = sorted(judged, key=lambda line: (*_judge_and_scorer(line), not line.is_main))
    for (judge, scorer), lines in groupby(ordered, key=_judge_and_scorer):
        yield _judge_statement(judge, scorer, certificate_of(next(lines), findings.certificates))
    for judge in sorted({line.judge for line in judged if line.judge.startswith(STAND_INS)}):
        yield Statement(
            "warning", f"The judge {judge} is a stand-in, not a language model: this run tests the machinery."
        )


def _judge_and_scorer(line: Line) -> tuple[str, str]:
    return line.judge, line.scorer


def _judge_statement(judge: str, scorer: str, certificate: Certificate | None) -> Statement:
    if certificate is None:
        text = f"The judge {judge} was never examined with the scorer {scorer} on features whose truth is known: "
        return Statement("warning", text + f"every {scorer} score below is uncertified.")
    sentence = certificate_sentence(certificate)
    if certificate.certified:
        return Statement("good", f"{sentence}. Its error rates may be different on other concepts.")
    return Statement("warning", f"{sentence}: every {scorer} score below is uncertified; do not rely on single labels.")


def _family_statement(findings: Findings) -> Iterator[Statement]:
    if findings.same_family:
        who = f" ({findings.explainer} and {findings.judge})" if findings.explainer and findings.judge else ""
        text = (
            f"Explainer and judge are of the same model family{who}: they may share blind spots, which raises scores."
        )
        yield Statement("warning", text)


def _coverage_statements(findings: Findings) -> Iterator[Statement]:
    table = findings.coverage
    if table.empty:
        yield Statement("warning", "No dictionary and no feature is on record: nothing can be said.")
        return
    columns = ("width", "n_eligible", "n_drawn", "scored")
    chosen = "named" if findings.is_named else "drawn"
    total, eligible, drawn, scored = (int(table[name].sum()) for name in columns)
    yield Statement(
        "plain",
        f"{plural(len(table), 'dictionary', 'dictionaries')} of {count(total)} features in all: "
        f"{_not_eligible(table)}, {count(eligible)} eligible, {count(drawn)} {chosen}, "
        f"{count(scored)} scored. {_reach(scored, is_named=findings.is_named)}",
    )
    without = sorted(set(table["dictionary"]) - {line.dictionary for line in findings.lines if line.mean.n})
    if without:
        yield Statement("warning", f"No label was scored for {', '.join(map(str, without))}.")


def _reach(scored: int, *, is_named: bool) -> str:
    """Return for which features the scores speak."""
    if not scored:
        return "There is no score."
    if is_named:
        return "The features were named, not drawn: their scores speak for no others."
    return "The scores speak for eligible features only."


def _not_eligible(table: pd.DataFrame) -> str:
    names = {"dead": "dead", "too_few_examples": "with too few examples to test", "unlisted": "not on record"}
    counts = {words: int(table[name].sum()) for name, words in names.items() if name in table}
    return ", ".join(f"{count(n)} {words}" for words, n in counts.items() if n or words != "not on record")


def _excess_statements(findings: Findings) -> Iterator[Statement]:
    """Yield one statement a main measure and explainer: in how many dictionaries labels beat each control."""
    groups = list(_by_measure(findings.lines))
    for who, members in groups:
        yield _excess_statement(who, members, findings)
    if any(line.against for _, members in groups for line in members):
        yield Statement("plain", CLAIM)


def _excess_statement(who: str, members: Sequence[Line], findings: Findings) -> Statement:
    names = dict.fromkeys(a.control for line in members for a in line.against)
    if not names:
        return Statement("warning", f"{who}: no control was scored, so nothing says what a worthless label gets.")
    tallies = {name: _tally([line.control(name) for line in members]) for name in names}
    parts = [f"{tally} than {CONTROL_NAMES.get(name, name)}" for name, (tally, _) in tallies.items()]
    beats = [has_all for _, has_all in tallies.values()]
    found = certificate_of(members[0], findings.certificates)
    best: Tone = "good" if found is not None and found.certified else "plain"
    text = "; ".join([*parts, *_labelled(members, findings.passed)])
    return Statement(best if all(beats) else "plain" if any(beats) else "warning", f"{who} are {text}.")


def _labelled(members: Sequence[Line], passed: Sequence[Passed]) -> Iterator[str]:
    """Yield how many single labels stand above other features' labels, where that was tested."""
    names = {(line.dictionary, line.explainer, line.scorer, line.variant, line.judge) for line in members}
    mine = [p for p in passed if (p.dictionary, p.explainer, p.scorer, p.variant, p.judge) in names]
    if not mine:
        return
    if not any(p.is_decidable for p in mine):
        windows = items_of(mine[0].scorer, max(p.most_undecidable for p in mine))
        yield f"whether a single one is above other features' labels cannot be decided with {windows}"
        return
    n_better, n_tested = sum(p.n_better for p in mine), sum(p.n_tested for p in mine)
    yield f"singly, {n_better} of {n_tested} stand above other features' labels (at most 5% false discoveries)"


def _by_measure(lines: Sequence[Line]) -> Iterator[tuple[str, list[Line]]]:
    """Yield the scored lines of each main measure, explainer and judge, with words for them."""
    chosen = sorted((line for line in lines if line.is_main and line.mean.n), key=_measure)
    several = len({line.judge for line in chosen}) > 1
    for (measure, explainer, judge), group in groupby(chosen, key=_measure):
        by = f", judge {judge}" if several else ""
        yield f"{capital(measure)}{by}: labels by the explainer {explainer}", list(group)


def _measure(line: Line) -> tuple[str, str, str]:
    return line.measure, line.explainer, line.judge


def _tally(against: Sequence[Against | None]) -> tuple[str, bool]:
    """Return in words how many dictionaries have labels above the control, and whether all have; None = not asked."""
    asked = [a.excess for a in against if a is not None]
    enough = [e for e in asked if e.n >= MIN_FOR_CLAIM]
    better, worse = sum(e.is_above_zero for e in enough), sum(e.is_below_zero for e in enough)
    counts = {
        "worse": worse, "undecided": len(enough) - better - worse, "too few pairs": len(asked) - len(enough),
        "not asked": len(against) - len(asked),
    }  # fmt: skip
    rest = ", ".join(f"{words} in {n}" for words, n in counts.items() if n)
    text = f"better in {better} of {plural(len(against), 'dictionary', 'dictionaries')}"
    return text + (f" ({rest})" if rest else ""), better == len(against)


def _interval_statements(lines: Sequence[Line]) -> Iterator[Statement]:
    """Yield, a main measure, how wide its intervals are and what n a tighter run would take."""
    chosen = sorted((line for line in lines if line.is_main and line.mean.n), key=lambda line: line.measure)
    for measure, group in groupby(chosen, key=lambda line: line.measure):
        yield from _interval_statement(capital(measure), list(group))


def _interval_statement(measure: str, members: Sequence[Line]) -> Iterator[Statement]:
    halves = [h for line in members if (h := line.mean.half_width) is not None]
    if not halves:
        yield Statement("warning", f"{measure}: at most one feature a dictionary was scored, so there is no interval.")
    elif max(halves) > WANTED_HALF_WIDTH:
        yield Statement("plain", _interval_text(measure, members, halves))


def _interval_text(measure: str, members: Sequence[Line], halves: Sequence[float]) -> str:
    sizes = [line.mean.n for line in members]
    sds = [sd for line in members if (sd := line.mean.sd) is not None]
    pooled = math.sqrt(sum(sd**2 for sd in sds) / len(sds))
    text = (
        f"{measure}: the intervals of the means reach {between([number(h) for h in (min(halves), max(halves))])} to "
        f"either side, with {between([str(n) for n in (min(sizes), max(sizes))])} features a dictionary; a half-width "
        f"of {number(WANTED_HALF_WIDTH)} would take about {count(n_for_half_width(pooled) or 2)} scored features in "
        f"each (SD over features {number(pooled)})."
    )
    few = f" With fewer than {FEW_FEATURES} features a bootstrap interval is itself rough, and too narrow."
    return text + (few if min(sizes) < FEW_FEATURES else "")


def _agreement_statements(agreements: Sequence[Agreement]) -> Iterator[Statement]:
    """Yield one statement: over how many comparisons two scorers agree better than by luck."""
    known = [a for a in agreements if a.rho is not None and _scorer(a.first) != _scorer(a.second)]
    if known:
        clear = sum(a.low is not None and a.low > 0 for a in known)
        rhos = [a.rho for a in known if a.rho is not None]
        text = (
            f"Different scorers put the same features on top in {clear} of "
            f"{plural(len(known), 'comparison', 'comparisons')} (interval of Spearman's rho above 0; rho "
            f"{between([number(min(rhos)), number(max(rhos))])})."
        )
        yield Statement(
            "plain", text + ("" if clear == len(known) else " Elsewhere they need not mean the same thing.")
        )


def _scorer(measure: str) -> str:
    """Return the first word of a measure's name: two variants of one scorer share it."""
    return measure.replace(",", " ").split()[0]
