"""Purity: of what fires, the share that fits the label, beside the share of all text that does."""

from dataclasses import replace

import pytest

from autointerp.core.types import Reason
from autointerp.score import SCORERS, ScoreSettings

TRUE_LABEL = "words for colours"


@pytest.fixture
def scores_of(prompts, evidence, label, judge_with, by_metric):
    def run(text, judge, **settings):
        scorer = SCORERS["purity"](prompts["detection"], ScoreSettings(**settings))
        return by_metric(scorer.grade(evidence, judge_with(scorer, evidence, label(text), judge)))

    return run


def test_perfect_oracle_scores_one(scores_of, oracle):
    """All that fires fits the true label, at every threshold; of all text, as much as fires."""
    for score in scores_of(TRUE_LABEL, oracle).values():
        assert score.value == 1
        assert score.low < 1
        assert score.chance == pytest.approx(0.02)


def test_constant_judge_scores_chance(scores_of, constant):
    """A judge that says the same of everything finds as much in firing text as anywhere."""
    for score in scores_of(TRUE_LABEL, constant).values():
        assert score.value == pytest.approx(score.chance)


@pytest.mark.parametrize("false", ["the colour red", "words for animals", "ends of sentences", ""])
def test_true_label_beats_false_ones(scores_of, oracle, false):
    """Above its own chance level and below the true label, or at chance."""
    found, true = scores_of(false, oracle)["above_0"], scores_of(TRUE_LABEL, oracle)["above_0"]
    assert found.value - found.chance < true.value - true.chance
    assert false == "the colour red" or found.low <= found.chance <= found.high + 0.05


def test_strong_tiles_may_be_purer(scores_of, oracle):
    """A label for the strong half of a feature is purer there: red fires at 4, blue at 2 of 4."""
    scores = scores_of("the colour red", oracle)
    assert scores["above_0.5"].value == 1
    assert scores["above_0"].value < 1
    assert scores["above_0.5"].n_asked < scores["above_0"].n_asked


def test_its_questions_are_those_of_detection(prompts, evidence, label):
    """The same keys: with detection in the run, purity costs no further call."""
    keys = [
        [q.key for q in SCORERS[name](prompts["detection"], ScoreSettings()).questions(evidence, label(TRUE_LABEL))]
        for name in ("purity", "detection")
    ]
    assert keys[0] == keys[1]


def test_most_unread(scores_of, garbled):
    """Unscored, or over the rest with the counts in plain sight."""
    for least, status in ((0.5, Reason.PARSE_FAILED), (0.0, Reason.SCORED)):
        score = scores_of(TRUE_LABEL, garbled(70), min_fraction_read=least)["above_0"]
        assert score.status is status
        assert 0 < score.n_read < score.n_asked == 12


def test_too_few_examples(prompts, evidence):
    """The rows of an unscored label are the graded ones."""
    scorer = SCORERS["purity"](prompts["detection"], ScoreSettings())
    rare = scorer.grade(replace(evidence, n_available=3), [])
    rows = scorer.unscored(evidence, None, judge="j", status=Reason.DEAD, reason="")
    assert [(r.variant, r.metric) for r in rows] == [(r.variant, r.metric) for r in rare]
    assert {r.status for r in rare} == {Reason.TOO_FEW_EXAMPLES}
