"""Simulation: given the label, how strongly does the feature fire on each token? (Bills et al. 2023)"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from math import isfinite

import numpy as np

from autointerp.core.types import (
    About,
    Digits,
    Evidence,
    Failure,
    FloatArray,
    Labelled,
    Prediction,
    Prompt,
    Question,
    Reason,
    Reply,
    Score,
)
from autointerp.metrics.correlation import expected_value, is_constant, pearson, pearson_of_resamples
from autointerp.metrics.intervals import bootstrap_interval
from autointerp.prompting.files import render
from autointerp.prompting.replies import is_refusal, read_digits
from autointerp.prompting.windows import safe_text, token_lines, token_run
from autointerp.score.cost import estimate_tokens
from autointerp.score.grading import (
    Count,
    Estimate,
    blank_prediction,
    count_items,
    few_examples,
    finish,
    template,
    unread_reason,
    unscored,
)
from autointerp.score.pairs import RANDOM_ONLY, TOP_AND_RANDOM, Pair, choose_pairs
from autointerp.score.settings import ScoreSettings

VARIANTS = (TOP_AND_RANDOM, RANDOM_ONLY)
METRIC = "correlation"
SEPARATOR = "\t"


class Simulation:
    """One question a window, all tokens at once; signed and uncalibrated correlation, pooled over tokens."""

    name = "simulation"
    headline = (TOP_AND_RANDOM, METRIC)
    chance: float | None = 0.0
    low = -1.0
    high = 1.0
    direction = 1
    uses_label = True
    needs: tuple[str, ...] = ("digits",)

    def __init__(self, prompt: Prompt, settings: ScoreSettings) -> None:
        self.prompt = prompt
        self.settings = settings
        self.calls = settings.n_top + settings.n_random
        self.tokens = estimate_tokens(prompt, calls=self.calls, text=192 if settings.layout == "lines" else 128)

    def questions(self, evidence: Evidence, labelled: Labelled) -> list[Question]:
        """Return one question a window in the order of their names; none when there are too few examples."""
        if few_examples(evidence, self.settings):
            return []
        label = safe_text(labelled.explanation.text)
        return [self._question(evidence, labelled, label, pair) for pair in choose_pairs(evidence, self.settings)]

    def read(
        self, evidence: Evidence, labelled: Labelled, judge: str, question: Question, reply: Reply | Failure
    ) -> list[Prediction]:
        """Return a prediction a token and variant; the guess is the expected digit, 0..scale, or None for all.

        A window is read whole or not at all. A pair drawn at random counts for both variants.
        """
        assert question.about is not None, "simulation questions say what they are about"
        item = question.about.item
        pair = next(p for p in choose_pairs(evidence, self.settings) if p.window.item == item)
        guesses = _read_guesses(reply, len(pair.window.tokens), self.settings.scale)
        refused = isinstance(reply, Reply) and is_refusal(reply.text)
        make = blank_prediction(evidence, labelled, scorer=self.name, judge=judge)
        return [
            make(
                variant=variant,
                item=f"{item}:{position}",
                truth=truth,
                guess=guesses[position] if guesses else None,
                weight=pair.weight,
                kind="" if isinstance(reply, Failure) else reply.kind,
                reason=Reason.SCORED if guesses else unread_reason(reply, is_refused=refused),
            )
            for variant in pair.variants
            for position, truth in enumerate(pair.window.activations)
        ]

    def grade(self, evidence: Evidence, predictions: Sequence[Prediction]) -> tuple[Score, ...]:
        """Return the correlation of each variant; n_asked and n_read count windows."""
        score = replace(template(evidence, predictions, scorer=self.name), metric=METRIC, chance=self.chance)
        return tuple(self._grade_variant(evidence, predictions, replace(score, variant=name)) for name in VARIANTS)

    def unscored(
        self, evidence: Evidence, labelled: Labelled | None, *, judge: str, status: Reason, reason: str
    ) -> tuple[Score, ...]:
        """Return a score without number for each variant, for a label never put to the judge."""
        score = unscored(evidence, labelled, scorer=self.name, judge=judge, status=status, reason=reason)
        return tuple(replace(score, metric=METRIC, chance=self.chance, variant=name) for name in VARIANTS)

    def _question(self, evidence: Evidence, labelled: Labelled, label: str, pair: Pair) -> Question:
        settings = self.settings
        is_compact = settings.layout == "compact"
        mark = SEPARATOR if is_compact else settings.placeholder
        lines = token_run(pair.window, separator=mark) if is_compact else token_lines(pair.window, placeholder=mark)
        system, prompt = render(self.prompt, label=label, lines=lines, placeholder=mark, scale=settings.scale)
        wants = Digits(len(pair.window.tokens), mark, settings.after, settings.scale, follows=is_compact)
        about = About(evidence.feature, pair.window.item, labelled.explanation.text, pair.window)
        return Question(system, prompt, 1, wants, about=about)

    def _grade_variant(self, evidence: Evidence, predictions: Sequence[Prediction], score: Score) -> Score:
        windows = _by_window(p for p in predictions if p.variant == score.variant)
        lacks = few_examples(evidence, self.settings) or ("" if windows else "no such window was asked")
        if lacks:
            return replace(score, status=Reason.TOO_FEW_EXAMPLES, reason=lacks)
        read = [window for window in windows if all(p.guess is not None for p in window)]
        key = (str(evidence.feature), score.explanation, score.variant, score.judge, score.control, score.draw)
        return finish(score, _estimate(read, seed=self.settings.seed, key=key), _count(windows), self.settings)


def _read_guesses(reply: Reply | Failure, count: int, scale: int) -> tuple[float, ...]:
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


def _by_window(predictions: Iterable[Prediction]) -> list[list[Prediction]]:
    """Return the predictions of each window together, windows and tokens in order."""
    ordered = sorted(predictions, key=_place)
    return [list(group) for _, group in groupby(ordered, key=lambda p: _place(p)[0])]


def _place(prediction: Prediction) -> tuple[str, int]:
    """Return (window, position) of an item ``doc:start:position``; a document's name may hold colons."""
    window, _, position = prediction.item.rpartition(":")
    return window, int(position)


def _count(windows: list[list[Prediction]]) -> Count:
    """Return how many windows were asked and read; a window takes the first reason other than scored."""
    return count_items(
        next((p.reason for p in window if p.reason is not Reason.SCORED), Reason.SCORED) for window in windows
    )


def _estimate(windows: list[list[Prediction]], *, seed: int, key: tuple[object, ...]) -> Estimate:
    """Return Pearson's r over all tokens, with a bootstrap over windows, for tokens of one are not independent."""
    truth = [np.array([p.truth for p in window]) for window in windows]
    guess = [np.array([p.guess for p in window], dtype=np.float64) for window in windows]
    if not windows:
        return Estimate(METRIC, None, None, 0.0, "no window was read")
    value = pearson(np.concatenate(truth), np.concatenate(guess))
    if value is None:
        return Estimate(METRIC, None, None, 0.0, _why_undefined(truth))

    def resampled(counts: FloatArray) -> FloatArray:
        return pearson_of_resamples(truth, guess, counts)

    return Estimate(METRIC, value, bootstrap_interval(len(windows), resampled, seed=seed, key=key), 0.0)


def _why_undefined(truth: list[FloatArray]) -> str:
    if is_constant(np.concatenate(truth)):
        return "the activation is the same on every token of these windows"
    return "the judge guessed the same for every token"
