"""Kinds of graded answer: a probability that was read and one that was written are not on one scale."""

from dataclasses import replace

import pytest

from autointerp.core.types import Reason
from autointerp.pipeline.judging import grade_known
from autointerp.score import SCORERS, ScoreSettings


@pytest.fixture
def judged(prompts, evidence, label, judge_with, oracle):
    def run(name):
        scorer = SCORERS[name](prompts[name], ScoreSettings())
        return scorer, judge_with(scorer, evidence, label("words for colours"), oracle)

    return run


@pytest.mark.parametrize("name", ["detection", "fuzzing", "simulation"])
def test_kinds_are_never_pooled(name, evidence, judged):
    """One kind, of whatever name, gives the same numbers; two give none, and the reason names both."""
    scorer, predictions = judged(name)
    plain = scorer.grade(evidence, predictions)
    assert any(score.value is not None for score in plain)
    for kind in ("logprob", "verbalised"):
        assert grade_known(scorer, evidence, [replace(p, kind=kind) for p in predictions]) == plain
    mixed = [replace(p, kind=("logprob", "verbalised")[i % 2]) for i, p in enumerate(predictions)]
    scores = grade_known(scorer, evidence, mixed)
    assert {score.status for score in scores} == {Reason.UNDECIDABLE}
    assert {(score.value, score.low, score.high) for score in scores} == {(None, None, None)}
    assert all("logprob and verbalised" in score.reason for score in scores)
    assert [(s.metric, s.n_asked, s.n_read) for s in scores] == [(s.metric, s.n_asked, s.n_read) for s in plain]


def test_an_unread_answer_has_no_kind(evidence, judged):
    """What could not be read does not count as a second kind."""
    scorer, predictions = judged("detection")
    lost = replace(predictions[0], guess=None, reason=Reason.PARSE_FAILED, kind="verbalised")
    known = [replace(p, kind="logprob") for p in predictions[1:]]
    assert any(score.value is not None for score in grade_known(scorer, evidence, [lost, *known]))
