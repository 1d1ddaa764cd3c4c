"""The 19 neuron puzzles: simulation reads them whole, pools their tokens, and ranks a known label first."""

import numpy as np
import pytest
from puzzles import PATH, read_puzzles

from autointerp.core.types import Reply
from autointerp.score import SCORERS, ScoreSettings

pytestmark = pytest.mark.skipif(
    PATH is None, reason="no shared/fixtures/openai_puzzles/puzzles.json beside the repository"
)
SETTINGS = ScoreSettings(min_available=0, n_top=99, n_random=99, scale=10)


@pytest.fixture(scope="module")
def puzzles():
    return read_puzzles()


def knowing(puzzle):
    """A judge that knows what the true explanation means, and takes any other for the first word of a sentence."""

    def answer(question):
        window = question.about.window
        n = len(window.tokens)
        digits = window.activations if question.about.label == puzzle.true else (10.0, *[0.0] * (n - 1))
        rows = tuple(tuple(float(k == digit) for k in range(11)) for digit in digits)
        return Reply(question.key, "test", "", rows, "oracle", 1, 1, 0, 0.0, None)

    return answer


def score_of(prompts, judge_with, puzzle, label):
    simulation = SCORERS["simulation"](prompts["simulation"], SETTINGS)
    predictions = judge_with(simulation, puzzle.evidence, puzzle.labelled(label), knowing(puzzle))
    return simulation.grade(puzzle.evidence, predictions)[0], predictions


def test_all_puzzles_are_read(puzzles):
    """19 neurons, 182 sentences, three or four false explanations each, activations 0 to 10."""
    assert len(puzzles) == 19
    assert sum(len(p.evidence.held_out) for p in puzzles) == 182
    assert {len(p.false) for p in puzzles} <= {3, 4}
    assert {a for p in puzzles for s in p.evidence.held_out for a in s.window.activations} <= set(map(float, range(11)))


def test_every_sentence_is_asked_about_whole(puzzles, prompts):
    """One question a sentence, as many placeholders as tokens."""
    simulation = SCORERS["simulation"](prompts["simulation"], SETTINGS)
    for puzzle in puzzles:
        questions = simulation.questions(puzzle.evidence, puzzle.labelled(puzzle.true))
        assert len(questions) == len(puzzle.evidence.held_out)
        assert all(q.wants.count == len(q.about.window.tokens) for q in questions)


def test_tokens_are_pooled_over_sentences(puzzles, prompts, judge_with):
    """The score is one correlation over all tokens of a puzzle, not a mean over its sentences."""
    for puzzle in puzzles:
        score, predictions = score_of(prompts, judge_with, puzzle, puzzle.false[0])
        pooled = np.corrcoef(
            [p.truth for p in predictions if p.variant == "top_and_random"],
            [p.guess for p in predictions if p.variant == "top_and_random"],
        )[0, 1]
        assert score.value == pytest.approx(pooled)
        assert score.n_read == len(puzzle.evidence.held_out)


def test_a_judge_that_knows_ranks_the_true_label_first(puzzles, prompts, judge_with):
    """True explanations get 1 and stand before every false one, in all 19."""
    for puzzle in puzzles:
        true, _ = score_of(prompts, judge_with, puzzle, puzzle.true)
        assert true.value == pytest.approx(1)
        assert all(score_of(prompts, judge_with, puzzle, text)[0].value < 1 for text in puzzle.false)
