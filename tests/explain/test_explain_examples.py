"""The examples explainer: which windows it shows, how it asks, what it makes of a reply."""

from dataclasses import replace
from pathlib import Path

import pytest

from autointerp.core.errors import ConfigError
from autointerp.core.types import Explanation, Failure, Reason, Reply, Text
from autointerp.explain import EXPLAINERS, ExplainSettings
from autointerp.explain.examples import choose_windows
from autointerp.prompting.files import parse_prompt


@pytest.fixture
def explainer():
    path = Path(__file__).parents[2] / "prompts/explain_examples.jinja"
    return EXPLAINERS["examples"](parse_prompt("explain_examples", path.read_text()), ExplainSettings())


def reply(question, text):
    return Reply(question.key, "model-1", text, (), "text", 100, 7, 0, 0.1, 0.002)


def test_top_and_every_stratum_are_shown(colours):
    """n_top strongest, the rest in turns over the strata, strongest first, none silent."""
    windows = choose_windows(colours, ExplainSettings(n_shown=12, n_top=6))
    docs = [w.doc for w in windows]
    assert {f"top{i}" for i in range(6)} <= set(docs)
    assert {doc.split("-")[0] for doc in docs if doc.startswith("f")} == {"f0", "f1", "f2", "f3", "f4"}
    assert len(docs) == len(set(docs)) == 12
    assert [w.peak for w in windows] == sorted((w.peak for w in windows), reverse=True)


def test_choice_does_not_depend_on_order(colours):
    """The same windows in whatever order they come."""
    turned = replace(colours, shown=colours.shown[::-1])
    assert choose_windows(turned, ExplainSettings()) == choose_windows(colours, ExplainSettings())


def test_question_marks_tokens_and_names_outputs(explainer, colours):
    """Marked windows, the promoted tokens made harmless, and no hole left."""
    question = explainer.question(colours)
    assert question.wants == Text()
    assert "1. a<< red>> car" in question.prompt
    assert '" scarlet"' in question.prompt
    assert '"<<\\n"' not in question.prompt
    assert "{{" not in question.prompt


def test_label_keeps_its_provenance(explainer, colours):
    """Model as returned, prompt version, question, tokens and price as billed."""
    question = explainer.question(colours)
    found = explainer.read(colours, reply(question, 'Label: "names of colours"'))
    assert isinstance(found, Explanation)
    assert (found.text, found.model, found.question) == ("names of colours", "model-1", question.key)
    assert (found.tokens, found.usd, found.prompt_version) == (107, 0.002, explainer.prompt.version)


def test_unusable_replies_and_dead_features_are_failures(explainer, colours, make_evidence):
    """Nothing to show is too few examples; nothing read is a failure about this feature."""
    assert explainer.question(make_evidence()) is None
    assert explainer.read(make_evidence(), None).reason is Reason.TOO_FEW_EXAMPLES
    failed = explainer.read(colours, reply(explainer.question(colours), ""))
    assert isinstance(failed, Failure)
    assert failed.about == "toy/64#1"


def test_impossible_settings_are_refused():
    """More top windows than windows is a mistake worth stopping for."""
    with pytest.raises(ConfigError, match="n_top"):
        ExplainSettings(n_shown=3, n_top=4)
