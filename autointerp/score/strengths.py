"""A strength for every token of a window: the question, what can be read of the reply, and the windows again."""

from collections.abc import Callable, Iterable
from itertools import groupby
from math import isfinite

from autointerp.core.types import About, Digits, Failure, Prediction, Prompt, Question, Reason, Reply, Window
from autointerp.metrics.correlation import expected_value
from autointerp.prompting.files import render
from autointerp.prompting.replies import read_digits
from autointerp.prompting.windows import safe_text, token_lines, token_run
from autointerp.score.grading import Count, count_items
from autointerp.score.settings import ScoreSettings
from autointerp.score.verdicts import why_unread

SEPARATOR = "\t"


def ask_strengths(prompt: Prompt, settings: ScoreSettings, *, about: About) -> Question:
    """Return the question for a digit a token of the window it is about, all at once."""
    assert about.window is not None, "a question for strengths is about a window"
    window, label = about.window, safe_text(about.label)
    is_compact = settings.layout == "compact"
    mark = SEPARATOR if is_compact else settings.placeholder
    lines = token_run(window, separator=mark) if is_compact else token_lines(window, placeholder=mark)
    system, text = render(prompt, label=label, lines=lines, placeholder=mark, scale=settings.scale)
    wants = Digits(len(window.tokens), mark, settings.after, settings.scale, follows=is_compact)
    return Question(system, text, 1, wants, about=about)


def read_strengths(reply: Reply | Failure, count: int, scale: int) -> tuple[float, ...]:
    """Return the expected digit of each token, [count], in 0..scale; empty when any cannot be read."""
    if isinstance(reply, Failure):
        return ()
    if not reply.probabilities:
        return tuple(map(float, read_digits(reply.text, count=count, scale=scale) or ()))
    rows = reply.probabilities
    if len(rows) != count or not all(
        len(row) == scale + 1 and all(isfinite(p) and p >= 0 for p in row) for row in rows
    ):
        return ()
    values = [value for row in rows if (value := expected_value(row)) is not None]
    return tuple(values) if len(values) == count else ()


def predict_strengths(
    make: Callable[..., Prediction],
    window: Window,
    reply: Reply | Failure,
    *,
    variants: Iterable[str],
    weight: float,
    scale: int,
) -> list[Prediction]:
    """Return a prediction a token and variant; the guess is the expected digit, 0..scale, or None for all.

    A window is read whole or not at all.
    """
    guesses = read_strengths(reply, len(window.tokens), scale)
    return [
        make(
            variant=variant,
            item=f"{window.item}:{position}",
            truth=truth,
            guess=guesses[position] if guesses else None,
            weight=weight,
            kind="" if isinstance(reply, Failure) else reply.kind,
            reason=Reason.SCORED if guesses else why_unread(reply),
        )
        for variant in variants
        for position, truth in enumerate(window.activations)
    ]


def by_window(predictions: Iterable[Prediction]) -> list[list[Prediction]]:
    """Return the predictions of each window together, windows and tokens in order."""
    ordered = sorted(predictions, key=_place)
    return [list(group) for _, group in groupby(ordered, key=lambda p: _place(p)[0])]


def _place(prediction: Prediction) -> tuple[str, int]:
    """Return (window, position) of an item ``doc:start:position``; a document's name may hold colons."""
    window, _, position = prediction.item.rpartition(":")
    return window, int(position)


def count_windows(windows: list[list[Prediction]]) -> Count:
    """Return how many windows were asked and read; a window takes the first reason other than scored."""
    return count_items(
        next((p.reason for p in window if p.reason is not Reason.SCORED), Reason.SCORED) for window in windows
    )
