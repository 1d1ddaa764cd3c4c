"""Intruder, contrastive and sort: known judges get known shares, and no place is a better bet than another."""

from collections import Counter
from dataclasses import replace

import pytest

from autointerp.core.types import Digits, Reason, Reply
from autointerp.score import SCORERS, ScoreSettings
from autointerp.score.lookup import predict_by_lookup

TRUE_LABEL = "words for colours"
CHANCE = {"intruder": 0.2, "contrastive": 0.5, "sort": 0.5}


@pytest.fixture(params=list(CHANCE))
def scorer(request, prompts):
    return SCORERS[request.param](prompts[request.param], ScoreSettings())


@pytest.fixture
def scores_of(scorer, with_examples, label, judge_with):
    def run(text, judge):
        return scorer.grade(with_examples, judge_with(scorer, with_examples, label(text), judge))

    return run


def test_perfect_oracle_scores_one(scorer, scores_of, oracle):
    """A judge who reads the examples as they are meant is always right, and not sure of it."""
    for score in scores_of(TRUE_LABEL, oracle):
        assert score.value == 1
        assert score.low < 1
        assert score.chance == CHANCE[scorer.name] == scorer.chance
        assert score.n_asked == score.n_read > 0


def test_constant_judge_scores_chance(scorer, scores_of, constant):
    """A judge that finds all options alike gets exactly chance."""
    for score in scores_of(TRUE_LABEL, constant):
        assert score.value == pytest.approx(CHANCE[scorer.name])


@pytest.mark.parametrize("place", [1, 2])
def test_always_the_same_place_is_chance(scorer, scores_of, place):
    """Every place is right equally often."""

    def answer(question):
        row = tuple(float(k == place) for k in range(question.wants.scale + 1))
        return Reply(question.key, "t", "", (row,), "oracle", 1, 1, 0, 0.0, None)

    for score in scores_of(TRUE_LABEL, answer):
        assert score.value == pytest.approx(CHANCE[scorer.name], abs=0.01)
        assert score.low < score.chance < score.high


@pytest.mark.parametrize("false", ["words for animals", "ends of sentences", ""])
def test_reading_the_examples_otherwise_scores_less(scores_of, oracle, false):
    """A judge who takes the feature for another one, or for nothing, is worse than the one who is right."""
    true = scores_of(TRUE_LABEL, oracle)
    for found, best in zip(scores_of(false, oracle), true, strict=True):
        assert found.value < best.value
        assert false or found.value == pytest.approx(found.chance)


def test_label_is_not_asked_about(scorer, with_examples, label):
    """Questions for two labels are the same to the last letter: one reply serves all."""
    assert not scorer.uses_label
    keys = [[q.key for q in scorer.questions(with_examples, label(text))] for text in (TRUE_LABEL, "verbs", "")]
    assert keys[0] == keys[1] == keys[2]
    assert len(set(keys[0])) == len(keys[0]) > 0


def test_options_are_unmarked_and_numbered(scorer, with_examples, label):
    """No option bears a mark; the answer is one digit behind the last line."""
    for question in scorer.questions(with_examples, label(TRUE_LABEL)):
        assert question.wants == Digits(1, "unknown", "<start>", len(question.about.options))
        assert "<<" not in question.prompt.split("nothing is marked")[-1]
        assert question.prompt.endswith("\tunknown")


def test_written_answers_are_read_and_others_counted(scorer, with_examples, label):
    """A list of one number is an answer; a number that is no option, or words, is not."""
    labelled = label(TRUE_LABEL)
    question = scorer.questions(with_examples, labelled)[0]
    for text, total in (("[1]", 1.0), ("[0]", None), ("[9]", None), ("the first", None)):
        reply = Reply(question.key, "m", text, (), "text", 1, 1, 0, 0.0, None)
        read = scorer.read(with_examples, labelled, "j", question, reply)
        assert len(read) == len(question.about.options)
        assert [p.guess is None for p in read] == [total is None] * len(read)
        assert total is None or sum(p.guess for p in read) == total


def test_most_unreadable(scorer, with_examples, label, judge_with, garbled):
    """Most unreadable: over the rest with the counts where that is allowed, else unscored; never a number for all."""
    for least in (0.5, 0.0):
        found = type(scorer)(scorer.prompt, ScoreSettings(min_fraction_read=least))
        predictions = judge_with(found, with_examples, label(TRUE_LABEL), garbled(70))
        for score in found.grade(with_examples, predictions):
            assert score.n_read < score.n_asked / 2 or score.n_asked < 10
            few = score.n_read == 0 or score.n_read < least * score.n_asked
            assert score.status is (Reason.PARSE_FAILED if few else Reason.SCORED)


def test_too_few_examples(scorer, evidence, with_examples, label):
    """Nothing is asked of a rare feature; what another side lacks is named."""
    rare = replace(with_examples, n_available=3)
    assert scorer.questions(rare, label("x")) == []
    assert {s.status for s in scorer.grade(rare, [])} == {Reason.TOO_FEW_EXAMPLES}
    if scorer.name != "intruder":
        assert scorer.questions(evidence, label("x")) == []
        assert "shown side" in scorer.grade(evidence, [])[0].reason
    rows = scorer.unscored(evidence, None, judge="j", status=Reason.EXPLAIN_FAILED, reason="")
    assert [(r.variant, r.metric) for r in rows] == [(r.variant, r.metric) for r in scorer.grade(rare, [])]


def test_no_table_answers_these(scorer, with_examples):
    """A token look-up has nothing to say of several windows."""
    assert predict_by_lookup(scorer, with_examples) == []


def test_choices_do_not_depend_on_order(scorer, with_examples, label):
    """The same questions in whatever order the samples come."""
    turned = replace(with_examples, held_out=with_examples.held_out[::-1], shown=with_examples.shown[::-1])
    ask = [q.key for q in scorer.questions(with_examples, label("x"))]
    assert [q.key for q in scorer.questions(turned, label("x"))] == ask


def test_hard_pairs_come_first(prompts, with_examples, label):
    """Contrastive takes the windows of near features before random ones."""
    scorer = SCORERS["contrastive"](prompts["contrastive"], ScoreSettings(n_choices=8))
    silent = [w for q in scorer.questions(with_examples, label("x")) for w in q.about.options if not w.is_firing]
    assert {w.doc.split("-")[0] for w in silent} == {" pink"}


def test_sort_asks_for_both_features_windows(prompts, with_examples, label):
    """Half of the new windows are the other feature's, in both orders, against near and random features alike."""
    scorer = SCORERS["sort"](prompts["sort"], ScoreSettings())
    questions = scorer.questions(with_examples, label("x"))
    kinds = Counter(("near" if ":near:" in q.about.item else "random", q.about.window.is_firing) for q in questions)
    assert kinds == {(v, f): 8 for v in ("near", "random") for f in (True, False)}
    lonely = replace(with_examples, held_out=tuple(s for s in with_examples.held_out if "sibling" not in s.stratum))
    near = next(s for s in scorer.grade(lonely, []) if s.variant == "near")
    assert "near" in near.reason
