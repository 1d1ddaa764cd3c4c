"""Figures of simulated activations other than the correlation, and simulation by judges that write numbers."""

import json
from dataclasses import replace

import numpy as np
import pytest

from autointerp.core.errors import ConfigError
from autointerp.core.types import Digits, Reason, Reply, Text
from autointerp.metrics.correlation import linear_calibration, pearson
from autointerp.score import SCORERS, ScoreSettings
from autointerp.score.settings import SIMULATION_METRICS
from autointerp.score.simulated import CHANCE, Simulated, estimate

TRUE_LABEL = "words for colours"


@pytest.fixture
def simulation(prompts):
    return SCORERS["simulation"](prompts["simulation"], ScoreSettings(simulation_metrics=SIMULATION_METRICS))


@pytest.fixture
def scores_of(simulation, evidence, label, judge_with):
    def run(text, judge):
        scores = simulation.grade(evidence, judge_with(simulation, evidence, label(text), judge))
        return {score.metric: score for score in scores if score.variant == "top_and_random"}

    return run


def test_perfect_oracle_is_near_one_everywhere(scores_of, oracle):
    """Cutting activations to digits costs an oracle little in any of the figures."""
    scores = scores_of(TRUE_LABEL, oracle)
    assert set(scores) == set(SIMULATION_METRICS) == set(CHANCE)
    for score in scores.values():
        assert score.value >= 0.9
        assert score.low is None or score.low <= score.value <= score.high


def test_constant_judge_is_undefined_or_zero_by_name(scores_of, constant):
    """The Anthropic variant alone turns a constant guess into 0; R2 of a constant is a number below 0."""
    scores = scores_of(TRUE_LABEL, constant)
    assert scores["correlation_or_zero"].value == 0.0
    for metric in ("correlation", "correlation_calibrated", "r2_calibrated"):
        assert scores[metric].status is Reason.UNDEFINED
    assert scores["r2_uncentred"].value < 0
    assert scores["absolute_deviation"].value < 0


@pytest.mark.parametrize("false", ["words for animals", "ends of sentences"])
def test_true_label_beats_false_ones(scores_of, oracle, false):
    """In every figure."""
    true, found = scores_of(TRUE_LABEL, oracle), scores_of(false, oracle)
    assert all(found[metric].value < true[metric].value for metric in SIMULATION_METRICS)


def test_calibration_forgets_the_sign():
    """Opposite guesses have r = -1 and |r| = 1: fitting a line on the scored data turns the one into the other."""
    truth = np.array([0.0, 1, 2, 3, 4])
    read = Simulated((truth,), (9 - truth,), unit=1.0)
    values = {metric: estimate(read, metric, seed=0, key=()).value for metric in SIMULATION_METRICS}
    slope, intercept = linear_calibration(truth, read.guess[0])
    assert values["correlation"] == pytest.approx(-1)
    assert values["correlation_calibrated"] == pytest.approx(pearson(truth, slope * read.guess[0] + intercept))
    assert values["r2_calibrated"] == pytest.approx(1)


def test_a_constant_activation_is_undefined_in_the_anthropic_variant_too():
    """0 stands for a judge that says nothing, not for windows that ask nothing."""
    read = Simulated((np.zeros(4),), (np.arange(4.0),), unit=1.0)
    assert estimate(read, "correlation_or_zero", seed=0, key=()).value is None
    assert estimate(read, "r2_uncentred", seed=0, key=()).value is None


def test_unknown_metric_is_refused():
    """A misspelt name stops before anything is asked."""
    with pytest.raises(ConfigError, match="correlation_or_zero"):
        ScoreSettings(simulation_metrics=("corelation",))


# ---- written numbers


@pytest.fixture
def written(prompts):
    return SCORERS["simulation_json"](prompts["simulation_json"], ScoreSettings())


def write(question, numbers):
    """A chat model's reply: objects in a fence, with a sentence before them."""
    objects = [{"token": t, "activation": n} for t, n in zip(question.about.window.tokens, numbers, strict=False)]
    text = f"Here is the list:\n```json\n{json.dumps(objects)}\n```"
    return Reply(question.key, "test", text, (), "text", 1, 1, 0, 0.0, None)


@pytest.fixture
def writer(oracle):
    """The oracle's digits as JSON."""

    def answer(question):
        about = question.about
        asked = replace(question, wants=Digits(len(about.window.tokens), "unknown", "<start>", 9))
        return write(question, [row.index(1.0) for row in oracle(asked).probabilities])

    return answer


def test_perfect_writer_correlates(written, evidence, label, judge_with, by_metric, writer):
    """Whole numbers as JSON give what digits give."""
    scores = by_metric(written.grade(evidence, judge_with(written, evidence, label(TRUE_LABEL), writer)))
    assert scores["top_and_random"].value >= 0.95
    assert scores["top_and_random"].scorer == "simulation_json"


def test_constant_writer_is_undefined(written, evidence, label, judge_with, by_metric):
    """The same number everywhere has no correlation."""

    def answer(question):
        return write(question, [3] * len(question.about.window.tokens))

    score = by_metric(written.grade(evidence, judge_with(written, evidence, label("x"), answer)))["top_and_random"]
    assert score.status is Reason.UNDEFINED


@pytest.mark.parametrize("false", ["words for animals", "ends of sentences"])
def test_true_label_beats_false_ones_in_writing(written, evidence, label, judge_with, by_metric, writer, false):
    """A wrong label is near 0 and below the true one."""
    true, found = (
        by_metric(written.grade(evidence, judge_with(written, evidence, label(text), writer)))["top_and_random"]
        for text in (TRUE_LABEL, false)
    )
    assert found.value < 0.2 < 0.95 < true.value


def test_wrong_length_or_value_is_parse_failed(written, evidence, label):
    """A list one too short, a 10 of 9 or an apology is a window not read, never zeros."""
    labelled = label(TRUE_LABEL)
    question = written.questions(evidence, labelled)[0]
    n = len(question.about.window.tokens)
    assert question.wants == Text()
    assert "(no description)" in written.questions(evidence, label(""))[0].prompt
    for numbers, reason in (([0] * (n - 1), Reason.PARSE_FAILED), ([10] * n, Reason.PARSE_FAILED)):
        read = written.read(evidence, labelled, "j", question, write(question, numbers))
        assert {(p.guess, p.reason) for p in read} == {(None, reason)}
    sorry = Reply(question.key, "m", "I'm sorry, but I can't help with that.", (), "text", 1, 1, 0, 0.0, None)
    assert {p.reason for p in written.read(evidence, labelled, "j", question, sorry)} == {Reason.JUDGE_REFUSED}


def test_unreadable_windows_are_counted(prompts, evidence, label, judge_with, by_metric, writer):
    """With most windows unread there is no score, unless that is allowed; then their number stands beside it."""

    def answer(question):
        lost = question.about.item.startswith("top") or question.about.item.endswith(("0:64", "1:64"))
        return replace(writer(question), text="nothing") if lost else writer(question)

    for least in (0.5, 0.0):
        scorer = SCORERS["simulation_json"](prompts["simulation_json"], ScoreSettings(min_fraction_read=least))
        score = by_metric(scorer.grade(evidence, judge_with(scorer, evidence, label(TRUE_LABEL), answer)))
        found = score["top_and_random"]
        assert found.n_read < found.n_asked == 6
        assert found.value is None
        assert found.status in (Reason.PARSE_FAILED, Reason.UNDEFINED)
