"""The verdict of a gate: rules held against what was measured, passed, failed or not decidable."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import pandas as pd

from autointerp.analysis.figures import number, with_interval
from autointerp.analysis.paired import Flips, Paired
from autointerp.analysis.values import measure_name

FEATURE = ["dictionary", "feature", "explainer", "scorer", "variant", "metric"]


class Verdict(StrEnum):
    """What a rule comes to; of all of them the worst: fail before inconclusive before pass."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


EXIT_CODES = {Verdict.PASS: 0, Verdict.FAIL: 10, Verdict.INCONCLUSIVE: 7}


@dataclass(frozen=True, slots=True)
class Rules:
    """What a run must keep to, see ``[gate]``; None: not looked at."""

    max_drop: float | None = 0.05
    min_coverage: float | None = 0.5
    max_flip_rate: float | None = None
    same_judge: bool = True
    drift: bool = True
    watched: tuple[str, ...] = ()
    remeasure: bool = True


@dataclass(frozen=True, slots=True)
class Check:
    """One rule on one thing measured. ``is_noisy``: another measurement could come out otherwise.

    ``scorer``: whose answers would have to be asked again; "" where none.
    """

    rule: str
    about: str
    verdict: Verdict
    text: str
    is_noisy: bool = False
    scorer: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the rules are held against: run b beside its baseline a.

    ``systems_a``, ``systems_b``: what answered as the judge. ``watched``: scores of the watched features in either run,
    with ``FEATURE``, run (a or b), value, low and high. ``alarm``: what the anchors say against the judge, "" where
    nothing; ``n_anchored``: in how many evaluations they were asked, the baseline's first.
    """

    paired: tuple[Paired, ...]
    flips: tuple[Flips, ...]
    floors: tuple[Flips, ...]
    systems_a: tuple[str, ...]
    systems_b: tuple[str, ...]
    watched: pd.DataFrame = field(compare=False)
    alarm: str = ""
    n_anchored: int = 0


def decide(checks: Sequence[Check]) -> Verdict:
    """Return the verdict of all rules; without any it is inconclusive: nothing was shown."""
    found = {check.verdict for check in checks}
    if Verdict.FAIL in found:
        return Verdict.FAIL
    return Verdict.PASS if found == {Verdict.PASS} else Verdict.INCONCLUSIVE


def hold(rules: Rules, measured: Measured) -> tuple[Check, ...]:
    """Return every rule held against what was measured."""
    return (
        *_judge(rules, measured),
        *_drift(rules, measured),
        *_drops(rules, measured),
        *_coverage(rules, measured),
        *_flips(rules, measured),
        *_watched(rules, measured),
    )


def confirmed(first: Sequence[Check], again: Sequence[Check]) -> tuple[Check, ...]:
    """Return the checks after a second measurement: a failure that did not come again is not decided.

    It is no pass, either: who asks until it passes passes in the end.
    """
    second = {(check.rule, check.about): check for check in again}
    return tuple(_confirmed(check, second.get((check.rule, check.about))) for check in first)


def _confirmed(check: Check, again: Check | None) -> Check:
    if check.verdict is not Verdict.FAIL or not check.is_noisy or again is None:
        return check
    if again.verdict is Verdict.FAIL:
        return Check(check.rule, check.about, Verdict.FAIL, f"{check.text}; measured again: {again.text}")
    text = f"{check.text}; measured again it is not confirmed: {again.text}"
    return Check(check.rule, check.about, Verdict.INCONCLUSIVE, text)


# ---- rules


def _judge(rules: Rules, measured: Measured) -> Iterator[Check]:
    if not rules.same_judge:
        return
    a, b = (", ".join(systems) for systems in (measured.systems_a, measured.systems_b))
    if not a or not b:
        yield Check("judge", "", Verdict.INCONCLUSIVE, "no call of a judge is on record: it cannot be told who judged")
    elif a != b:
        yield Check("judge", "", Verdict.FAIL, f"the judge is another one: {a} → {b}")
    else:
        yield Check("judge", "", Verdict.PASS, f"the judge is the baseline's: {b}")


def _drift(rules: Rules, measured: Measured) -> Iterator[Check]:
    if not rules.drift:
        return
    if measured.alarm:
        yield Check("drift", "", Verdict.FAIL, measured.alarm)
    elif measured.n_anchored > 1:
        text = f"no alarm from known-truth anchors over {measured.n_anchored} evaluations"
        yield Check("drift", "", Verdict.PASS, text)


def _drops(rules: Rules, measured: Measured) -> Iterator[Check]:
    if rules.max_drop is None:
        return
    if not measured.paired:
        yield Check("drop", "", Verdict.INCONCLUSIVE, "no measure was taken in both runs")
    for p in measured.paired:
        edge, d = -rules.max_drop, p.difference
        if d.low is None or d.high is None:
            verdict = Verdict.INCONCLUSIVE
        else:
            verdict = Verdict.FAIL if d.high < edge else Verdict.PASS if d.low >= edge else Verdict.INCONCLUSIVE
        text = f"{_name(p)} changed by {with_interval(d, digits=3)} over {d.n} pairs, allowed {number(edge, digits=3)}"
        yield Check("drop", _name(p), verdict, text, is_noisy=True, scorer=p.scorer)


def _coverage(rules: Rules, measured: Measured) -> Iterator[Check]:
    for p in measured.paired if rules.min_coverage is not None else ():
        share = p.scored_b / p.asked_b if p.asked_b else 0.0
        verdict = Verdict.PASS if share >= (rules.min_coverage or 0.0) else Verdict.FAIL
        text = f"{_name(p)}: {p.scored_b}/{p.asked_b} scored, at least {rules.min_coverage:.0%} needed"
        yield Check("coverage", _name(p), verdict, text)


def _flips(rules: Rules, measured: Measured) -> Iterator[Check]:
    for flips in measured.flips if rules.max_flip_rate is not None else ():
        floor = next((f for f in measured.floors if (f.scorer, f.variant) == (flips.scorer, flips.variant)), None)
        beside = "noise floor not measured" if floor is None else f"noise floor {number(floor.rate)}"
        about = f"{flips.scorer} {flips.variant}".strip()
        text = f"{about}: {number(flips.rate)} of {flips.n_items} verdicts turned, allowed {rules.max_flip_rate}"
        verdict = _flip_verdict(flips, floor, rules.max_flip_rate or 0.0)
        yield Check("flips", about, verdict, f"{text}, {beside}", is_noisy=True, scorer=flips.scorer)


def _flip_verdict(flips: Flips, floor: Flips | None, most: float) -> Verdict:
    """Return fail where more turned than allowed, unless as many turn by themselves."""
    low, high = (flips.rate if end is None else end for end in (flips.low, flips.high))
    if low is None or high is None or (floor is not None and (floor.rate or 0.0) > most):
        return Verdict.INCONCLUSIVE
    return Verdict.FAIL if low > most else Verdict.PASS if high <= most else Verdict.INCONCLUSIVE


def _watched(rules: Rules, measured: Measured) -> Iterator[Check]:
    """Yield each watched feature's main measures: lower where its interval lies below that of the baseline."""
    rows = measured.watched
    for name in rules.watched:
        mine = rows[(rows["dictionary"].astype(str) + "#" + rows["feature"].astype(str)) == name]
        if mine.empty:
            yield Check("watched", name, Verdict.INCONCLUSIVE, f"{name} was never asked about")
        for key, pair in mine.groupby(FEATURE, sort=True):
            yield _watched_check(name, tuple(map(str, key)), pair)


def _watched_check(name: str, key: tuple[str, ...], pair: pd.DataFrame) -> Check:
    _, _, explainer, scorer, variant, metric = key
    about = f"{name} {measure_name(scorer, variant, metric)}, labels by {explainer}"
    a, b = (pair[pair["run"] == run].dropna(subset=["value"]) for run in ("a", "b"))
    if a.empty or b.empty:
        return Check("watched", about, Verdict.INCONCLUSIVE, f"{about}: without a score in {_lacking(a, b)}")
    before, after = a.iloc[0], b.iloc[0]
    is_lower = pd.notna(after["high"]) and pd.notna(before["low"]) and after["high"] < before["low"]
    text = f"{about}: {number(before['value'])} → {number(after['value'])}"
    verdict = Verdict.FAIL if is_lower else Verdict.PASS
    return Check("watched", about, verdict, text, is_noisy=True, scorer=scorer)


def _lacking(a: pd.DataFrame, b: pd.DataFrame) -> str:
    return " and ".join(which for which, rows in (("the baseline", a), ("the run", b)) if rows.empty)


def _name(p: Paired) -> str:
    return f"{measure_name(p.scorer, p.variant, p.metric)}, labels by {p.explainer}"
