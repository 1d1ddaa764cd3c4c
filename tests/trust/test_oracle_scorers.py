"""Every scorer's questions are ones an oracle can answer: what is known of a judge can be known with each of them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from autointerp.core.types import Evidence, Explanation, FeatureId, Labelled, Prediction, Sample, Score, Window
from autointerp.llm.scripted import ScriptedLLM
from autointerp.prompting.files import parse_prompt
from autointerp.score import PROMPTS, SCORERS, ScoreSettings
from autointerp.trust.oracle import judge_function, parse_judge
from autointerp.trust.predicates import Always, Lexicon

PROMPT_FOLDER = Path(__file__).parents[2] / "prompts"
FEATURE = FeatureId("zoo", 0)
COLOUR_LINE = (
    "red blue green white black brown pink grey amber azure beige coral ivory khaki lilac mauve ochre olive peach "
    "plum rose ruby rust sand teal"
)
OTHER_LINE = "the cat sat on a mat and saw two dogs run by an old stone house near some slow river bend today"
COLOURS, OTHERS = tuple(COLOUR_LINE.split(" ")), tuple(OTHER_LINE.split(" "))
MEANINGS = {"colours": Lexicon(COLOURS), "the": Lexicon(("the",)), "anything": Always()}
FIRING, RARE = range(40), range(40, 70)


def window(number: int) -> Window:
    """A tile of 32 words; one of the first forty holds two colours, at places of its own."""
    words = [OTHERS[(7 * number + 3 * place) % len(OTHERS)] for place in range(32)]
    if number in FIRING:
        for place in (number % 13, number % 13 + 1 + number % 5):
            words[place] = COLOURS[number % len(COLOURS)]
    tokens = tuple(f" {word}" for word in words)
    return Window(f"doc{number}", 0, tokens, tuple(3.0 * a for a in MEANINGS["colours"].activations(tokens)))


def side(numbers: Sequence[int], *, document: str) -> tuple[Sample, ...]:
    """One side: firing, silent, drawn at random and another feature's windows, each from a document of its own."""
    samples = []
    for number in numbers:
        found = window(number)
        doc = f"{document}{number}"
        if found.is_firing:
            stratum = "top" if number % 4 == 0 else "random" if number % 4 == 1 else "firing:5"
        else:
            stratum = "silent:other:zoo#9" if number % 3 == 0 else "silent:random" if number % 3 == 1 else "random"
        samples.append(Sample(Window(doc, 0, found.tokens, found.activations), stratum, 1.0))
    return tuple(samples)


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return Evidence(
        feature=FEATURE,
        density=0.01,
        window_density=0.2,
        peak=3.0,
        n_available=40,
        select=(),
        shown=side([*FIRING, *RARE], document="shown"),
        held_out=side([*FIRING, *RARE], document="held"),
        promoted=tuple(f" {word}" for word in ("x",) * 10 + COLOURS),
    )


def answers(name: str, judge: str, evidence: Evidence, label: str = "colours") -> tuple[list[Prediction], list[Score]]:
    """What the judge is read to say by one scorer, and its scores."""
    prompt = PROMPTS[name]
    assert prompt is not None
    words = parse_prompt(prompt, (PROMPT_FOLDER / f"{prompt}.jinja").read_text("utf-8"))
    scorer = SCORERS[name](words, ScoreSettings())
    labelled = Labelled(Explanation(FEATURE, label, "control:blank" if not label else "zoo:exact", "none"))
    llm = ScriptedLLM(judge, judge_function(parse_judge(judge), MEANINGS))
    predictions = [
        p
        for question in scorer.questions(evidence, labelled)
        for p in scorer.read(evidence, labelled, judge, question, asyncio.run(llm.answer(question)))
    ]
    headline = [s for s in scorer.grade(evidence, predictions) if (s.variant, s.metric) == scorer.headline]
    return predictions, headline


@pytest.mark.parametrize("name", sorted(SCORERS))
@pytest.mark.parametrize("judge", ["oracle", "oracle:sensitivity=0.7,specificity=0.7", "constant:0.3"])
def test_no_reply_is_unread(name: str, judge: str, evidence: Evidence) -> None:
    """Whatever a scorer wants, an oracle and a constant give it."""
    predictions, scores = answers(name, judge, evidence)
    assert predictions
    assert all(p.guess is not None for p in predictions)
    assert all(s.n_read == s.n_asked > 0 for s in scores)


@pytest.mark.parametrize("name", sorted(SCORERS))
def test_a_perfect_oracle_gives_the_exact_label_full_marks(name: str, evidence: Evidence) -> None:
    """1.0 by the scorer's headline."""
    _, (found,) = answers(name, "oracle", evidence)
    assert found.value == pytest.approx(1.0)


@pytest.mark.parametrize("name", sorted(name for name in SCORERS if name != "purity"))
@pytest.mark.parametrize("label", ["the", "anything", ""])
def test_a_perfect_oracle_gives_other_labels_less(name: str, label: str, evidence: Evidence) -> None:
    """A label that names other tokens, all of them or none is worth less; it may well be undefined."""
    _, (found,) = answers(name, "oracle", evidence, label)
    assert found.value is None or found.value < 0.8


def test_purity_of_other_labels_is_no_more_than_chance(evidence: Evidence) -> None:
    """What fits anything fits all that fires; chance says so."""
    for label in ("anything", ""):
        _, (found,) = answers("purity", "oracle", evidence, label)
        assert found.value == pytest.approx(found.chance)


def test_what_is_marked_is_judged_not_the_whole_window(evidence: Evidence) -> None:
    """In a firing window the label fits, and marks on its other tokens are wrong all the same."""
    predictions, _ = answers("fuzzing", "oracle", evidence)
    misplaced = [p for p in predictions if p.item.endswith(":misplaced")]
    assert misplaced
    assert {p.guess for p in misplaced} == {0.0}
    own = {p.item for p in predictions if p.guess == 1.0}
    assert {p.item.removesuffix(":misplaced") for p in misplaced} <= own
