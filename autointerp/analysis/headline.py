"""The verdict in three sentences: how many features it rests on, what their labels score, what cannot be concluded."""

from collections.abc import Iterator, Sequence

from autointerp.analysis.certificates import certificate_of
from autointerp.analysis.figures import count, number, ranged, with_interval
from autointerp.analysis.statements import Statement, Tone, between, plural
from autointerp.analysis.summary import Line
from autointerp.analysis.words import STAND_INS, Findings

NAMED = ("examples",)
"""The explainer spoken of where a run has several, if it is there; else the first."""


def headline(findings: Findings, *, explainers: Sequence[str] = ()) -> tuple[Statement, Statement, Statement]:
    """Return the three sentences; *explainers* are those of the configuration, in its order."""
    lines = headline_lines(findings, explainers)
    return _coverage(findings), _scores(lines), _open(lines, findings)


def headline_lines(findings: Findings, explainers: Sequence[str] = ()) -> list[Line]:
    """Return the lines of ONE main measure, explainer and judge, narrow dictionaries first; a certified one if any."""
    scored = [line for line in findings.lines if line.is_main and line.mean.n]
    ranks = {name: place for place, name in enumerate((*NAMED, *explainers))}

    def rank(line: Line) -> tuple[object, ...]:
        found = certificate_of(line, findings.certificates)
        is_certified = found is not None and found.certified
        return not is_certified, ranks.get(line.explainer, len(ranks)), line.explainer, line.measure, line.judge

    best = min(map(rank, scored), default=None)
    return [line for line in scored if rank(line) == best]


def _coverage(findings: Findings) -> Statement:
    table = findings.coverage
    if table.empty:
        return Statement("warning", "No dictionary and no feature is on record.")
    total, eligible, drawn, scored = (int(table[name].sum()) for name in ("width", "n_eligible", "n_drawn", "scored"))
    chosen = "named" if findings.is_named else "drawn"
    text = (
        f"Scored: {count(scored)} of {plural(drawn, 'feature', 'features')} {chosen} from "
        f"{plural(len(table), 'dictionary', 'dictionaries')} of {count(total)} features, of which {count(eligible)} "
        "fire often enough to be tested."
    )
    return Statement("plain" if scored else "warning", text)


def _scores(lines: Sequence[Line]) -> Statement:
    if not lines:
        return Statement("warning", "No label has a score by a main measure.")
    first, last = lines[0], lines[-1]
    means = f"{with_interval(first.mean)} ({first.dictionary}, n = {first.mean.n})"
    if len(lines) > 1:
        means += f" to {with_interval(last.mean)} ({last.dictionary}, n = {last.mean.n})"
    return Statement(
        "plain",
        f"By {first.measure}, labels by {first.explainer} score {means}, 95% intervals over features, where chance is "
        f"{number(first.chance)}{_above(lines)}.",
    )


def _above(lines: Sequence[Line]) -> str:
    """Return in how many dictionaries the labels are above another feature's, by the interval of the difference."""
    controls = [control for line in lines if (control := line.control("shuffled")) is not None and control.mean.n]
    if not controls:
        return " and no other feature's label was asked about"
    n = sum(control.excess.is_above_zero for control in controls)
    means = sorted(control.mean.value or 0.0 for control in controls)
    other = between([number(means[0]), number(means[-1])])
    if len(controls) == 1:
        e = controls[0].excess
        return f" and another feature's label gets {other} (difference {ranged(e.value, e.low, e.high)})"
    return (
        f" and another feature's label gets {other}; the difference is above 0 in {n} of {len(controls)} dictionaries"
    )


def _open(lines: Sequence[Line], findings: Findings) -> Statement:
    """Return what these scores do not allow one to say."""
    found = certificate_of(lines[0], findings.certificates) if lines else None
    tone: Tone = "plain" if found is not None and found.certified else "warning"
    return Statement(tone, f"It cannot be concluded {'; '.join(_not_said(lines, findings))}.")


def _not_said(lines: Sequence[Line], findings: Findings) -> Iterator[str]:
    if lines:
        yield _judge(lines[0], findings)
        yield from _width(lines[0], findings)
    if findings.same_family:
        yield "that another model family would judge alike: explainer and judge are of one"
    whose = "others than the features named" if findings.is_named else "features that are dead or fire too rarely"
    yield f"anything about {whose}"


def _judge(line: Line, findings: Findings) -> str:
    found = certificate_of(line, findings.certificates)
    if line.judge.startswith(STAND_INS):
        return f"anything about a language model: the judge {line.judge} is a stand-in"
    if found is not None and found.certified:
        return f"that the judge {line.judge}, certified on made-up features, errs as seldom on these"
    why = "was never examined" if found is None else "failed its examination"
    return f"that any single label is right: the judge {line.judge} {why} with {line.scorer}"


def _width(line: Line, findings: Findings) -> Iterator[str]:
    """Yield that width changes nothing known, where a ladder shows no clear trend at fixed density."""
    names = ("explainer", "scorer", "variant", "metric", "judge")
    mine = [t for t in findings.trends if all(getattr(t, name) == getattr(line, name) for name in names)]
    ladder = [t for t in mine if len(t.widths) > 1]
    clear = [t.slope for t in ladder if not t.is_raw and t.slope and (t.slope.is_above_zero or t.slope.is_below_zero)]
    if ladder and not clear:
        yield "that labels get better or worse with dictionary size"
