"""Detection: does this text contain what the label says? (Paulo et al. 2024, section 3; one item a question)"""

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
    YesNo,
)
from autointerp.prompting.files import render
from autointerp.prompting.windows import plain_text, safe_text
from autointerp.score.cost import estimate_tokens
from autointerp.score.grading import blank_prediction, template, unscored
from autointerp.score.settings import ScoreSettings
from autointerp.score.tiles import choose_items, lacks_tiles
from autointerp.score.verdicts import OF_ITEMS, OF_POPULATION, grade_verdicts, of_each, read_verdict

TEXT_ENDS = ("<text>", "</text>")
METRICS = (*OF_ITEMS, *OF_POPULATION)


class Detection:
    """One question a held-out tile; the judge sees the label and the text, no mark, count or strength."""

    name = "detection"
    headline = ("", "auroc")
    chance: float | None = 0.5
    low = 0.0
    high = 1.0
    direction = 1
    uses_label = True
    needs: tuple[str, ...] = ("yes_no",)

    def __init__(self, prompt: Prompt, settings: ScoreSettings) -> None:
        self.prompt = prompt
        self.settings = settings
        self.calls = settings.n_expected
        self.tokens_a_call = estimate_tokens(prompt)

    def questions(self, evidence: Evidence, labelled: Labelled) -> list[Question]:
        """Return one question a tile in keyed order; none when there are too few examples."""
        if lacks_tiles(evidence, self.settings):
            return []
        label = safe_text(labelled.explanation.text, forbidden=TEXT_ENDS)
        return [self._question(evidence, labelled, label, sample) for sample in self._shuffled(evidence)]

    def read(
        self, evidence: Evidence, labelled: Labelled, judge: str, question: Question, reply: Reply | Failure
    ) -> list[Prediction]:
        """Return one prediction: P(yes), or 1 or 0 where the judge only wrote its answer."""
        assert question.about is not None, "detection questions say what they are about"
        item = question.about.item
        sample = next(s for s in choose_items(evidence) if s.window.item == item)
        make = blank_prediction(evidence, labelled, scorer=self.name, judge=judge)
        return [read_verdict(make, reply, item=item, truth=sample.window.is_firing, weight=sample.weight)]

    def grade(self, evidence: Evidence, predictions: Sequence[Prediction]) -> tuple[Score, ...]:
        """Return one score for each of ``METRICS``, graded on what was read."""
        score = template(evidence, predictions, scorer=self.name)
        lacks = lacks_tiles(evidence, self.settings)
        if lacks or not predictions:
            few = replace(score, status=Reason.TOO_FEW_EXAMPLES, reason=lacks or "nothing was asked")
            return self.of_each(few)
        return tuple(grade_verdicts(evidence, predictions, score, self.settings))

    def unscored(
        self, evidence: Evidence, labelled: Labelled | None, *, judge: str, status: Reason, reason: str
    ) -> tuple[Score, ...]:
        """Return one score without number for each of ``METRICS``, for a label never put to the judge."""
        score = unscored(evidence, labelled, scorer=self.name, judge=judge, status=status, reason=reason)
        return self.of_each(score)

    def of_each(self, score: Score) -> tuple[Score, ...]:
        """Return the score without number for each of ``METRICS``."""
        return of_each(score, METRICS)

    def _shuffled(self, evidence: Evidence) -> list[Sample]:
        """Return the tiles in keyed order: by name, sources of text that fire more often would stand together."""
        tiles = choose_items(evidence)
        return draw(tiles, len(tiles), seed=self.settings.seed, key=lambda s: order_key(evidence, s.window.item))

    def _question(self, evidence: Evidence, labelled: Labelled, label: str, sample: Sample) -> Question:
        text = plain_text(sample.window, forbidden=TEXT_ENDS)
        system, prompt = render(self.prompt, label=label, text=text)
        about = About(evidence.feature, sample.window.item, labelled.explanation.text, sample.window, self.name)
        return Question(system, prompt, self.settings.max_tokens, YesNo(), about=about)


def order_key(evidence: Evidence, item: str) -> tuple[str, str, str]:
    """Return what a tile's place in the order of questions is drawn by."""
    return "items", str(evidence.feature), item
