"""One feature as text for a terminal: verdict, why, labels with scores, windows, the judge's mistakes."""

from collections.abc import Iterator

from autointerp.analysis.figures import number
from autointerp.report.known import MARKS, Against, FeaturePage, Labelled, Measured, Mistake
from autointerp.report.reliance import among_all, value_text

N_MISTAKES = 5
"""Mistakes a label shows; all of them stand in the JSON."""


def page_text(page: FeaturePage) -> str:
    """Return the page, what limits the reader first."""
    return "\n".join(_lines(page))


def _lines(page: FeaturePage) -> Iterator[str]:
    yield page.feature
    yield page.verdict
    why = [line for label in page.labels for line in _why(label)]
    if why or page.examination:
        yield from ("", "Why", *(f"  {sentence}." for sentence in page.examination), *why)
    yield from ("", " · ".join(f"{name} {value}" for name, value in page.facts.items()))
    for label in page.labels:
        yield from ("", f"{label.text}  (by {_writer(label)})")
        yield from (f"  {_measured(m)}" for m in label.scores)
        if not label.scores:
            yield "  not scored yet"
    yield from ("", *page.unwritten) if page.unwritten else ()
    yield from ("", "At other widths", *(f"  {line}" for line in page.relatives)) if page.relatives else ()
    yield from _windows(page)
    yield from _mistakes(page)


def _why(label: Labelled) -> Iterator[str]:
    for tag, meaning in zip(label.tags, label.meanings, strict=True):
        yield f"  {label.explainer}: {tag}: {meaning}"


def _writer(label: Labelled) -> str:
    return label.explainer if label.model in ("", label.explainer) else f"{label.explainer}, {label.model}"


def _measured(m: Measured) -> str:
    """Return one measure: value and interval, answers read, chance, controls and excess, standing, judge."""
    same = ", the explainer's" if m.is_same_family else ""
    parts = [
        f"{m.measure}: {value_text(m)}",
        f"{m.n_read}/{m.n_asked} read",
        f"chance {number(m.chance)}",
        *(map(_control, m.controls) if m.controls else ["no control"]),
        *([] if m.p is None else [f"p {m.p:.2g} against other labels, {among_all(m)}"]),
        m.standing,
        f"judge {m.judge} (family {m.judge_family}{same})",
    ]
    return " · ".join(parts)


def _control(c: Against) -> str:
    sign = "+" if c.excess is not None and round(c.excess, 2) > 0 else ""
    excess = "" if c.excess is None else f", excess {sign}{number(c.excess)}"
    return f"{c.control} control {number(c.value)}{excess}"


def _windows(page: FeaturePage) -> Iterator[str]:
    opening, closing = MARKS
    yield from ("", f"Windows, tokens that fire between {opening} and {closing}. {page.tested_on}")
    for title, texts in page.windows.items():
        yield from ("", title, *(f"  {text}" for text in texts))


def _mistakes(page: FeaturePage) -> Iterator[str]:
    judged = [label for label in page.labels if label.n_verdicts]
    if judged:
        yield from ("", "The judge's mistakes, the surest first")
    for label in judged:
        shown = label.mistakes[:N_MISTAKES]
        more = f", {len(shown)} shown" if len(shown) < len(label.mistakes) else ""
        yield from ("", f"{label.text}: wrong on {len(label.mistakes)} of {label.n_verdicts} answers{more}")
        for mistake in shown:
            yield from (f"  {_said(mistake)}", f"    {mistake.text}")


def _said(m: Mistake) -> str:
    return f"{m.scorer}: P(yes) {number(m.p_yes)} · truth: {m.truth}" + (f" ({m.stratum})" if m.stratum else "")
