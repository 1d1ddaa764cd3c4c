"""Spearman: ranks of digits guessed for nine-token excerpts of all strengths (Towards Monosemanticity)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autointerp.core.types import (
    About,
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
from autointerp.metrics.correlation import quantise_activations
from autointerp.metrics.intervals import bootstrap_interval
from autointerp.metrics.ranks import spearman, spearman_of_resamples
from autointerp.score.cost import estimate_tokens
from autointerp.score.excerpts import LENGTH, choose_excerpts
from autointerp.score.grading import Estimate, blank_prediction, few_examples, finish, template, unscored
from autointerp.score.settings import ScoreSettings
from autointerp.score.strengths import ask_strengths, by_window, count_windows, predict_strengths
from autointerp.score.verdicts import of_each

METRICS = ("spearman", "spearman_weighted")


class Spearman:
    """One question an excerpt; rho over all tokens of all excerpts, activations cut to digits as the guesses are.

    ``spearman_weighted`` gives every excerpt the inclusion weight of its tile (the importance weighting
    of Towards Monosemanticity): what the label is worth on text as it comes, mostly silent.
    """

    name = "spearman"
    headline = ("", "spearman")
    chance: float | None = 0.0
    low = -1.0
    high = 1.0
    direction = 1
    uses_label = True
    needs: tuple[str, ...] = ("digits",)

    def __init__(self, prompt: Prompt, settings: ScoreSettings) -> None:
        self.prompt = prompt
        self.settings = settings
        self.calls = sum(settings.n_excerpts)
        self.tokens_a_call = estimate_tokens(prompt, text=4 * LENGTH)

    def questions(self, evidence: Evidence, labelled: Labelled) -> list[Question]:
        """Return one question an excerpt in the order of their names; none when there are too few examples."""
        if few_examples(evidence, self.settings):
            return []
        label = labelled.explanation.text
        windows = [excerpt.window for excerpt in choose_excerpts(evidence, self.settings)]
        abouts = [About(evidence.feature, window.item, label, window, self.name) for window in windows]
        return [ask_strengths(self.prompt, self.settings, about=about) for about in abouts]

    def read(
        self, evidence: Evidence, labelled: Labelled, judge: str, question: Question, reply: Reply | Failure
    ) -> list[Prediction]:
        """Return a prediction a token; truth is the activation itself."""
        assert question.about is not None, "spearman questions say what they are about"
        item = question.about.item
        excerpt = next(e for e in choose_excerpts(evidence, self.settings) if e.window.item == item)
        make = blank_prediction(evidence, labelled, scorer=self.name, judge=judge)
        scale = self.settings.scale
        return predict_strengths(make, excerpt.window, reply, variants=("",), weight=excerpt.weight, scale=scale)

    def grade(self, evidence: Evidence, predictions: Sequence[Prediction]) -> tuple[Score, ...]:
        """Return both coefficients; n_asked and n_read count excerpts."""
        score = replace(template(evidence, predictions, scorer=self.name), chance=self.chance)
        windows = by_window(predictions)
        lacks = few_examples(evidence, self.settings) or ("" if windows else "nothing was asked")
        if lacks:
            return of_each(replace(score, status=Reason.TOO_FEW_EXAMPLES, reason=lacks), METRICS)
        read = [window for window in windows if all(p.guess is not None for p in window)]
        key = (str(evidence.feature), score.explanation, score.judge, score.control, score.draw)
        estimates = (self._estimate(evidence, read, metric, key) for metric in METRICS)
        return tuple(finish(score, found, count_windows(windows), self.settings) for found in estimates)

    def unscored(
        self, evidence: Evidence, labelled: Labelled | None, *, judge: str, status: Reason, reason: str
    ) -> tuple[Score, ...]:
        """Return both coefficients without number, for a label never put to the judge."""
        score = unscored(evidence, labelled, scorer=self.name, judge=judge, status=status, reason=reason)
        return of_each(replace(score, chance=self.chance), METRICS)

    def _estimate(
        self, evidence: Evidence, windows: list[list[Prediction]], metric: str, key: tuple[object, ...]
    ) -> Estimate:
        """Return one coefficient with a bootstrap over excerpts, for tokens of one are not independent."""
        if not windows:
            return Estimate(metric, None, None, self.chance, "no excerpt was read")
        peak, scale = evidence.peak, self.settings.scale
        truth = [quantise_activations([p.truth for p in w], peak=peak, scale=scale) for w in windows]
        guess = [np.array([p.guess for p in w], dtype=np.float64) for w in windows]
        weight = [w[0].weight if metric == "spearman_weighted" else 1.0 for w in windows]
        of_tokens = np.repeat(weight, [len(w) for w in windows])
        value = spearman(np.concatenate(truth), np.concatenate(guess), of_tokens)
        if value is None:
            return Estimate(metric, None, None, self.chance, "all digits are the same, the judge's or the feature's")

        def resampled(counts: FloatArray) -> FloatArray:
            return spearman_of_resamples(truth, guess, weight, counts)

        interval = bootstrap_interval(len(windows), resampled, seed=self.settings.seed, key=(metric, *key))
        return Estimate(metric, value, interval, self.chance)
