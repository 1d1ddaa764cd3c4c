"""What every scorer says of itself: range, chance, cost, needs, and a prompt that is there."""

from dataclasses import replace
from pathlib import Path

import pytest

from autointerp.analysis.values import HEADLINES, is_main
from autointerp.core.types import Reason
from autointerp.explain import PROMPTS as EXPLAIN_PROMPTS
from autointerp.explain import STEP_PROMPTS as EXPLAIN_STEP_PROMPTS
from autointerp.score import COMPACT, PROMPTS, SCORERS, STEP_PROMPTS, STEP_SCORERS, ScoreSettings

ALL = {**SCORERS, **STEP_SCORERS}
ALL_PROMPTS = {**PROMPTS, **STEP_PROMPTS}
NEEDS = {"digits", "yes_no", "text", "subject", "encoder"}
FOLDER = Path(__file__).parents[2] / "prompts"


@pytest.fixture(params=list(ALL))
def scorer(request, prompts):
    prompt = ALL_PROMPTS[request.param]
    return ALL[request.param](prompts[prompt] if prompt else None, ScoreSettings())


def test_scorer_says_what_it_is(scorer, evidence):
    """Its name is the one it is found by; chance lies in its range; it costs something and needs something known."""
    assert scorer.name in ALL
    assert scorer.low < scorer.high
    assert scorer.chance is None or scorer.low <= scorer.chance <= scorer.high
    assert scorer.direction in (-1, 1)
    assert scorer.calls >= 1
    assert scorer.tokens_a_call > 1
    assert scorer.needs
    assert set(scorer.needs) <= NEEDS
    rows = scorer.unscored(evidence, None, judge="j", status=Reason.DEAD, reason="")
    assert scorer.headline in [(row.variant, row.metric) for row in rows]
    assert len({(row.variant, row.metric) for row in rows}) == len(rows)


def test_tables_show_what_a_scorer_is_read_by(scorer):
    """Reports and lists know every scorer's own headline, not all of its metrics side by side."""
    variant, metric = scorer.headline
    assert HEADLINES[scorer.name] == metric
    assert is_main(scorer.name, variant, metric)
    assert not is_main(scorer.name, variant, "another metric")


@pytest.mark.parametrize("name", list(SCORERS))
def test_calls_and_tokens_are_near_the_truth(prompts, with_examples, label, name):
    """A label takes no more questions than stated, and its prompts about as many tokens."""
    scorer = SCORERS[name](prompts[PROMPTS[name]], ScoreSettings(n_expected=50))
    questions = scorer.questions(with_examples, label("words for colours"))
    assert 0 < len(questions) <= scorer.calls
    written = sum((len(q.system) + len(q.prompt)) / 4 for q in questions) / len(questions)
    answered = questions[0].max_tokens if "text" in scorer.needs else 1
    assert 0.5 < scorer.tokens_a_call / (written + answered) < 2


@pytest.mark.parametrize("name", list(SCORERS))
def test_headline_stays_in_its_range_and_questions_are_the_same_again(
    prompts, with_examples, label, judge_with, oracle, name
):
    """The score a scorer is read by lies between low and high; asking twice gives the same keys in the same order."""
    scorer = SCORERS[name](prompts[PROMPTS[name]], ScoreSettings())
    labelled = label("the colour red")
    keys = [[q.key for q in scorer.questions(with_examples, labelled)] for _ in range(2)]
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == len(keys[0])
    if "text" in scorer.needs:
        return
    scores = scorer.grade(with_examples, judge_with(scorer, with_examples, labelled, oracle))
    head = next(s for s in scores if (s.variant, s.metric) == scorer.headline)
    assert scorer.low <= head.value <= scorer.high


@pytest.mark.parametrize("name", list(SCORERS))
def test_questions_do_not_depend_on_what_a_judge_must_not_learn(prompts, with_examples, label, name):
    """Density, numbers of firing windows and inclusion weights leave no trace in any prompt."""
    scorer = SCORERS[name](prompts[PROMPTS[name]], ScoreSettings())
    other = replace(
        with_examples,
        density=0.3,
        window_density=0.9,
        n_available=987,
        held_out=tuple(replace(s, weight=s.weight * 3) for s in with_examples.held_out),
    )
    labelled = label("words for colours")
    assert [q.key for q in scorer.questions(with_examples, labelled)] == [
        q.key for q in scorer.questions(other, labelled)
    ]


@pytest.mark.parametrize("name", [name for name in SCORERS if name != "simulation_json"])
def test_four_of_five_replies_unreadable(prompts, with_examples, label, judge_with, garbled, name):
    """No number by default; where a few may do, the counts stand beside it and the interval is open."""
    for least in (0.5, 0.0):
        scorer = SCORERS[name](prompts[PROMPTS[name]], ScoreSettings(min_fraction_read=least, n_top=20, n_random=20))
        predictions = judge_with(scorer, with_examples, label("words for colours"), garbled(80))
        scores = scorer.grade(with_examples, predictions)
        head = next(s for s in scores if (s.variant, s.metric) == scorer.headline)
        assert head.n_read < head.n_asked / 2
        if least:
            assert (head.value, head.status) == (None, Reason.PARSE_FAILED)
        elif head.value is not None:
            assert head.low < head.high


def test_every_prompt_file_is_used():
    """No prompt lies about that nobody asks."""
    used = {*ALL_PROMPTS.values(), *COMPACT.values(), *EXPLAIN_PROMPTS.values(), *EXPLAIN_STEP_PROMPTS.values()}
    assert {path.stem for path in FOLDER.glob("*.jinja")} == used - {None}
