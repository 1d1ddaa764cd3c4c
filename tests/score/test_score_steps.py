"""Scorers by steps: known encoders, writers and subjects get known scores, in a loop that does no input or output."""

import json
from dataclasses import replace

import pytest

from autointerp.core.steps import Embed, Passage, Vector
from autointerp.core.types import Failure, Question, Reason, Reply, Window
from autointerp.score import STEP_PROMPTS, STEP_SCORERS, ScoreSettings

TRUE_LABEL = "words for colours"
MEANT = {TRUE_LABEL: (" red", " blue"), "words for animals": (" cat", " dog"), "ends of sentences": (".",)}
STRENGTH = {" red": 4.0, " blue": 2.0}


def tokens_of(text):
    return tuple(f" {word}" for word in text.split())


def embed(step):
    """An encoder with one axis a meaning, one for texts that hold none, and one for words that name nothing."""
    assert isinstance(step, Embed)
    words = tokens_of(step.text.replace(".", " ."))
    axes = [step.text == label or any(w in words for w in meant) for label, meant in MEANT.items()]
    is_blank = step.text == "(no description)"
    return Vector((*map(float, axes), 0.01 * (not is_blank), float(is_blank)))


def subject(step):
    assert isinstance(step, Passage)
    tokens = tokens_of(step.text)
    return Window("passage", 0, tokens, tuple(STRENGTH.get(token, 0.0) for token in tokens))


def write(step, label, n=10):
    """A writer who knows what the label means: its words in the texts that fit, none of them in the others."""
    assert isinstance(step, Question)
    assert step.role == "writer"
    word = MEANT.get(label, (" nothing",))[0].strip()
    fits = "plainly contains" in step.prompt
    texts = [f"number {i} has {word if fits else 'nothing'} in it" for i in range(n)]
    return Reply(step.key, "w", json.dumps(texts), (), "text", 1, 1, 0, 0.0, None)


@pytest.fixture
def make(prompts):
    def of(name, **settings):
        prompt = STEP_PROMPTS[name]
        return STEP_SCORERS[name](prompts[prompt] if prompt else None, ScoreSettings(**settings))

    return of


@pytest.fixture
def scores_of(make, evidence, label, go_through):
    def run(name, text, world, **settings):
        scorer = make(name, **settings)
        scores = scorer.grade(evidence, go_through(scorer, evidence, label(text), world))
        return {(score.variant, score.metric): score for score in scores}

    return run


# ---- embedding


def test_perfect_encoder_scores_one(scores_of):
    """An encoder that puts texts where their meaning is ranks all firing ones first, and is not sure of it."""
    score = scores_of("embedding", TRUE_LABEL, embed)["", "auroc"]
    assert score.value == 1
    assert score.low < 1
    assert (score.n_asked, score.n_read, score.chance) == (32, 32, 0.5)


def test_constant_encoder_is_at_chance(scores_of):
    """Every text at one place is exactly 0.5."""
    assert scores_of("embedding", TRUE_LABEL, lambda _: Vector((1.0, 2.0)))["", "auroc"].value == 0.5


@pytest.mark.parametrize("false", ["words for animals", "ends of sentences", ""])
def test_true_label_beats_false_ones_by_embedding(scores_of, false):
    """A wrong label is below the true one, and a blank one has chance in its interval."""
    score = scores_of("embedding", false, embed)["", "auroc"]
    assert score.value < 1
    assert false or score.low <= 0.5 <= score.high


def test_lost_vectors_are_counted(scores_of):
    """Texts without a vector are left out and counted; without the label's there is no score; no length is no angle."""

    def losing(step):
        is_lost = isinstance(step, Embed) and sum(map(ord, step.text)) % 5
        return Failure("score", "x", Reason.TIMEOUT, "late") if is_lost and step.text != TRUE_LABEL else embed(step)

    for least in (0.5, 0.0):
        score = scores_of("embedding", TRUE_LABEL, losing, min_fraction_read=least)["", "auroc"]
        assert 0 < score.n_read < 16 < score.n_asked
        assert score.status is (Reason.TIMEOUT if least else Reason.SCORED)
    lost = scores_of("embedding", TRUE_LABEL, lambda _: Failure("score", "x", Reason.TIMEOUT, ""))["", "auroc"]
    assert (lost.status, lost.n_read) == (Reason.TIMEOUT, 0)
    assert scores_of("embedding", TRUE_LABEL, lambda _: Vector((0.0, 0.0)))["", "auroc"].status is Reason.UNDEFINED


def test_encoder_sees_label_and_texts_alone(make, evidence, label):
    """The label once, then every tile as it is written, in a fixed order."""
    steps = make("embedding").steps(evidence, label(TRUE_LABEL), "e")
    seen = [next(steps)]
    for _ in range(32):
        seen.append(steps.send(Vector((1.0,))))
    texts = {s.window.text for s in evidence.held_out if s.stratum != "neighbour"}
    assert seen[0] == Embed(TRUE_LABEL)
    assert {step.text for step in seen[1:]} == texts


# ---- sensitivity


def world_of(label, writer=write):
    return lambda step: writer(step, label) if isinstance(step, Question) else subject(step)


def test_perfect_writer_and_feature_score_one(scores_of):
    """Every fitting text fires and no near-miss does; no interval claims to be sure."""
    scores = scores_of("sensitivity", TRUE_LABEL, world_of(TRUE_LABEL))
    assert scores["", "auroc"].value == 1
    for variant in ("above_0", "above_0.1"):
        assert scores[variant, "sensitivity"].value == 1
        assert scores[variant, "false_fire"].value == 0
        assert scores[variant, "sensitivity"].low < 1
        assert scores[variant, "sensitivity"].n_asked == 10
    assert scores["above_0", "sensitivity"].chance == 0.02


def test_one_text_for_all_is_chance(scores_of):
    """A writer who writes the same whatever is asked gives an AUROC of 0.5."""

    def same(step, _label):
        texts = [f"number {i} is {'red' if i % 2 else 'cat'} today" for i in range(10)]
        return Reply(step.key, "w", json.dumps(texts), (), "text", 1, 1, 0, 0.0, None)

    scores = scores_of("sensitivity", TRUE_LABEL, world_of(TRUE_LABEL, same))
    assert scores["", "auroc"].value == 0.5
    assert scores["above_0", "sensitivity"].value == scores["above_0", "false_fire"].value == 0.5


@pytest.mark.parametrize("false", ["words for animals", "ends of sentences", ""])
def test_true_label_beats_false_ones_by_writing(scores_of, false):
    """Texts that fit a foreign or blank label do not fire: chance, and no sensitivity."""
    scores = scores_of("sensitivity", false, world_of(false))
    assert scores["", "auroc"].value == 0.5
    assert scores["", "auroc"].low < 0.5 < scores["", "auroc"].high
    assert scores["above_0", "sensitivity"].value == 0


def test_threshold_is_a_share_of_the_peak(scores_of):
    """A text that fires weakly counts above 0 and not above a tenth of the peak."""
    weak = {" red": 0.3}

    def weakly(step):
        if isinstance(step, Question):
            return write(step, TRUE_LABEL)
        tokens = tokens_of(step.text)
        return Window("passage", 0, tokens, tuple(weak.get(token, 0.0) for token in tokens))

    scores = scores_of("sensitivity", TRUE_LABEL, weakly)
    assert (scores["above_0", "sensitivity"].value, scores["above_0.1", "sensitivity"].value) == (1, 0)


def test_texts_not_written_or_not_run_are_counted(scores_of):
    """Two of ten written: over these where that is allowed, else unscored with the reason; none at all is a refusal."""

    def short(step, label):
        return write(step, label, n=2)

    for least, status in ((0.5, Reason.PARSE_FAILED), (0.0, Reason.SCORED)):
        score = scores_of("sensitivity", TRUE_LABEL, world_of(TRUE_LABEL, short), min_fraction_read=least)["", "auroc"]
        assert (score.n_asked, score.n_read, score.status) == (20, 4, status)

    def sorry(step, _label):
        text = "I'm sorry, but I can't help with that."
        return Reply(step.key, "w", text, (), "text", 1, 1, 0, 0.0, None)

    scores = scores_of("sensitivity", TRUE_LABEL, world_of(TRUE_LABEL, sorry))
    assert {score.status for score in scores.values()} == {Reason.JUDGE_REFUSED}

    def broken(step):
        return write(step, TRUE_LABEL) if isinstance(step, Question) else Failure("score", "x", Reason.TIMEOUT, "")

    assert scores_of("sensitivity", TRUE_LABEL, broken)["", "auroc"].status is Reason.TIMEOUT


def test_unscored_rows_are_the_graded_ones(make, evidence):
    """A label that was never had has the same rows."""
    for name in STEP_SCORERS:
        scorer = make(name)
        rows = scorer.unscored(evidence, None, judge="j", status=Reason.EXPLAIN_FAILED, reason="")
        graded = scorer.grade(replace(evidence, n_available=3), [])
        assert [(r.variant, r.metric) for r in rows] == [(r.variant, r.metric) for r in graded]
        assert {r.status for r in graded} == {Reason.TOO_FEW_EXAMPLES}
