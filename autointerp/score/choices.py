"""One of several: numbered options, a digit for an answer, and the share of right choices."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import isfinite

import numpy as np

from autointerp.core.draws import uniform
from autointerp.core.types import About, Digits, Failure, Prediction, Prompt, Question, Reason, Reply, Score, Window
from autointerp.metrics.classification import effective_number
from autointerp.metrics.intervals import wilson_interval
from autointerp.prompting.files import render
from autointerp.prompting.replies import read_digits
from autointerp.score.grading import Estimate, count_items, finish
from autointerp.score.settings import ScoreSettings
from autointerp.score.verdicts import why_unread

ACCURACY = "accuracy"


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice: ``right`` is the number of the right option, 1 for the first.

    ``new``: the window that is to be put to one of the options, where there is one. ``weight``: of this
    choice beside the others of its variant.
    """

    item: str
    options: tuple[Window, ...]
    right: int
    new: Window | None = None
    weight: float = 1.0
    variant: str = ""


def balanced_place(number: int, n_options: int, *, seed: int, key: tuple[object, ...]) -> int:
    """Return the right option's number, 1..n_options, of the choice with this number in a keyed order.

    Every place is right equally often, so that a judge who always takes one place is at chance.
    """
    return 1 + (number + int(uniform(seed, "place", *key) * n_options)) % n_options


def ask_choice(prompt: Prompt, settings: ScoreSettings, *, about: About, **holes: object) -> Question:
    """Return the question for the number of one of the options it is about."""
    n = len(about.options)
    system, text = render(prompt, n_options=n, placeholder=settings.placeholder, after=settings.after, **holes)
    return Question(system, text, 1, Digits(1, settings.placeholder, settings.after, n), about=about)


def read_choice(make: Callable[..., Prediction], choice: Choice, reply: Reply | Failure) -> list[Prediction]:
    """Return a prediction an option, named ``item:number``: truth 1 for the right one, guess = P(this option)."""
    guesses = () if isinstance(reply, Failure) else _read_shares(reply, len(choice.options))
    return [
        make(
            variant=choice.variant,
            item=f"{choice.item}:{number}",
            truth=float(number == choice.right),
            guess=guesses[number - 1] if guesses else None,
            weight=choice.weight,
            kind="" if isinstance(reply, Failure) else reply.kind,
            reason=Reason.SCORED if guesses else why_unread(reply),
        )
        for number in range(1, len(choice.options) + 1)
    ]


def grade_choices(
    score: Score, predictions: Iterable[Prediction], settings: ScoreSettings, *, chance: float, metric: str = ACCURACY
) -> Score:
    """Return the share of right choices, *weighted* ones by their weight under any metric but ``ACCURACY``.

    Ties share: the right option among n likeliest ones counts 1 / n. n_asked and n_read count choices.
    """
    choices = by_choice(predictions)
    count = count_items(options[0].reason for options in choices)
    read = [options for options in choices if options[0].guess is not None]
    weight = np.array([1.0 if metric == ACCURACY else options[0].weight for options in read])
    if not weight.sum() > 0:
        estimate = Estimate(metric, None, None, chance, "no choice with weight was read")
        return finish(score, estimate, count, settings)
    value = float(weight @ np.array([_credit(options) for options in read]) / weight.sum())
    interval = wilson_interval(value, effective_number(weight))
    return finish(score, Estimate(metric, value, interval, chance), count, settings)


def by_choice(predictions: Iterable[Prediction]) -> list[list[Prediction]]:
    """Return the predictions of each choice together, options in order."""
    ordered = sorted(predictions, key=_place)
    return [list(group) for _, group in groupby(ordered, key=lambda p: _place(p)[0])]


def not_asked(score: Score, lacks: str) -> Score:
    """Return the score of what could not be asked."""
    return replace(score, status=Reason.TOO_FEW_EXAMPLES, reason=lacks or "nothing was asked")


def _place(prediction: Prediction) -> tuple[str, int]:
    item, _, number = prediction.item.rpartition(":")
    return item, int(number)


def _credit(options: Sequence[Prediction]) -> float:
    """Return 1 for the right option alone in front, 1 / n for one of n in front, 0 for one behind."""
    guesses = np.array([p.guess for p in options], dtype=np.float64)
    ahead = np.isclose(guesses, guesses.max())
    return float(next(is_ahead for is_ahead, p in zip(ahead, options, strict=True) if p.truth) / ahead.sum())


def _read_shares(reply: Reply, n: int) -> tuple[float, ...]:
    """Return the options' shares of the probability, [n]; empty when none of them can be read."""
    if not reply.probabilities:
        written = read_digits(reply.text, count=1, scale=n)
        return tuple(float(number == written[0]) for number in range(1, n + 1)) if written and written[0] else ()
    row = reply.probabilities[0]
    if len(reply.probabilities) != 1 or len(row) != n + 1 or not all(isfinite(p) and p >= 0 for p in row):
        return ()
    total = sum(row[1:])
    return tuple(p / total for p in row[1:]) if total > 0 else ()
