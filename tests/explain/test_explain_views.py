"""Explainers that ask once: what each shows beside or in place of examples, and the forms of its label."""

from dataclasses import replace

import pytest

from autointerp.core.types import Explanation, Failure, FeatureId, Reason, Reply, Sample, Window
from autointerp.explain import EXPLAINERS, PROMPTS, ExplainSettings
from autointerp.prompting.labels import FullLabel, read_full_label


@pytest.fixture
def make(prompts):
    return lambda name: EXPLAINERS[name](prompts[PROMPTS[name]], ExplainSettings())


def reply(question, text):
    return Reply(question.key, "model-1", text, (), "text", 100, 7, 0, 0.1, 0.002)


@pytest.mark.parametrize("name", ["contrast", "outputs", "examples_full"])
def test_label_keeps_its_provenance(make, colours, name):
    """Model as returned, prompt version, question, tokens and price as billed, under this explainer's name."""
    explainer = make(name)
    question = explainer.question(colours)
    found = explainer.read(colours, reply(question, 'Label: "names of colours"'))
    assert isinstance(found, Explanation)
    assert (found.text, found.explainer, found.model) == ("names of colours", name, "model-1")
    assert (found.question, found.tokens, found.usd) == (question.key, 107, 0.002)
    assert found.prompt_version == explainer.prompt.version
    assert "{{" not in question.prompt


@pytest.mark.parametrize("name", ["contrast", "outputs", "examples_full"])
def test_nothing_to_show_and_nothing_said_are_failures(make, colours, make_evidence, name):
    """Without what it looks at nobody is asked; an empty reply or a refusal keeps its reason."""
    explainer = make(name)
    assert explainer.question(make_evidence()) is None
    assert explainer.read(make_evidence(), None).reason is Reason.TOO_FEW_EXAMPLES
    question = explainer.question(colours)
    assert explainer.read(colours, reply(question, "")).reason is Reason.EXPLAIN_FAILED
    refusal = explainer.read(colours, reply(question, "I'm sorry, but I can't help with that."))
    assert isinstance(refusal, Failure)
    assert refusal.reason is Reason.EXPLAIN_REFUSED


def test_contrast_shows_hard_silent_windows_first(make, colours):
    """Windows of hard strata before random ones, none of them marked or firing."""
    hard = [
        Sample(Window(f"h{i}", 0, ("a", f" <<green{i}", "\n"), (0.0,) * 3), "silent:same_token", 1.0) for i in range(4)
    ]
    found = replace(colours, shown=(*colours.shown, *hard))
    prompt = make("contrast").question(found).prompt
    silent = prompt.split("Feature C is silent:\n")[1].split("\nWhen feature C")[0].strip().splitlines()
    assert len(silent) == 6
    assert all("green" in line for line in silent[:4])
    assert not any("<<" in line for line in silent)
    assert make("contrast").question(replace(found, shown=found.shown[::-1])).prompt == prompt


def test_outputs_sees_no_text(make, colours):
    """Only promoted and suppressed tokens, made harmless; the label is of kind output."""
    question = make("outputs").question(colours)
    assert '" scarlet"' in question.prompt
    assert " car" not in question.prompt.split("Feature C")[1]
    assert make("outputs").read(colours, reply(question, "colours")).kind == "output"


def test_full_label_has_all_forms(make, colours):
    """Short, long, type and concepts are kept where the reply gives them."""
    text = (
        'Sure:\n```json\n{"label": "red; blue", "long": "Fires on red.\\nAlso on blue.", '
        '"type": "Input_Token", "concepts": ["red", "blue", "red", 3]}\n```'
    )
    explainer = make("examples_full")
    question = explainer.question(colours)
    found = explainer.read(colours, reply(question, text))
    assert (found.text, found.long, found.kind) == ("red; blue", "Fires on red. Also on blue.", "input token")
    assert found.concepts == ("red", "blue")
    assert question.max_tokens == 300


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("names of colours", FullLabel("names of colours")),
        ('{"label": "no clear pattern", "type": "context"}', FullLabel("no clear pattern", kind="none")),
        ('{"label": "a", "type": "magic", "long": 7, "concepts": "red"}', FullLabel("a")),
        ('{"label": "a", "concepts": ["one"]}', FullLabel("a")),
        ('{"thought": {}} {"label": "a", "type": "position"}', FullLabel("a", kind="position")),
        ("<think>{}</think>colours", FullLabel("colours")),
    ],
)
def test_forms_that_are_wrong_are_left_out(text, label):
    """A reply without JSON gives its short form; a type or a list that is none is not made one."""
    assert read_full_label(text) == label


def test_unfinished_json_is_a_failure_or_its_label():
    """A reply cut off after its label keeps it; before, there is none."""
    assert read_full_label('{"label": "red words", "long": "Fires on').short == "red words"
    assert isinstance(read_full_label('{"lab'), Failure)
    assert isinstance(read_full_label('{"label": ""}'), Failure)


def test_long_form_ends_with_a_sentence():
    """A long form beyond its limit is cut after a whole sentence."""
    long = "One sentence. " + "word " * 200
    assert read_full_label(f'{{"label": "a", "long": "{long}"}}').long == "One sentence."


def test_unknown_kind_is_refused():
    """A kind that is not in the list cannot be stored."""
    with pytest.raises(ValueError, match="magic"):
        Explanation(FeatureId("toy/64", 1), "a", "x", "m", kind="magic")
