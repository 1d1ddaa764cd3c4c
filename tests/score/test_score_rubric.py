"""Specificity and logits: known judges get known scores."""

from dataclasses import replace

import pytest

from autointerp.core.types import Digits, Reason, Reply
from autointerp.score import SCORERS, ScoreSettings
from autointerp.score.logits import choose_tokens
from autointerp.score.lookup import predict_by_lookup

TRUE_LABEL = "words for colours"
FALSE_LABELS = ["words for animals", "ends of sentences", ""]


def run(scorer, evidence, labelled, judge, judge_with):
    scores = scorer.grade(evidence, judge_with(scorer, evidence, labelled, judge))
    return {(score.variant, score.metric): score for score in scores}


# ---- specificity


@pytest.fixture
def specificity(prompts):
    return SCORERS["specificity"](prompts["specificity"], ScoreSettings())


def test_perfect_oracle_rates_three_and_zero(specificity, evidence, label, oracle, judge_with):
    """With the true label every firing tile is a 3 and every silent one a 0, in every bin."""
    scores = run(specificity, evidence, label(TRUE_LABEL), oracle, judge_with)
    assert scores["", "auroc"].value == 1
    assert (scores["", "mean"].value, scores["", "mean"].chance) == (3, 0)
    assert scores["bin:3", "share_of_3"].value == 1
    assert scores["bin:3", "share_of_3"].low < 1
    assert scores["silent", "share_of_0"].value == 1
    assert scores["bin:0", "mean"].status is Reason.TOO_FEW_EXAMPLES


def test_constant_judge_is_at_chance(specificity, evidence, label, constant, judge_with):
    """The same rating everywhere has AUROC 0.5 and a mean that equals its own chance level."""
    scores = run(specificity, evidence, label(TRUE_LABEL), constant, judge_with)
    assert scores["", "auroc"].value == 0.5
    assert scores["", "mean"].value == pytest.approx(scores["", "mean"].chance) == pytest.approx(1.5)


@pytest.mark.parametrize("false", ["the colour red", *FALSE_LABELS])
def test_true_label_beats_false_ones(specificity, evidence, label, oracle, judge_with, false):
    """In AUROC and in the mean; a foreign or blank label has chance within its interval."""
    true = run(specificity, evidence, label(TRUE_LABEL), oracle, judge_with)
    found = run(specificity, evidence, label(false), oracle, judge_with)
    assert found["", "auroc"].value < true["", "auroc"].value
    assert found["", "mean"].value < true["", "mean"].value
    score = found["", "auroc"]
    assert false == "the colour red" or score.low <= 0.5 <= score.high


def test_judge_sees_marks_that_say_nothing_and_one_place_for_the_answer(specificity, evidence, label):
    """Silent tiles bear marks as firing ones do; the rating is one digit of 0 to 3."""
    questions = specificity.questions(evidence, label(TRUE_LABEL))
    assert len(questions) == 32
    assert {q.wants for q in questions} == {Digits(1, "unknown", "<start>", 3)}
    assert len({q.prompt.count("<<") for q in questions}) == 1
    assert "(no description)" in specificity.questions(evidence, label(""))[0].prompt


def test_ratings_written_or_not_read(specificity, evidence, label):
    """[2] is a rating, [4] and words are not."""
    labelled = label(TRUE_LABEL)
    question = specificity.questions(evidence, labelled)[0]
    for text, guess in (("[2]", 2.0), ("[4]", None), ("very well", None)):
        reply = Reply(question.key, "m", text, (), "text", 1, 1, 0, 0.0, None)
        assert specificity.read(evidence, labelled, "j", question, reply)[0].guess == guess


def test_most_ratings_unread(prompts, evidence, label, judge_with, garbled):
    """Unscored, or over the rest with the counts in plain sight."""
    for least, status in ((0.5, Reason.PARSE_FAILED), (0.0, Reason.SCORED)):
        scorer = SCORERS["specificity"](prompts["specificity"], ScoreSettings(min_fraction_read=least))
        score = run(scorer, evidence, label(TRUE_LABEL), garbled(70), judge_with)["", "auroc"]
        assert score.status is status
        assert score.n_read < 16 < score.n_asked == 32


def test_unscored_rows_are_the_graded_ones(specificity, evidence):
    """A label that was never had has the same rows."""
    rare = replace(evidence, n_available=3)
    rows = specificity.unscored(evidence, None, judge="j", status=Reason.EXPLAIN_FAILED, reason="")
    assert [(r.variant, r.metric) for r in rows] == [(r.variant, r.metric) for r in specificity.grade(rare, [])]
    assert predict_by_lookup(specificity, evidence) == []


# ---- logits


@pytest.fixture
def logits(prompts):
    return SCORERS["logits"](prompts["logits"], ScoreSettings())


@pytest.fixture
def sayer(oracle):
    """A judge that takes tokens with "colour" in them, and red, for what the true label makes likelier."""

    def answer(question):
        about = question.about
        is_colour = "colour" in about.window.text or about.window.text == " red"
        yes = float(is_colour) if about.label == TRUE_LABEL else oracle(question).probabilities[0][0]
        return Reply(question.key, "t", "", ((yes, 1 - yes),), "oracle", 1, 1, 0, 0.0, None)

    return answer


def test_perfect_sayer_scores_one(logits, with_examples, label, sayer, judge_with):
    """With the true label promoted tokens are told from all others."""
    for score in run(logits, with_examples, label(TRUE_LABEL), sayer, judge_with).values():
        assert score.value == 1
        assert score.low < 1


def test_constant_sayer_is_at_chance(logits, with_examples, label, constant, judge_with):
    """The same of every token is exactly 0.5."""
    for score in run(logits, with_examples, label(TRUE_LABEL), constant, judge_with).values():
        assert score.value == 0.5 == score.chance


@pytest.mark.parametrize("false", FALSE_LABELS)
def test_true_label_beats_false_ones_in_tokens(logits, with_examples, label, sayer, judge_with, false):
    """A wrong label is below the true one, with chance in its interval."""
    true = run(logits, with_examples, label(TRUE_LABEL), sayer, judge_with)
    found = run(logits, with_examples, label(false), sayer, judge_with)
    for name, score in found.items():
        assert score.value < true[name].value
        assert score.low <= 0.5 <= score.high


def test_tokens_are_balanced_and_beyond_rank_ten(with_examples):
    """As many promoted as other tokens, none of the first ten, none of both kinds, the same in any order."""
    windows = choose_tokens(with_examples, ScoreSettings())
    promoted = {w.text for w in windows if w.is_firing}
    others = {w.text for w in windows if not w.is_firing}
    assert len(promoted) == len(others) >= 10
    assert not promoted & set(with_examples.promoted[:10])
    assert not others & set(with_examples.promoted)
    assert choose_tokens(replace(with_examples, held_out=with_examples.held_out[::-1]), ScoreSettings()) == windows


def test_few_promoted_tokens_are_a_status(logits, evidence, label):
    """Ten output tokens are not enough: nothing is asked, and the score says so."""
    assert logits.questions(evidence, label("x")) == []
    assert "promoted" in logits.grade(evidence, [])[0].reason


def test_most_tokens_unread(prompts, with_examples, label, judge_with, sayer):
    """Unscored below the share that has to be read."""
    scorer = SCORERS["logits"](prompts["logits"], ScoreSettings())

    def answer(question):
        is_lost = int(question.key, 16) % 5
        return replace(sayer(question), probabilities=(), text="who knows") if is_lost else sayer(question)

    score = run(scorer, with_examples, label(TRUE_LABEL), answer, judge_with)["", "auroc"]
    assert score.status is Reason.PARSE_FAILED
    assert score.value is None
