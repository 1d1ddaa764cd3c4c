"""Spearman: known judges get known coefficients, and excerpts cover all strengths at all places."""

from collections import Counter
from dataclasses import replace

import pytest

from autointerp.core.types import Digits, Reason, Sample, Window
from autointerp.score import SCORERS, ScoreSettings
from autointerp.score.excerpts import choose_excerpts

TRUE_LABEL = "words for colours"
METRICS = ("spearman", "spearman_weighted")


@pytest.fixture
def spearman(prompts):
    return SCORERS["spearman"](prompts["simulation"], ScoreSettings())


@pytest.fixture
def scores_of(spearman, evidence, label, judge_with, by_metric):
    def run(text, judge):
        return by_metric(spearman.grade(evidence, judge_with(spearman, evidence, label(text), judge)))

    return run


def test_perfect_oracle_correlates(scores_of, oracle):
    """Digits of the true label rank tokens as the cut activations do, weighted or not."""
    for metric in METRICS:
        score = scores_of(TRUE_LABEL, oracle)[metric]
        assert score.value >= 0.95
        assert score.chance == 0.0


def test_constant_judge_is_undefined(scores_of, constant):
    """The same digit everywhere has no rank correlation."""
    assert {scores_of(TRUE_LABEL, constant)[metric].status for metric in METRICS} == {Reason.UNDEFINED}


@pytest.mark.parametrize("false", ["the colour red", "words for animals", "ends of sentences"])
def test_true_label_beats_false_ones(scores_of, oracle, false):
    """Every wrong label scores below the true one; a foreign one has chance in its interval."""
    true, found = scores_of(TRUE_LABEL, oracle), scores_of(false, oracle)
    for metric in METRICS:
        assert found[metric].value is None or found[metric].value < true[metric].value
    foreign = found["spearman"]
    assert false == "the colour red" or foreign.value is None or foreign.low <= 0.05


def test_blank_label_says_nothing(scores_of, oracle, spearman, evidence, label):
    """A blank label is asked like any other and ranks nothing."""
    assert scores_of("", oracle)["spearman"].status is Reason.UNDEFINED
    assert "(no description)" in spearman.questions(evidence, label(""))[0].prompt


def test_excerpts_are_sampled_as_published(evidence, prompts):
    """6 top, 24 over the strata, 10 random, 20 of the top token out of context; nine tokens each, no tile twice."""

    def tile(name, token, activation):
        words = tuple(f" w{i}" for i in range(32))
        at = (7 * len(name) + int(name[-1])) % 32
        activations = tuple(activation * (i == at) for i in range(32))
        return Window(name, 0, (*words[:at], token, *words[at + 1 :]), activations)

    held_out = [Sample(tile(f"t{i}", " red", 4.0), "top", 1.0) for i in range(8)]
    held_out += [Sample(tile(f"f{b}-{i}", " red", b / 2 + 0.1), f"firing:{b}", 5.0) for b in range(8) for i in range(5)]
    held_out += [Sample(tile(f"r{i}", " the", 0.0), "random", 90.0) for i in range(12)]
    held_out += [Sample(tile(f"s{i}", " red", 0.0), "silent:same_token", 7.0) for i in range(15)]
    held_out += [Sample(tile(f"x{i}", " red", 0.0), "silent:random", 7.0) for i in range(15)]
    held_out += [Sample(tile(f"z{i}", " cat", 0.0), "silent:random", 7.0) for i in range(15)]
    found = replace(evidence, held_out=tuple(held_out))
    excerpts = choose_excerpts(found, ScoreSettings())
    assert Counter(e.window.doc[0] for e in excerpts) == {"t": 6, "f": 24, "r": 10, "s": 15, "x": 5}
    assert set(Counter(e.window.doc[:2] for e in excerpts if e.window.doc[0] == "f").values()) == {3}
    assert {len(e.window.tokens) for e in excerpts} == {9}
    assert all(" red" in e.window.tokens for e in excerpts if e.window.doc[0] != "r")
    assert choose_excerpts(replace(found, held_out=found.held_out[::-1]), ScoreSettings()) == excerpts
    places = {e.window.tokens.index(" red") for e in excerpts if e.window.doc[0] in "tfsx"}
    assert len(places) >= 7
    assert len(excerpts) == SCORERS["spearman"](prompts["simulation"], ScoreSettings()).calls == 60


def test_short_tiles_are_shown_whole(evidence):
    """A tile of fewer than nine tokens is its own excerpt."""
    short = Window("short", 0, ("a", " red"), (0.0, 4.0))
    (excerpt,) = choose_excerpts(replace(evidence, held_out=(Sample(short, "top", 1.0),)), ScoreSettings())
    assert excerpt.window == short


def test_each_question_asks_for_its_tokens(spearman, evidence, label):
    """A digit for each of nine tokens; the label stands before them."""
    for question in spearman.questions(evidence, label(TRUE_LABEL)):
        assert question.wants == Digits(9, "unknown", "<start>", 9)
        assert len(question.about.window.tokens) == 9


def test_most_excerpts_unread(prompts, evidence, label, judge_with, by_metric, garbled):
    """Most unreadable: over the rest with the counts in plain sight where that is allowed, else unscored."""
    for least in (0.5, 0.0):
        scorer = SCORERS["spearman"](prompts["simulation"], ScoreSettings(min_fraction_read=least))
        predictions = judge_with(scorer, evidence, label(TRUE_LABEL), garbled(70))
        score = by_metric(scorer.grade(evidence, predictions))["spearman"]
        assert score.n_asked == 16
        assert score.n_read < 8
        assert score.status is (Reason.PARSE_FAILED if least else Reason.SCORED)


def test_too_few_examples(spearman, evidence, label):
    """A rare feature is not asked about, and both coefficients say so."""
    rare = replace(evidence, n_available=3)
    assert spearman.questions(rare, label("x")) == []
    assert [s.status for s in spearman.grade(rare, [])] == [Reason.TOO_FEW_EXAMPLES] * 2
    rows = spearman.unscored(evidence, None, judge="j", status=Reason.EXPLAIN_FAILED, reason="")
    assert [row.metric for row in rows] == list(METRICS)
