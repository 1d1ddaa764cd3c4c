"""Best of k and revise: the better label on the select side wins, and the held-out side is never asked about."""

from dataclasses import replace

import pytest

from autointerp.core.types import Failure, Reason, Sample, Window
from autointerp.explain import EXPLAINERS, STEP_EXPLAINERS, ExplainSettings
from autointerp.score import SCORERS, ScoreSettings


@pytest.fixture
def scorer(prompts):
    return SCORERS["detection"](prompts["detection"], ScoreSettings())


@pytest.fixture
def best_of(prompts, scorer):
    settings = ExplainSettings(n_candidates=3)
    return STEP_EXPLAINERS["best_of"](
        EXPLAINERS["examples"](prompts["explain_examples"], settings), scorer, None, settings
    )


@pytest.fixture
def revise(prompts, scorer):
    settings = ExplainSettings()
    examples = EXPLAINERS["examples"](prompts["explain_examples"], settings)
    return STEP_EXPLAINERS["revise"](examples, scorer, prompts["explain_revise"], settings)


@pytest.mark.parametrize("order", [("colours", "red or blue", "red"), ("red", "colours", "red or blue")])
def test_the_best_label_wins_wherever_it_stands(best_of, judged, drive, order):
    """Too broad and too narrow labels lose against the exact one, at the cost of all."""
    found, _ = drive(best_of.steps(judged), order)
    assert found.text == "red or blue"
    assert found.explainer == "best_of_3:examples"
    assert (found.tokens, found.usd) == (3 * 107, 1.5)


def test_candidates_differ_in_their_number_alone(best_of, judged, drive):
    """k questions with one prompt and k keys, at a temperature; equal labels are tried once."""
    found, asked = drive(best_of.steps(judged), ["red", "red or blue", "red"])
    writing = [q for q in asked if q.role == "explainer"]
    assert len({q.key for q in writing}) == 3
    assert {(q.prompt, q.sampling) for q in writing} == {(writing[0].prompt, (("temperature", 1.0),))}
    assert len(asked) == 3 + 2 * 12
    assert found.text == "red or blue"


def test_one_label_needs_no_judge(best_of, judged, drive):
    """When all candidates are the same nothing is tried."""
    found, asked = drive(best_of.steps(judged), ["red", "red", ""])
    assert found.text == "red"
    assert len(asked) == 3


def test_only_the_select_side_chooses(best_of, revise, judged, drive):
    """No window of the held-out side is put to the judge, and changing that side changes nothing."""
    hidden = Sample(Window("hidden", 0, (" red",), (9.0,)), "top", 1.0)
    with_hidden = replace(judged, held_out=(hidden,))
    for explainer in (best_of, revise):
        results = [drive(explainer.steps(e), ["red", "red or blue", "colours"]) for e in (judged, with_hidden)]
        assert results[0] == results[1]
        asked = {q.about.window.doc for q in results[1][1] if q.about}
        assert asked == {s.window.doc for s in judged.select}


def test_nothing_to_choose_by_is_a_failure(best_of, colours, judged, drive):
    """Labels that the select side cannot rank are not chosen by their order; no label at all keeps its reason."""
    found, _ = drive(best_of.steps(colours), ["red", "colours", "red or blue"])
    assert isinstance(found, Failure)
    assert found.reason is Reason.TOO_FEW_EXAMPLES
    lost = Failure("explain", "x", Reason.TIMEOUT, "late")
    failed, _ = drive(best_of.steps(judged), [lost, lost, lost])
    assert failed.reason is Reason.TIMEOUT


def test_revision_sees_its_mistakes(revise, judged, drive):
    """Misses stand marked and false alarms unmarked in the second question; its label is the one returned."""
    found, asked = drive(revise.steps(judged), ["red", "red or blue"])
    assert found.text == "red or blue"
    assert found.explainer == "revise:examples"
    assert (found.tokens, found.usd) == (214, 1.0)
    second = asked[-1].prompt
    assert second.count("- a<< blue>>") == 3
    assert "It seems to fit" not in second
    _, asked = drive(revise.steps(judged), ["colours", "red or blue"])
    assert asked[-1].prompt.count("- a green") == 4
    assert "The present label is: colours" in asked[-1].prompt


def test_a_label_without_mistakes_stays(revise, judged, drive):
    """Nobody is asked to better what is right."""
    found, asked = drive(revise.steps(judged), ["red or blue"])
    assert (found.text, found.explainer) == ("red or blue", "revise:examples")
    assert len([q for q in asked if q.role == "explainer"]) == 1


def test_a_lost_revision_is_a_failure(revise, judged, drive):
    """The first label does not pass for a revised one."""
    found, _ = drive(revise.steps(judged), ["red", Failure("explain", "x", Reason.TIMEOUT, "late")])
    assert found.reason is Reason.TIMEOUT
    unread, _ = drive(revise.steps(judged), ["red", ""])
    assert unread.reason is Reason.EXPLAIN_FAILED


def test_dead_features_are_failures(best_of, revise, make_evidence, drive):
    """With nothing to show nobody is asked."""
    for explainer in (best_of, revise):
        found, asked = drive(explainer.steps(make_evidence()), [])
        assert found.reason is Reason.TOO_FEW_EXAMPLES
        assert asked == []
