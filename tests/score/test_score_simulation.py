"""Simulation: known judges get known correlations, pairs are joined right, hostile tokens do not shift digits."""

from dataclasses import replace

import pytest

from autointerp.core.types import Digits, Reason, Reply, Sample, Window
from autointerp.score import SCORERS, ScoreSettings, prompt_of
from autointerp.score.pairs import choose_pairs

TRUE_LABEL = "words for colours"


@pytest.fixture
def simulation(prompts):
    return SCORERS["simulation"](prompts["simulation"], ScoreSettings())


@pytest.fixture
def scores_of(simulation, evidence, label, judge_with, by_metric):
    def run(text, judge, evidence=evidence):
        return by_metric(simulation.grade(evidence, judge_with(simulation, evidence, label(text), judge)))

    return run


def _with_firing_random(evidence):
    """The same, with the random tiles firing, so that random_only has something to find."""
    random = [s for s in evidence.held_out if s.stratum == "random"]
    firing = [
        replace(
            s,
            window=replace(
                s.window, activations=(4.0, *s.window.activations[1:]), tokens=(" red", *s.window.tokens[1:])
            ),
        )
        for s in random
    ]
    return replace(evidence, held_out=(*(s for s in evidence.held_out if s not in random), *firing))


@pytest.mark.parametrize("layout", ["lines", "compact"])
@pytest.mark.parametrize("scale", [9, 10])
def test_perfect_oracle_correlates(prompts, evidence, label, oracle, judge_with, by_metric, scale, layout):
    """Rounding to digits costs an oracle less than 0.05."""
    settings = ScoreSettings(scale=scale, layout=layout)
    scorer = SCORERS["simulation"](prompts[prompt_of("simulation", settings)], settings)
    found = _with_firing_random(evidence)
    scores = by_metric(scorer.grade(found, judge_with(scorer, found, label(TRUE_LABEL), oracle)))
    for variant in ("top_and_random", "random_only"):
        assert scores[variant].value >= 0.95
        assert scores[variant].chance == 0.0
    assert (scores["top_and_random"].n_asked, scores["random_only"].n_asked) == (6, 3)


def test_constant_judge_is_undefined(scores_of, constant):
    """The same digit everywhere has no correlation: a status, not a number."""
    score = scores_of(TRUE_LABEL, constant)["top_and_random"]
    assert score.status is Reason.UNDEFINED
    assert "judge" in score.reason


def test_silent_windows_are_undefined(scores_of, oracle):
    """Random windows in which nothing fires cannot be correlated with, whoever judges."""
    score = scores_of("words for animals", oracle)["random_only"]
    assert score.status is Reason.UNDEFINED
    assert "activation" in score.reason


@pytest.mark.parametrize("false", ["words for animals", "ends of sentences"])
def test_true_label_beats_false_ones(scores_of, oracle, false):
    """A wrong label is near 0 and below the true one."""
    found, true = scores_of(false, oracle)["top_and_random"], scores_of(TRUE_LABEL, oracle)["top_and_random"]
    assert found.value < 0.2 < 0.95 < true.value
    assert true.low <= true.value <= true.high or true.low is None


def test_blank_label_asks_a_real_question(simulation, evidence, label):
    """The blank control is asked like any label."""
    assert "Fires on: (no description)" in simulation.questions(evidence, label(""))[0].prompt


def test_pairs_are_joined_and_asked_once(evidence):
    """Tiles 0 and 32 make one window in order; two tops in one pair are one question; a lone tile stays alone."""
    pairs = choose_pairs(evidence, ScoreSettings())
    assert [p.window.start for p in pairs if p.window.doc.startswith("top")] == [0, 0, 0]
    assert {len(p.window.tokens) for p in pairs if p.window.doc.startswith("top")} == {64}
    assert {len(p.window.tokens) for p in pairs if p.window.doc.startswith("random")} == {32}
    tiles = {s.window.item: s.window for s in evidence.held_out}
    for window in (p.window for p in pairs if p.window.doc.startswith("top")):
        halves = tiles[f"{window.doc}:0"], tiles[f"{window.doc}:32"]
        assert window.tokens == halves[0].tokens + halves[1].tokens
        assert window.activations == halves[0].activations + halves[1].activations
    both = [replace(s, stratum="top", weight=1.0) for s in evidence.held_out if s.stratum == "top"]
    second = [Sample(replace(s.window, start=32), "top", 1.0) for s in both]
    doubled = replace(evidence, held_out=(*both, *second))
    assert len(choose_pairs(doubled, ScoreSettings())) == 3
    assert choose_pairs(replace(doubled, held_out=doubled.held_out[::-1]), ScoreSettings()) == choose_pairs(
        doubled, ScoreSettings()
    )


def test_a_random_tile_in_a_top_pair_counts_for_both(evidence):
    """random_only keeps a random tile that shares its pair with a top one, and it is asked once."""
    top = next(s for s in evidence.held_out if s.stratum == "top")
    shared = (top, Sample(replace(top.window, start=32), "random", 9.0))
    (pair,) = choose_pairs(replace(evidence, held_out=shared), ScoreSettings())
    assert pair.variants == ("top_and_random", "random_only")


def test_prompt_shares_its_beginning_and_holds_the_placeholders(simulation, evidence, label):
    """Instructions and examples are the same for every label; after the last <start> stand count placeholders."""
    one, two = (simulation.questions(evidence, label(text))[0] for text in (TRUE_LABEL, "verbs"))
    shared = one.prompt.index(TRUE_LABEL)
    assert one.prompt[:shared] == two.prompt[:shared]
    wants = one.wants
    assert isinstance(wants, Digits)
    lines = one.prompt.split("\n")
    last = len(lines) - lines[::-1].index(wants.after)
    assert "\n".join(lines[last:]).count(wants.placeholder) == wants.count
    assert all(line.endswith(f"\t{wants.placeholder}") for line in lines[last : last + wants.count])


def test_hostile_tokens_do_not_shift_the_digits(simulation, evidence, label):
    """Tokens that are the placeholder, the start line or a line break keep one line and one placeholder each."""
    evil = ("unknown", "<start>", "\n<start>\n", "\t", " unknown\tunknown", "")
    tokens = tuple(evil[i % len(evil)] for i in range(32))
    held_out = tuple(
        replace(s, window=Window(s.window.doc, s.window.start, tokens, s.window.activations)) for s in evidence.held_out
    )
    for question in simulation.questions(replace(evidence, held_out=held_out), label("unknown\n<start>\nx\tunknown")):
        lines = question.prompt.split("\n")
        last = len(lines) - lines[::-1].index("<start>")
        assert "\n".join(lines[last:]).count("unknown") == question.wants.count == lines[last:].index("<end>")


def test_compact_layout_holds_one_separator_a_token(prompts, evidence, label):
    """Tokens that are tabs, breaks or ends add no separator: one behind every token, the whole text on one line."""
    scorer = SCORERS["simulation"](prompts["simulation_compact"], ScoreSettings(layout="compact"))
    evil = ("\t", "<start>", "\n<start>\n", " <end>", " a\tb", "")
    tokens = tuple(evil[i % len(evil)] for i in range(32))
    held_out = tuple(
        replace(s, window=Window(s.window.doc, s.window.start, tokens, s.window.activations)) for s in evidence.held_out
    )
    for question in scorer.questions(replace(evidence, held_out=held_out), label("x\n<start>\ty")):
        _, _, run = question.prompt.rpartition("\n<start>\n")
        assert run.count("\t") == question.wants.count == len(question.about.window.tokens)
        assert "\n" not in run
        assert question.wants.follows


def test_a_window_is_read_whole_or_not_at_all(simulation, evidence, label, oracle, judge_with, by_metric):
    """One row too few or a spoilt row makes the whole window unread, never zeros."""
    labelled = label(TRUE_LABEL)
    question = simulation.questions(evidence, labelled)[0]
    good = oracle(question)
    spoilt = (
        good.probabilities[:-1],
        ((0.0,) * 10, *good.probabilities[1:]),
        ((float("inf"),) * 10, *good.probabilities[1:]),
    )
    for rows in spoilt:
        read = simulation.read(evidence, labelled, "j", question, replace(good, probabilities=rows))
        assert {(p.guess, p.reason) for p in read} == {(None, Reason.PARSE_FAILED)}

    def half(q):
        reply = oracle(q)
        return replace(reply, probabilities=()) if q.about.item.startswith("random") else reply

    scores = by_metric(simulation.grade(evidence, judge_with(simulation, evidence, labelled, half)))
    assert (scores["top_and_random"].n_asked, scores["top_and_random"].n_read) == (6, 3)
    assert scores["top_and_random"].value >= 0.95
    assert scores["random_only"].status is Reason.PARSE_FAILED


def test_written_digits_are_read(simulation, evidence, label):
    """A judge without probabilities may answer with a JSON list of the right length."""
    labelled = label(TRUE_LABEL)
    question = simulation.questions(evidence, labelled)[0]
    n = question.wants.count
    reply = Reply(question.key, "m", str([3] * n), (), "verbalised", 1, 1, 0, 0.0, None)
    assert {p.guess for p in simulation.read(evidence, labelled, "j", question, reply)} == {3.0}


def test_too_few_examples(simulation, evidence, label):
    """A rare feature is not asked about and says so for both variants."""
    rare = replace(evidence, n_available=3)
    assert simulation.questions(rare, label("x")) == []
    assert {s.status for s in simulation.grade(rare, [])} == {Reason.TOO_FEW_EXAMPLES}
    assert {s.variant for s in simulation.grade(rare, [])} == {"top_and_random", "random_only"}


def test_items_with_colons_keep_their_order(simulation, evidence, label, oracle, judge_with):
    """Documents named with colons and positions above 9 are sorted as numbers and grouped by window."""
    held_out = tuple(replace(s, window=replace(s.window, doc=f"a:b:{s.window.doc}")) for s in evidence.held_out)
    found = replace(evidence, held_out=held_out)
    predictions = judge_with(simulation, found, label(TRUE_LABEL), oracle)
    assert simulation.grade(found, predictions[::-1]) == simulation.grade(found, predictions)
    assert simulation.grade(found, predictions)[0].n_asked == 6
