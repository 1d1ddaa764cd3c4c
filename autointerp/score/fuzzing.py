"""Fuzzing: are the marked tokens the ones the label names? (Paulo et al. 2024, section 3; one item a question)"""

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
    YesNo,
)
from autointerp.prompting.files import render
from autointerp.prompting.windows import MARKS, safe_text
from autointerp.score.cost import estimate_tokens
from autointerp.score.grading import blank_prediction, template, unscored
from autointerp.score.marking import MISPLACED, Marked, choose_marked
from autointerp.score.settings import ScoreSettings
from autointerp.score.tiles import choose_items, lacks_tiles
from autointerp.score.verdicts import OF_ITEMS, OF_POPULATION, grade_verdicts, of_each, read_verdict

AGAINST = ("misplaced", "silent")
METRICS = (*OF_ITEMS, *OF_POPULATION, *(f"auroc_{kind}" for kind in AGAINST))


class Fuzzing:
    """One question a marked tile; wrong marks stand on other tokens of firing tiles and on silent tiles.

    ``auroc`` and ``balanced_accuracy`` are over all items, ``auroc_misplaced`` and ``auroc_silent``
    against one kind of wrong marks; recall, false_fire, precision and F1 leave the misplaced ones out,
    which are no tiles of the population.
    """

    name = "fuzzing"
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
        self.calls = settings.n_expected + settings.n_expected // 2
        self.tokens_a_call = estimate_tokens(prompt)

    def questions(self, evidence: Evidence, labelled: Labelled) -> list[Question]:
        """Return one question a marked tile in the order of their names; none when there are too few examples."""
        if lacks_tiles(evidence, self.settings):
            return []
        label = safe_text(labelled.explanation.text, forbidden=MARKS)
        return [self._question(evidence, labelled, label, m) for m in choose_marked(evidence, self.settings)]

    def read(
        self, evidence: Evidence, labelled: Labelled, judge: str, question: Question, reply: Reply | Failure
    ) -> list[Prediction]:
        """Return one prediction: P(the marks are right), or 1 or 0 where the judge only wrote its answer."""
        about = question.about
        assert about is not None
        assert about.window is not None, "fuzzing questions say what they are about"
        fires = about.window.activations[about.marked[0]] > 0
        is_tile = fires or not about.window.is_firing
        weight = next(s.weight for s in choose_items(evidence) if s.window.item == about.window.item)
        make = blank_prediction(evidence, labelled, scorer=self.name, judge=judge)
        return [read_verdict(make, reply, item=about.item, truth=fires, weight=weight if is_tile else 0.0)]

    def grade(self, evidence: Evidence, predictions: Sequence[Prediction]) -> tuple[Score, ...]:
        """Return one score for each of ``METRICS``, graded on what was read."""
        score = template(evidence, predictions, scorer=self.name)
        lacks = lacks_tiles(evidence, self.settings)
        if lacks or not predictions:
            few = replace(score, status=Reason.TOO_FEW_EXAMPLES, reason=lacks or "nothing was asked")
            return of_each(few, METRICS)
        return (
            *grade_verdicts(evidence, predictions, score, self.settings),
            *(self._against(evidence, predictions, score, kind) for kind in AGAINST),
        )

    def unscored(
        self, evidence: Evidence, labelled: Labelled | None, *, judge: str, status: Reason, reason: str
    ) -> tuple[Score, ...]:
        """Return one score without number for each of ``METRICS``, for a label never put to the judge."""
        score = unscored(evidence, labelled, scorer=self.name, judge=judge, status=status, reason=reason)
        return of_each(score, METRICS)

    def _question(self, evidence: Evidence, labelled: Labelled, label: str, marked: Marked) -> Question:
        system, prompt = render(self.prompt, label=label, text=marked.text(), opening=MARKS[0], closing=MARKS[1])
        text = labelled.explanation.text
        about = About(evidence.feature, marked.item, text, marked.window, self.name, marked=marked.places)
        return Question(system, prompt, self.settings.max_tokens, YesNo(), about=about)

    def _against(self, evidence: Evidence, predictions: Sequence[Prediction], score: Score, kind: str) -> Score:
        """Return the AUROC of right marks against one kind of wrong ones."""
        is_misplaced = kind == MISPLACED
        chosen = [p for p in predictions if p.truth > 0 or p.item.endswith(f":{MISPLACED}") == is_misplaced]
        found = grade_verdicts(evidence, chosen, score, self.settings)[0]
        return replace(found, metric=f"auroc_{kind}")
