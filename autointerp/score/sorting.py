"""Sort: two features' examples and a new one: whose is it? (Anthropic, Circuits Updates August 2024)"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

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
from autointerp.prompting.windows import plain_text
from autointerp.score.choices import ACCURACY, Choice, ask_choice, grade_choices, read_choice
from autointerp.score.contrastive import MIN_EXAMPLES, choose_examples
from autointerp.score.cost import estimate_tokens
from autointerp.score.grading import blank_prediction, few_examples, template, unscored
from autointerp.score.settings import ScoreSettings
from autointerp.score.tiles import choose_items

STRATA = {"random": "silent:other:", "near": "silent:sibling:"}


@dataclass(frozen=True, slots=True)
class Rival:
    """Another feature, by windows on which it fires and this one is silent."""

    feature: str
    shown: tuple[Window, ...]
    held_out: tuple[Window, ...]


class Sort:
    """One question a new window, half of them this feature's and half the other's; nothing is marked.

    Variant ``random`` is against features drawn at random, ``near`` against those of the nearest
    directions. As many new windows are the other feature's as are this one's: a judge who always takes
    the feature it finds plainer is at chance.
    """

    name = "sort"
    headline = ("random", ACCURACY)
    chance: float | None = 0.5
    low = 0.0
    high = 1.0
    direction = 1
    uses_label = False
    needs: tuple[str, ...] = ("digits",)

    def __init__(self, prompt: Prompt, settings: ScoreSettings) -> None:
        self.prompt = prompt
        self.settings = settings
        self.calls = len(STRATA) * settings.n_choices
        self.tokens_a_call = estimate_tokens(prompt, text=32 * (2 * settings.n_examples + 1))

    def questions(self, evidence: Evidence, labelled: Labelled) -> list[Question]:
        """Return one question a new window in the order of their names; the label is not in them."""
        examples = choose_examples(evidence, self.settings)
        rivals = [rival for name in STRATA for rival in find_rivals(evidence, name, self.settings)]
        made = []
        for choice in self._choices(evidence):
            rival = next(r for r in rivals if choice.item.endswith(f":{choice.variant}:{r.feature}"))
            is_first = choice.options[0] == examples[0]
            sides = (examples, rival.shown) if is_first else (rival.shown, examples)
            made.append(self._question(evidence, labelled, choice, sides))
        return made

    def read(
        self, evidence: Evidence, labelled: Labelled, judge: str, question: Question, reply: Reply | Failure
    ) -> list[Prediction]:
        """Return two predictions, one a feature: P(the new window is this one's)."""
        assert question.about is not None, "sort questions say what they are about"
        choice = next(c for c in self._choices(evidence) if c.item == question.about.item)
        return read_choice(blank_prediction(evidence, labelled, scorer=self.name, judge=judge), choice, reply)

    def grade(self, evidence: Evidence, predictions: Sequence[Prediction]) -> tuple[Score, ...]:
        """Return the share of right choices of each variant."""
        score = template(evidence, predictions, scorer=self.name)
        return tuple(self._grade(evidence, predictions, replace(score, variant=name)) for name in STRATA)

    def unscored(
        self, evidence: Evidence, labelled: Labelled | None, *, judge: str, status: Reason, reason: str
    ) -> tuple[Score, ...]:
        """Return the share of each variant without number."""
        score = unscored(evidence, labelled, scorer=self.name, judge=judge, status=status, reason=reason)
        return tuple(replace(score, variant=name, metric=ACCURACY) for name in STRATA)

    def _question(
        self, evidence: Evidence, labelled: Labelled, choice: Choice, sides: tuple[Sequence[Window], Sequence[Window]]
    ) -> Question:
        text, options = labelled.explanation.text, choice.options
        about = About(evidence.feature, choice.item, text, choice.new, self.name, options=options)
        assert choice.new is not None, "a sort question is about a new window"
        groups = [[plain_text(window) for window in side] for side in sides]
        return ask_choice(self.prompt, self.settings, about=about, groups=groups, text=plain_text(choice.new))

    def _grade(self, evidence: Evidence, predictions: Sequence[Prediction], score: Score) -> Score:
        mine = [p for p in predictions if p.variant == score.variant]
        if mine:
            return grade_choices(score, mine, self.settings, chance=0.5)
        lacks = self._lacks(evidence) or f"no windows of other features ({score.variant}) were sampled"
        return replace(score, metric=ACCURACY, status=Reason.TOO_FEW_EXAMPLES, reason=lacks)

    def _choices(self, evidence: Evidence) -> list[Choice]:
        if self._lacks(evidence):
            return []
        found = [choice for name in STRATA for choice in _choose(evidence, name, self.settings)]
        return sorted(found, key=lambda choice: choice.item)

    def _lacks(self, evidence: Evidence) -> str:
        n = len(choose_examples(evidence, self.settings))
        few = f"{n} firing windows on the shown side, {MIN_EXAMPLES} needed" if n < MIN_EXAMPLES else ""
        return few_examples(evidence, self.settings) or few


def find_rivals(evidence: Evidence, variant: str, settings: ScoreSettings) -> list[Rival]:
    """Return the other features of this kind with enough windows on both sides, by name."""
    shown, held_out = (_by_rival(side, STRATA[variant]) for side in (evidence.shown, evidence.held_out))
    return [
        Rival(name, tuple(_drawn(shown[name], settings))[: settings.n_examples], tuple(held_out[name]))
        for name in sorted(held_out)
        if len(shown[name]) >= MIN_EXAMPLES
    ]


def _choose(evidence: Evidence, variant: str, settings: ScoreSettings) -> Iterator[Choice]:
    """Yield up to n_choices choices: new windows of either feature, either feature first, in turn."""
    rivals = find_rivals(evidence, variant, settings)
    own = _drawn([s.window for s in choose_items(evidence) if s.window.is_firing], settings)
    example = choose_examples(evidence, settings)[0]
    theirs = [(rival, window) for rival in rivals for window in rival.held_out]
    theirs = draw(theirs, settings.n_choices // 2, seed=settings.seed, key=lambda t: ("sort", t[0].feature, t[1].item))
    for number, ((rival, window), mine) in enumerate(zip(theirs, own, strict=False)):
        pair = (example, rival.shown[0])
        options = pair if number % 2 == 0 else pair[::-1]
        right = 1 + number % 2
        yield Choice(f"{mine.item}:{variant}:{rival.feature}", options, right, new=mine, variant=variant)
        yield Choice(f"{window.item}:{variant}:{rival.feature}", options, 3 - right, new=window, variant=variant)


def _by_rival(samples: Sequence[Sample], prefix: str) -> defaultdict[str, list[Window]]:
    """Return the windows of each other feature, which the stratum names behind the prefix."""
    found: defaultdict[str, list[Window]] = defaultdict(list)
    for sample in samples:
        if sample.stratum.startswith(prefix):
            found[sample.stratum.removeprefix(prefix)].append(sample.window)
    return found


def _drawn(windows: Sequence[Window], settings: ScoreSettings) -> list[Window]:
    return draw(windows, len(windows), seed=settings.seed, key=lambda window: ("sort", window.item))
