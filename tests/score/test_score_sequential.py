"""Sequential: known judges are decided as they deserve, early, and by nothing but their answers in order."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autointerp.core.draws import draw, uniform
from autointerp.core.errors import ConfigError
from autointerp.core.types import Evidence, Failure, Reason, Reply
from autointerp.score import SCORERS, STEP_SCORERS, ScoreSettings
from autointerp.score.tiles import choose_items

TRUE_LABEL = "words for colours"
FALSE_LABELS = ["words for animals", "ends of sentences", ""]


@pytest.fixture
def many(evidence: Evidence) -> Evidence:
    """The feature of colours with every held-out tile in four documents: 48 firing and 80 silent ones."""
    copies = [
        replace(s, window=replace(s.window, doc=f"{s.window.doc}/{copy}")) for s in evidence.held_out for copy in "abcd"
    ]
    return replace(evidence, held_out=tuple(copies))


@pytest.fixture
def make(prompts):
    return lambda **changes: STEP_SCORERS["sequential"](prompts["detection"], ScoreSettings(**changes))


@pytest.fixture
def judged(make, many, label, go_through):
    """Ask about a label until the scorer is content; return its predictions, accuracy and verdict."""

    def run(text, judge, evidence=many, **changes):
        scorer = make(**changes)
        predictions = go_through(scorer, evidence, label(text), judge)
        return predictions, *scorer.grade(evidence, predictions)

    return run


def answers(said):
    """A judge who says these one after another, of True, False and None for what cannot be read."""
    waiting = iter(said)

    def judge(question):
        verdict = next(waiting)
        row = () if verdict is None else ((float(verdict), float(not verdict)),)
        return Reply(question.key, "test", "well, maybe", row, "oracle", 1, 1, 0, 0.0, None)

    return judge


def tally(predictions):
    fires = [p.truth > 0 for p in predictions if p.guess is not None]
    return sum(fires), len(fires) - sum(fires)


# ---- known answers


def test_perfect_judge_is_good_after_the_fewest_answers(judged, oracle):
    """Eight right answers decide: of 128 tiles no other is asked; accuracy 1, of which the interval is not sure."""
    predictions, accuracy, is_good = judged(TRUE_LABEL, oracle)
    assert (accuracy.value, accuracy.chance, is_good.value) == (1, 0.5, 1)
    assert accuracy.n_asked == accuracy.n_read == len(predictions) == 8
    assert 0.5 < accuracy.low < accuracy.high == 1
    assert accuracy.reason == "good after 8 answers"


def test_constant_judge_is_bad(judged, constant):
    """Right about one kind and wrong about the other is exactly chance, decided before the tiles run out."""
    predictions, accuracy, is_good = judged(TRUE_LABEL, constant)
    assert (accuracy.value, is_good.value) == (0.5, 0)
    assert accuracy.low < 0.5 < accuracy.high
    assert tally(predictions) == (len(predictions) / 2,) * 2
    assert len(predictions) < 60


@pytest.mark.parametrize("false", FALSE_LABELS)
def test_true_label_beats_false_ones(judged, oracle, false):
    """A wrong or blank label is below the true one and not good; a blank one has chance in its interval."""
    _, accuracy, is_good = judged(false, oracle)
    assert accuracy.value < 0.8
    assert is_good.value == 0
    assert false or accuracy.low <= 0.5 <= accuracy.high


@pytest.mark.parametrize(("sensitivity", "specificity"), [(0.6, 0.6), (1.0, 0.2)])
def test_worthless_labels_are_seldom_good(judged, sensitivity, specificity):
    """Looked at after every pair, a judge right about 60% calls at most 5% of 60 labels good, within two errors."""
    n_good = 0
    for repeat in range(60):

        def judge(question, repeat=repeat):
            is_yes = uniform(repeat, question.about.item) < (
                sensitivity if question.about.window.is_firing else 1 - specificity
            )
            return Reply(question.key, "test", "", ((float(is_yes), float(not is_yes)),), "oracle", 1, 1, 0, 0.0, None)

        *_, is_good = judged(TRUE_LABEL, judge, sequential_max_items=40)
        n_good += is_good.value == 1
    assert n_good <= 3 + 2 * (60 * 0.05 * 0.95) ** 0.5


# ---- what is asked


def test_questions_are_those_of_detection(make, many, prompts, label, go_through, oracle):
    """Every question is one of detection's, so that a run with both asks it once; firing and silent ones in turns."""
    asked = []

    def noting(question):
        asked.append(question)
        return oracle(question)

    predictions = go_through(make(), many, label("the colour red"), noting)
    detection = SCORERS["detection"](prompts["detection"], ScoreSettings())
    assert {q.key for q in asked} <= {q.key for q in detection.questions(many, label("the colour red"))}
    assert [p.truth > 0 for p in predictions] == [n % 2 == 0 for n in range(len(predictions))]
    assert len({p.item for p in predictions}) == len(predictions)


@given(said=st.lists(st.sampled_from([True, False, None]), min_size=128, max_size=128), seed=st.integers(0, 9))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_decision_depends_on_the_answers_in_order_alone(judged, make, many, said, seed):
    """Another label or other weights change nothing, nor the order in which predictions are stored."""
    heavier = replace(many, held_out=tuple(replace(s, weight=s.weight * 3) for s in many.held_out))
    predictions, *scores = judged(TRUE_LABEL, answers(said), min_fraction_read=0.0)
    _, *others = judged("words for animals", answers(said), heavier, min_fraction_read=0.0)
    assert [replace(s, explanation="") for s in scores] == [replace(s, explanation="") for s in others]
    mixed = draw(predictions, len(predictions), seed=seed, key=lambda p: p.item)
    assert list(make(min_fraction_read=0.0).grade(many, mixed)) == scores


@pytest.mark.parametrize("text", [TRUE_LABEL, "the colour red", *FALSE_LABELS])
def test_asked_all_at_once_it_comes_to_the_same(judged, make, many, label, judge_with, oracle, garbled, text):
    """Answers behind the decision change no number, so a judge can be examined by answers to all questions."""
    for judge in (oracle, garbled(20)):
        _, *scores = judged(text, judge)
        whole = make().grade(many, judge_with(make(), many, label(text), judge))
        assert [(s.metric, s.value, s.low, s.high) for s in scores] == [
            (s.metric, s.value, s.low, s.high) for s in whole
        ]


def test_nothing_is_asked_after_a_decision(judged, make, many, oracle, label):
    """No next question once it is decided, and every part of the answers before left one to ask."""
    predictions, *_ = judged(TRUE_LABEL, oracle)
    asks = [make().next_question(many, label(TRUE_LABEL), predictions[:n]) is not None for n in range(9)]
    assert asks == [True] * 8 + [False]


# ---- what is not read, and what is not decided


def test_unread_answers_are_neither_right_nor_wrong(judged):
    """The next tile of the kind takes the turn of one that was not read; the counts and the reason say how many."""
    said = [None, True, False, None, None, True, False, True, False, True, False]
    predictions, accuracy, is_good = judged(TRUE_LABEL, answers(said))
    assert tally(predictions) == (4, 4)
    assert (accuracy.value, accuracy.n_asked, accuracy.n_read) == (1, 11, 8)
    assert accuracy.reason == "good after 8 answers, 3 more unread"
    assert is_good.value == 1


def test_four_of_five_replies_unreadable(judged, garbled):
    """No number by default, with the reason; where a few may do, the counts stand beside an open interval."""
    _, accuracy, is_good = judged(TRUE_LABEL, garbled(80))
    assert (accuracy.status, is_good.status) == (Reason.PARSE_FAILED, Reason.PARSE_FAILED)
    _, accuracy, _ = judged(TRUE_LABEL, garbled(80), min_fraction_read=0.0)
    assert accuracy.n_read < accuracy.n_asked / 2
    assert accuracy.low < accuracy.value <= accuracy.high


def test_a_judge_who_is_not_had_has_no_accuracy(judged):
    """Failures alone are unscored with their reason, after as many questions as there may be."""
    predictions, accuracy, _ = judged(
        TRUE_LABEL, lambda _: Failure("score", "x", Reason.TIMEOUT, "late"), sequential_max_items=10
    )
    assert (accuracy.status, accuracy.n_asked, len(predictions)) == (Reason.TIMEOUT, 10, 10)


@pytest.mark.parametrize("max_items", [6, 7])
def test_not_decided_keeps_its_number(judged, oracle, max_items):
    """Out of questions the accuracy of the whole pairs stands with its interval; only the verdict is undecidable."""
    predictions, accuracy, is_good = judged(TRUE_LABEL, oracle, sequential_max_items=max_items)
    assert len(predictions) == max_items
    assert (accuracy.value, accuracy.status, accuracy.reason) == (1, Reason.SCORED, "not decided after 6 answers")
    assert accuracy.low < 0.6
    assert (is_good.value, is_good.status) == (None, Reason.UNDECIDABLE)
    assert is_good.reason == accuracy.reason


def test_a_kind_of_tile_runs_out(judged, evidence, oracle):
    """With three firing tiles there are three pairs, and no silent tile is asked for nothing after them."""
    few = [s for s in choose_items(evidence) if not s.window.is_firing]
    few += [s for s in choose_items(evidence) if s.window.is_firing][:3]
    predictions, accuracy, _ = judged(TRUE_LABEL, oracle, replace(evidence, held_out=tuple(few)))
    assert (tally(predictions), accuracy.reason) == ((3, 3), "not decided after 6 answers")


def test_accuracies_between_which_nothing_lies(make):
    """The error names both keys."""
    with pytest.raises(ConfigError, match=r"sequential_bad = 0\.9 has to be below sequential_good = 0\.8"):
        make(sequential_bad=0.9)
