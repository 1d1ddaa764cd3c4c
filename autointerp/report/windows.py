"""Token windows as runs of text with a shade: what a feature did, and what was predicted of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from autointerp.report.text import visible_token

SHADES = 16
"""Classes ``a1`` .. ``a16`` and ``p1`` .. ``p16`` of the style sheet; 0 is plain text."""

DEFAULT_SCALE = 9.0
"""Simulated activations are expected values of digits 0..9, where a run's manifest does not say 10."""


@dataclass(frozen=True, slots=True)
class Run:
    """Text of one shade; ``title`` is empty for the merged plain runs."""

    text: str
    shade: int
    title: str


def shade_of(value: float, top: float) -> int:
    """Return 0 for nothing, else 1..16 in proportion to *top*; more than *top* is 16.

    >>> shade_of(0.0, 4.0), shade_of(0.01, 4.0), shade_of(4.0, 4.0), shade_of(1.0, 0.0)
    (0, 1, 16, 16)
    """
    if not value > 0:
        return 0
    return SHADES if value >= top else max(1, math.ceil(SHADES * value / top))


def activation_runs(tokens: Sequence[str], activations: Sequence[float], *, peak: float) -> tuple[Run, ...]:
    """Return the window with activations as shades of *peak*; both of length T."""
    titles = [f"activation {a:.3g}" for a in activations]
    return _merge(tokens, [shade_of(a, peak) for a in activations], titles)


def predicted_runs(
    tokens: Sequence[str], guesses: Sequence[float | None], *, scale: float = DEFAULT_SCALE
) -> tuple[Run, ...]:
    """Return the window with predictions as shades of 0..*scale*, rounded: below 0.3 and None (unread) are plain."""
    top = max([scale, *(g for g in guesses if g is not None)])
    titles = ["unread" if g is None else f"predicted {g:.2f} of {top:.3g}" for g in guesses]
    return _merge(tokens, [round(SHADES * max(g or 0.0, 0.0) / top) for g in guesses], titles)


def _merge(tokens: Sequence[str], shades: Sequence[int], titles: Sequence[str]) -> tuple[Run, ...]:
    """Return one run a shaded token and one for each stretch of plain ones: 640 tokens are some 126 elements."""
    runs: list[Run] = []
    for token, shade, title in zip(tokens, shades, titles, strict=True):
        text = visible_token(token)
        if shade == 0 and runs and runs[-1].shade == 0:
            runs[-1] = Run(runs[-1].text + text, 0, "")
        else:
            runs.append(Run(text, shade, title if shade else ""))
    return tuple(runs)
