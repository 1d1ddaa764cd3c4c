"""Contrastive: from a feature's examples, on which of two texts does it fire? (Anthropic, Circuits Updates 8/2024)"""

from collections.abc import Sequence
from dataclasses import replace

from autointerp.core.draws import draw
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
    Sample,
    Score,
    Window,
)
from autointerp.prompting.windows import MARKS, marked_text, plain_text
from autointerp.score.choices import ACCURACY, Choice, ask_choice, balanced_place, grade_choices, not_asked, read_choice
from autointerp.score.cost import estimate_tokens
from autointerp.score.grading import blank_prediction, template, unscored
from autointerp.score.settings import ScoreSettings
from autointerp.score.tiles import choose_items, lacks_tiles
from autointerp.score.verdicts import of_each

WEIGHTED = "accuracy_weighted"
METRICS = (ACCURACY, WEIGHTED)
HARDEST_FIRST = ("silent:same_token", "silent:near", "silent:sibling")
MIN_EXAMPLES = 3


class Contrastive:
    """One question a pair of held-out tiles, one firing and one silent, the silent one as near as was sampled.

    The judge sees shown-side examples with marks in place of a label. ``accuracy`` counts pairs alike,
    ``accuracy_weighted`` by the firing tile's peak. The published pairs are written to differ in one
    concept; here the silent tile is one of the hard strata, where there are such.
    """

    name = "contrastive"
    headline = ("", ACCURACY)
    chance: float | None = 0.5
    low = 0.0
    high = 1.0
    direction = 1
    uses_label = False
    needs: tuple[str, ...] = ("digits",)

    def __init__(self, prompt: Prompt, settings: ScoreSettings) -> None:
        self.prompt = prompt
        self.settings = settings
        self.calls = settings.n_choices
        self.tokens_a_call = estimate_tokens(prompt, text=32 * (settings.n_examples + 2))

    def questions(self, evidence: Evidence, labelled: Labelled) -> list[Question]:
        """Return one question a pair in the order of their names; the label is not in them."""
        examples = choose_examples(evidence, self.settings)
        texts = [marked_text(window, fraction=self.settings.mark_fraction) for window in examples]
        return [self._question(evidence, labelled, choice, texts) for choice in self._choices(evidence)]

    def read(
        self, evidence: Evidence, labelled: Labelled, judge: str, question: Question, reply: Reply | Failure
    ) -> list[Prediction]:
        """Return two predictions, one a text: P(the feature fires on this one)."""
        assert question.about is not None, "contrastive questions say what they are about"
        choice = next(c for c in self._choices(evidence) if c.item == question.about.item)
        return read_choice(blank_prediction(evidence, labelled, scorer=self.name, judge=judge), choice, reply)

    def grade(self, evidence: Evidence, predictions: Sequence[Prediction]) -> tuple[Score, ...]:
        """Return the share of right choices, pairs counted alike and by peak."""
        score = template(evidence, predictions, scorer=self.name)
        if not predictions:
            return of_each(not_asked(score, self._lacks(evidence)), METRICS)
        return tuple(grade_choices(score, predictions, self.settings, chance=0.5, metric=name) for name in METRICS)

    def unscored(
        self, evidence: Evidence, labelled: Labelled | None, *, judge: str, status: Reason, reason: str
    ) -> tuple[Score, ...]:
        """Return both shares without number."""
        score = unscored(evidence, labelled, scorer=self.name, judge=judge, status=status, reason=reason)
        return of_each(score, METRICS)

    def _question(self, evidence: Evidence, labelled: Labelled, choice: Choice, examples: list[str]) -> Question:
        about = About(
            evidence.feature, choice.item, labelled.explanation.text, scorer=self.name, options=choice.options
        )
        texts = [plain_text(window) for window in choice.options]
        opening, closing = MARKS
        return ask_choice(
            self.prompt, self.settings, about=about, examples=examples, texts=texts, opening=opening, closing=closing
        )

    def _choices(self, evidence: Evidence) -> list[Choice]:
        return [] if self._lacks(evidence) else choose_contrasts(evidence, self.settings)

    def _lacks(self, evidence: Evidence) -> str:
        n = len(choose_examples(evidence, self.settings))
        few = f"{n} firing windows on the shown side, {MIN_EXAMPLES} needed" if n < MIN_EXAMPLES else ""
        return lacks_tiles(evidence, self.settings) or few


def choose_examples(evidence: Evidence, settings: ScoreSettings) -> list[Window]:
    """Return up to n_examples firing windows of the shown side, the strongest first."""
    firing = {s.window.item: s.window for s in evidence.shown if s.window.is_firing}
    return sorted(firing.values(), key=lambda window: (-window.peak, window.item))[: settings.n_examples]


def choose_contrasts(evidence: Evidence, settings: ScoreSettings) -> list[Choice]:
    """Return the pairs by name, up to n_choices, every tile in one of them."""
    feature, tiles = str(evidence.feature), choose_items(evidence)
    drawn = draw(tiles, len(tiles), seed=settings.seed, key=lambda s: ("contrastive", feature, s.window.item))
    firing = [s for s in drawn if s.window.is_firing]
    silent = sorted((s for s in drawn if not s.window.is_firing), key=_ease)
    pairs = list(zip(firing, silent, strict=False))[: settings.n_choices]
    choices = []
    for number, (fires, other) in enumerate(pairs):
        right = balanced_place(number, 2, seed=settings.seed, key=("contrastive", feature))
        options = (fires.window, other.window) if right == 1 else (other.window, fires.window)
        choices.append(replace(Choice(fires.window.item, options, right), weight=fires.window.peak))
    return sorted(choices, key=lambda choice: choice.item)


def _ease(sample: Sample) -> int:
    """Return how easy a silent tile is to tell from a firing one, 0 for the hardest stratum."""
    hard = [number for number, name in enumerate(HARDEST_FIRST) if sample.stratum.startswith(name)]
    return hard[0] if hard else len(HARDEST_FIRST)
