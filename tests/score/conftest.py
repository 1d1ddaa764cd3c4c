"""Builders: a made-up feature with evidence, and judges whose right answers are known."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from autointerp.core.draws import uniform
from autointerp.core.protocols import Scorer, StepScorer
from autointerp.core.steps import Answer, Step
from autointerp.core.types import (
    About,
    Digits,
    Evidence,
    Explanation,
    FeatureId,
    Labelled,
    Prediction,
    Prompts,
    Question,
    Reply,
    Sample,
    Score,
    TokenStat,
    Window,
)
from autointerp.prompting.files import parse_prompt

FEATURE = FeatureId("toy/64", 3)
WORDS = (" the", " a", " cat", " sat", " on", " mat", " and", " red", ".", " blue", " of", " in", " unknown", "\n")
PEAK = 4.0
STRENGTH = {" red": 4.0, " blue": 2.0}
Judge = Callable[[Question], Reply]


def words_of(doc: str, start: int, *, fires: bool) -> tuple[str, ...]:
    words = tuple(WORDS[int(uniform(0, doc, start, i) * len(WORDS))] for i in range(32))
    place = int(uniform(1, doc, start) * 32)
    silent = tuple(word if word not in STRENGTH else " the" for word in words)
    return (*silent[:place], " red" if place % 3 else " blue", *silent[place + 1 :]) if fires else silent


def tile(doc: str, start: int, *, fires: bool) -> Window:
    words = words_of(doc, start, fires=fires)
    return Window(doc, start, words, tuple(STRENGTH.get(word, 0.0) for word in words))


def sample(stratum: str, i: int | str, *, start: int = 0, fires: bool, weight: float) -> Sample:
    return Sample(tile(f"{stratum}-{i}", start, fires=fires), stratum, weight)


@pytest.fixture
def evidence() -> Evidence:
    """A feature of colours: 12 firing and 20 silent tiles held out, neighbours of the top and random ones."""
    held_out = [sample("top", i, fires=True, weight=1.0) for i in range(4)]
    held_out += [
        replace(s, stratum="neighbour", weight=0.0, window=tile(s.window.doc, 32, fires=False)) for s in held_out
    ]
    held_out += [sample("firing:2", i, fires=True, weight=5.0) for i in range(8)]
    held_out += [sample("random", i, start=64, fires=False, weight=100.0) for i in range(4)]
    held_out += [sample("silent:random", i, fires=False, weight=50.0) for i in range(16)]
    stats = (TokenStat(" red", 100, 95, 3.8), TokenStat(" blue", 50, 40, 1.6), TokenStat(" the", 9000, 10, 0.001))
    return Evidence(
        FEATURE, 0.001, 0.02, PEAK, (), (), tuple(held_out), n_available=40, token_stats=stats, n_shown_tokens=200_000
    )


def of_another(stratum: str, words: tuple[str, ...], *names: str) -> list[Sample]:
    """Windows on which another feature fires, by these words, and this one is silent."""
    made = []
    for name in names:
        silent = tile(name, 0, fires=False)
        tokens = (*(word if i % 9 == 0 else token for i, token in enumerate(silent.tokens) for word in words[:1]),)
        made.append(Sample(replace(silent, tokens=tokens, activations=(0.0,) * 32), stratum, 1.0))
    return made


@pytest.fixture
def with_examples(evidence: Evidence) -> Evidence:
    """The same with a shown side, windows of two other features on either side, and 40 promoted tokens."""
    shown = [sample("top", f"shown-{i}", fires=True, weight=1.0) for i in range(6)]
    held_out = list(evidence.held_out)
    for stratum, word in (("silent:sibling:toy/64#8", " pink"), ("silent:other:toy/64#9", " dog")):
        shown += of_another(stratum, (word,), *(f"{word}-shown-{i}" for i in range(5)))
        held_out += of_another(stratum, (word,), *(f"{word}-held-{i}" for i in range(8)))
    promoted = (*(f" colour{i}" for i in range(39)), " red")
    return replace(evidence, shown=tuple(shown), held_out=tuple(held_out), promoted=promoted)


@pytest.fixture
def prompts() -> Prompts:
    """The prompts that are shipped."""
    folder = Path(__file__).parents[2] / "prompts"
    return {path.stem: parse_prompt(path.stem, path.read_text()) for path in sorted(folder.glob("*.jinja"))}


@pytest.fixture
def label() -> Callable[..., Labelled]:
    def make(text: str, control: str = "none") -> Labelled:
        explainer = "control:blank" if not text else "examples"
        return Labelled(Explanation(FEATURE, text, explainer, "test"), control=control)

    return make


TRUE_LABEL = "words for colours"
RULES: Mapping[str, Mapping[str, float]] = {
    TRUE_LABEL: STRENGTH,
    "the colour red": {" red": 4.0},
    "words for animals": {" cat": 4.0},
    "ends of sentences": {".": 4.0},
    "": {},
}


def reply_to(question: Question, rows: tuple[tuple[float, ...], ...], kind: str = "oracle") -> Reply:
    return Reply(question.key, "test", "", rows, kind, 1, 1, 0, 0.0, None)


def fires_on(label: str, window: Window) -> bool:
    return any(RULES[label].get(token, 0.0) for token in window.tokens)


def choose(about: About) -> tuple[float, ...]:
    """P(option) by the rule of the label the question is about; row 0 is no option."""
    wanted = fires_on(about.label, about.window) if about.window else len(about.options) == 2
    picked = [float(fires_on(about.label, option) == wanted) for option in about.options]
    picked = picked if any(picked) else [1.0] * len(picked)
    return (0.0, *(p / sum(picked) for p in picked))


@pytest.fixture
def oracle() -> Judge:
    """A judge that knows what each label in RULES means and answers from the label, not from the feature.

    Marked tokens are what the label says if at least half of them are. Of several options it takes those
    that are like the new window, else the one that fires, else, of more than two, those that do not.
    """

    def answer(question: Question) -> Reply:
        about = question.about
        assert about is not None
        if about.options:
            return reply_to(question, (choose(about),))
        assert about.window is not None
        strengths = [RULES[about.label].get(token, 0.0) for token in about.window.tokens]
        if about.marked:
            yes = float(2 * sum(strengths[place] > 0 for place in about.marked) >= len(about.marked))
            step = 3 * int(yes) or int(any(strengths))
            is_rated = isinstance(question.wants, Digits)
            return reply_to(question, (tuple(float(k == step) for k in range(4)) if is_rated else (yes, 1 - yes),))
        if not isinstance(question.wants, Digits):
            yes = float(any(strengths))
            return reply_to(question, ((yes, 1 - yes),))
        scale = question.wants.scale
        digits = [int(scale * strength / PEAK) for strength in strengths]
        return reply_to(question, tuple(tuple(float(k == digit) for k in range(scale + 1)) for digit in digits))

    return answer


@pytest.fixture
def constant() -> Judge:
    """A judge that says the same of everything."""

    def answer(question: Question) -> Reply:
        wants = question.wants
        row = (0.5, 0.5) if not isinstance(wants, Digits) else (1 / (wants.scale + 1),) * (wants.scale + 1)
        return reply_to(question, (row,) * (wants.count if isinstance(wants, Digits) else 1))

    return answer


@pytest.fixture
def judge_with() -> Callable[[Scorer, Evidence, Labelled, Judge], list[Prediction]]:
    """Ask, answer and read."""

    def run(scorer: Scorer, evidence: Evidence, labelled: Labelled, judge: Judge) -> list[Prediction]:
        questions = scorer.questions(evidence, labelled)
        return [p for q in questions for p in scorer.read(evidence, labelled, "test", q, judge(q))]

    return run


@pytest.fixture
def by_metric() -> Callable[[tuple[Score, ...]], dict[str, Score]]:
    return lambda scores: {score.variant or score.metric: score for score in reversed(scores)}


@pytest.fixture
def garbled(oracle: Judge) -> Callable[[int], Judge]:
    """The oracle, of whose replies this percentage cannot be read."""

    def of(percent: int) -> Judge:
        def answer(question: Question) -> Reply:
            is_lost = int(question.key, 16) % 100 < percent
            return replace(oracle(question), probabilities=(), text="well, maybe") if is_lost else oracle(question)

        return answer

    return of


@pytest.fixture
def go_through() -> Callable[[StepScorer, Evidence, Labelled, Callable[[Step], Answer]], list[Prediction]]:
    """Answer every step of a scorer until it ends."""

    def run(
        scorer: StepScorer, evidence: Evidence, labelled: Labelled, world: Callable[[Step], Answer]
    ) -> list[Prediction]:
        steps: Generator[Step, Answer, list[Prediction]] = scorer.steps(evidence, labelled, "test")
        try:
            step = next(steps)
            while True:
                step = steps.send(world(step))
        except StopIteration as end:
            return end.value

    return run
