"""The token look-up: perfect on a single-token feature, worthless without its tokens."""

from dataclasses import replace

import pytest

from autointerp.core.types import Question, Text
from autointerp.score import SCORERS, ScoreSettings
from autointerp.score.lookup import lookup_reply, predict_by_lookup


@pytest.mark.parametrize(("name", "metric"), [("detection", "auroc"), ("simulation", "correlation")])
def test_lookup_is_nearly_perfect_on_tokens(prompts, evidence, name, metric):
    """A feature of two words needs no label: that is what the control is there to show."""
    scorer = SCORERS[name](prompts[name], ScoreSettings())
    predictions = predict_by_lookup(scorer, evidence)
    assert {(p.control, p.judge, p.kind) for p in predictions} == {("lookup", "lookup", "lookup")}
    score = scorer.grade(evidence, predictions)[0]
    assert score.metric == metric
    assert score.value > 0.95


def test_lookup_without_tokens_is_at_chance(prompts, evidence):
    """With none of the window's tokens in the table every answer is the same."""
    scorer = SCORERS["detection"](prompts["detection"], ScoreSettings())
    bare = replace(evidence, token_stats=())
    assert scorer.grade(bare, predict_by_lookup(scorer, bare))[0].value == 0.5


def test_expected_value_is_the_mean_activation(prompts, evidence):
    """Two neighbouring digits carry a mean that lies between them."""
    scorer = SCORERS["simulation"](prompts["simulation"], ScoreSettings())
    guesses = {round(p.guess, 9) for p in predict_by_lookup(scorer, evidence)}
    assert guesses <= {0.0, round(9 * 0.001 / 4, 9), round(9 * 1.6 / 4, 9), round(9 * 3.8 / 4, 9)}


def test_lookup_refuses_what_it_cannot_answer(evidence, prompts, label):
    """A question for text is not one for a table."""
    scorer = SCORERS["detection"](prompts["detection"], ScoreSettings())
    about = scorer.questions(evidence, label("x"))[0].about
    with pytest.raises(ValueError, match="Text"):
        lookup_reply(evidence, Question("", "", 1, Text(), about=about))
