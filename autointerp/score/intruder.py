"""Intruder: which of five windows does not belong? No label involved (arXiv 2507.08473)."""

from collections.abc import Sequence

from autointerp.core.draws import draw, uniform
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
)
from autointerp.prompting.windows import plain_text
from autointerp.score.choices import ACCURACY, Choice, ask_choice, balanced_place, grade_choices, not_asked, read_choice
from autointerp.score.cost import estimate_tokens
from autointerp.score.grading import blank_prediction, template, unscored
from autointerp.score.settings import ScoreSettings
from autointerp.score.tiles import choose_items, lacks_tiles
from autointerp.score.verdicts import of_each

N_OPTIONS = 5


class Intruder:
    """One question a silent tile, hidden among four firing ones of like strength, none of them marked.

    It says whether the feature has a pattern that this judge can see at all: where it is at chance, a
    label's low score is no proof against the label.
    """

    name = "intruder"
    headline = ("", ACCURACY)
    chance: float | None = 1 / N_OPTIONS
    low = 0.0
    high = 1.0
    direction = 1
    uses_label = False
    needs: tuple[str, ...] = ("digits",)

    def __init__(self, prompt: Prompt, settings: ScoreSettings) -> None:
        self.prompt = prompt
        self.settings = settings
        self.calls = settings.n_choices
        self.tokens_a_call = estimate_tokens(prompt, text=32 * N_OPTIONS)

    def questions(self, evidence: Evidence, labelled: Labelled) -> list[Question]:
        """Return one question a choice in the order of their names; the label is not in them."""
        return [self._question(evidence, labelled, choice) for choice in self._choices(evidence)]

    def read(
        self, evidence: Evidence, labelled: Labelled, judge: str, question: Question, reply: Reply | Failure
    ) -> list[Prediction]:
        """Return five predictions, one a window: P(this is the intruder)."""
        assert question.about is not None, "intruder questions say what they are about"
        choice = next(c for c in self._choices(evidence) if c.item == question.about.item)
        return read_choice(blank_prediction(evidence, labelled, scorer=self.name, judge=judge), choice, reply)

    def grade(self, evidence: Evidence, predictions: Sequence[Prediction]) -> tuple[Score, ...]:
        """Return the share of intruders found."""
        score = template(evidence, predictions, scorer=self.name)
        if not predictions:
            return of_each(not_asked(score, self._lacks(evidence)), (ACCURACY,))
        return (grade_choices(score, predictions, self.settings, chance=1 / N_OPTIONS),)

    def unscored(
        self, evidence: Evidence, labelled: Labelled | None, *, judge: str, status: Reason, reason: str
    ) -> tuple[Score, ...]:
        """Return the score without number."""
        score = unscored(evidence, labelled, scorer=self.name, judge=judge, status=status, reason=reason)
        return of_each(score, (ACCURACY,))

    def _question(self, evidence: Evidence, labelled: Labelled, choice: Choice) -> Question:
        about = About(
            evidence.feature, choice.item, labelled.explanation.text, scorer=self.name, options=choice.options
        )
        return ask_choice(self.prompt, self.settings, about=about, texts=[plain_text(w) for w in choice.options])

    def _choices(self, evidence: Evidence) -> list[Choice]:
        return [] if self._lacks(evidence) else choose_intruders(evidence, self.settings)

    def _lacks(self, evidence: Evidence) -> str:
        n_firing = sum(sample.window.is_firing for sample in choose_items(evidence))
        few = f"{n_firing} firing held-out windows, {N_OPTIONS - 1} needed" if n_firing < N_OPTIONS - 1 else ""
        return lacks_tiles(evidence, self.settings) or few


def choose_intruders(evidence: Evidence, settings: ScoreSettings) -> list[Choice]:
    """Return the choices by name: each of up to n_choices silent tiles among four firing ones of neighbouring ranks."""
    feature, tiles = str(evidence.feature), choose_items(evidence)
    firing = sorted((s for s in tiles if s.window.is_firing), key=lambda s: (s.window.peak, s.window.item))
    silent = [s for s in tiles if not s.window.is_firing]
    drawn = draw(silent, settings.n_choices, seed=settings.seed, key=lambda s: ("intruder", feature, s.window.item))
    choices = [
        _hide(
            sample, firing, balanced_place(number, N_OPTIONS, seed=settings.seed, key=("intruder", feature)), settings
        )
        for number, sample in enumerate(drawn)
    ]
    return sorted(choices, key=lambda choice: choice.item)


def _hide(intruder: Sample, firing: list[Sample], place: int, settings: ScoreSettings) -> Choice:
    """Return the choice with the intruder at the place, counted from 1."""
    item, n_others = intruder.window.item, N_OPTIONS - 1
    at = int(uniform(settings.seed, "ranks", item) * (len(firing) - n_others + 1))
    others = draw(
        (s.window for s in firing[at : at + n_others]), n_others, seed=settings.seed, key=lambda w: (item, w.item)
    )
    return Choice(item, (*others[: place - 1], intruder.window, *others[place - 1 :]), place)
