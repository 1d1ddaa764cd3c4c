"""What can be relied on of one feature's labels, in one or two sentences."""

from collections.abc import Sequence

from autointerp.analysis.figures import number, ranged
from autointerp.analysis.statements import plural
from autointerp.report.known import Labelled, Measured

LEVEL = 0.05
"""A label is above other features' labels where these do as well at most this often."""

Found = tuple[Labelled, Measured]


def verdict_on(labels: Sequence[Labelled], status: str) -> str:
    """Return the verdict: a label can be relied on where a certified judge puts it above other features' labels.

    *status* is the feature's, in words. Scores of different scorers are not compared: the example
    named is the first of its kind.
    """
    if not labels:
        return f"Nothing to rely on: this feature has no label ({status})."
    scored = [(label, m) for label in labels for m in label.scores if m.is_main and m.value is not None]
    if not scored:
        return f"Nothing can be said of {plural(len(labels), 'this label', 'these labels')}: {_why_unscored(labels)}."
    return _sentence(scored)


def value_text(m: Measured) -> str:
    """Return ``0.81 [0.70, 0.91]``, or that it is unscored and why."""
    if m.value is None:
        return f"unscored: {m.status}" + (f" ({m.reason})" if m.reason else "")
    return ranged(m.value, m.low, m.high)


def is_above(m: Measured) -> bool:
    """Whether the label does better than chance, and than other features' labels on the same windows.

    All of: p at most ``LEVEL``, also among all labels of the dictionary (``labelled``), a positive excess over
    their score, an interval above chance. A p value alone compares guesses; a score may still lie below chance.
    """
    other = next((c.excess for c in m.controls if c.control == "shuffled"), None)
    is_unlikely = m.p is not None and m.p <= LEVEL and m.labelled in (None, "yes")
    is_over_others = is_unlikely and (other is None or other > 0)
    return is_over_others and (m.low is None or m.chance is None or m.low > m.chance)


def among_all(m: Measured) -> str:
    """Return whether a label with a p value stands out among all of its dictionary that were tested alike."""
    if m.labelled == "undecidable":
        return f"which cannot be decided with {m.judged}"
    stands = "above" if m.labelled == "yes" else "not above"
    labels = plural(m.n_tested, "label", "labels")
    return f"{stands} them at a false discovery rate of {LEVEL:.0%} ({labels} of its dictionary)"


def _sentence(scored: Sequence[Found]) -> str:
    above = [one for one in scored if is_above(one[1])]
    relied = [one for one in above if one[1].standing == "certified"]
    if relied:
        return f"Can be relied on: {_example(*relied[0])}.{_caution(*relied[0])}"
    if above:
        label, m = above[0]
        return f"Do not rely on it alone: {_example(label, m)}, but the judge is {m.standing} for this measure."
    label, m = scored[0]
    return (
        "Do not rely on it: no label was shown to do better than other features' labels on the same windows, "
        f"and the judge is {m.standing}. {_example(label, m)}."
        if m.standing != "certified"
        else "Do not rely on it: the judge is certified, and no label was shown to do better than other features' "
        f"labels on the same windows. {_example(label, m)}."
    )


def _example(label: Labelled, m: Measured) -> str:
    """Return the label with its figures: interval, what other labels got, chance."""
    return f'"{label.text}" ({label.explainer}) has {m.measure} {value_text(m)}, {_beside(m)}'


def _beside(m: Measured) -> str:
    other = next((c for c in m.controls if c.control == "shuffled"), None)
    compared = "no other label was asked about" if m.p is None else f"p {m.p:.2g} against other labels"
    compared += "" if m.labelled is None else f", {among_all(m)}"
    control = "" if other is None else f"another feature's label {number(other.value)}, "
    return f"{control}chance {number(m.chance)} ({compared})"


def _caution(label: Labelled, m: Measured) -> str:
    """Return what limits a label that can be relied on: its tags, a judge of the family that wrote it."""
    tags = f" What is the matter with it: {', '.join(label.tags)}." if label.tags else ""
    return tags + (" Judge and explainer are of one model family." if m.is_same_family else "")


def _why_unscored(labels: Sequence[Labelled]) -> str:
    reasons = list(dict.fromkeys(value_text(m) for label in labels for m in label.scores))
    return "; ".join(reasons) or "nothing was asked about it"
