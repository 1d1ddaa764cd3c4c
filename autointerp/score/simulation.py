"""Simulation: given the label, how strongly does the feature fire on each token? (Bills et al. 2023)"""

from collections.abc import Sequence
from dataclasses import replace

from autointerp.core.types import (
    About,
    Evidence,
    Failure,
    Labelled,
    Prediction,
    Prompt,
    Question,
    Reason,
    Reply,
    Score,
)
from autointerp.score.cost import estimate_tokens
from autointerp.score.grading import blank_prediction, few_examples, finish, template, unscored
from autointerp.score.pairs import RANDOM_ONLY, TOP_AND_RANDOM, choose_pairs
from autointerp.score.settings import ScoreSettings
from autointerp.score.simulated import CHANCE, METRIC, Simulated, estimate
from autointerp.score.strengths import ask_strengths, by_window, count_windows, predict_strengths

VARIANTS = (TOP_AND_RANDOM, RANDOM_ONLY)
TOKENS_A_WINDOW = {"lines": 256, "compact": 160}
"""Of 64 tokens with their tabs and placeholders, roughly."""


class Simulation:
    """One question a window, all tokens at once; signed and uncalibrated correlation, pooled over tokens.

    ``settings.simulation_metrics`` adds figures of the same predictions; see ``simulated``.
    """

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
        self.tokens_a_call = estimate_tokens(prompt, text=TOKENS_A_WINDOW[settings.layout])

    def questions(self, evidence: Evidence, labelled: Labelled) -> list[Question]:
        """Return one question a window in the order of their names; none when there are too few examples."""
        if few_examples(evidence, self.settings):
            return []
        label = labelled.explanation.text
        windows = [pair.window for pair in choose_pairs(evidence, self.settings)]
        return [self.ask(About(evidence.feature, window.item, label, window, self.name)) for window in windows]

    def ask(self, about: About) -> Question:
        """Return the question about one window."""
        return ask_strengths(self.prompt, self.settings, about=about)

    def read(
        self, evidence: Evidence, labelled: Labelled, judge: str, question: Question, reply: Reply | Failure
    ) -> list[Prediction]:
        """Return a prediction a token and variant; a pair drawn at random counts for both variants."""
        assert question.about is not None, "simulation questions say what they are about"
        item = question.about.item
        pair = next(p for p in choose_pairs(evidence, self.settings) if p.window.item == item)
        make = blank_prediction(evidence, labelled, scorer=self.name, judge=judge)
        return predict_strengths(
            make, pair.window, reply, variants=pair.variants, weight=pair.weight, scale=self.settings.scale
        )

    def grade(self, evidence: Evidence, predictions: Sequence[Prediction]) -> tuple[Score, ...]:
        """Return the metrics of each variant; n_asked and n_read count windows."""
        score = template(evidence, predictions, scorer=self.name)
        return tuple(
            found for name in VARIANTS for found in self._grade(evidence, predictions, replace(score, variant=name))
        )

    def unscored(
        self, evidence: Evidence, labelled: Labelled | None, *, judge: str, status: Reason, reason: str
    ) -> tuple[Score, ...]:
        """Return a score without number for each variant and metric, for a label never put to the judge."""
        score = unscored(evidence, labelled, scorer=self.name, judge=judge, status=status, reason=reason)
        return tuple(found for name in VARIANTS for found in self._empty(replace(score, variant=name)))

    def _empty(self, score: Score) -> list[Score]:
        return [replace(score, metric=metric, chance=CHANCE[metric]) for metric in self.settings.simulation_metrics]

    def _grade(self, evidence: Evidence, predictions: Sequence[Prediction], score: Score) -> list[Score]:
        """Return the metrics of the score's variant."""
        windows = by_window(p for p in predictions if p.variant == score.variant)
        lacks = few_examples(evidence, self.settings) or ("" if windows else "no such window was asked")
        if lacks:
            return self._empty(replace(score, status=Reason.TOO_FEW_EXAMPLES, reason=lacks))
        key = (str(evidence.feature), score.explanation, score.variant, score.judge, score.control, score.draw)
        read = Simulated.of(windows, unit=evidence.peak / self.settings.scale)
        count = count_windows(windows)
        return [
            finish(score, estimate(read, metric, seed=self.settings.seed, key=key), count, self.settings)
            for metric in self.settings.simulation_metrics
        ]
