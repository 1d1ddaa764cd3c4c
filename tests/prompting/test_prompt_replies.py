"""Replies: any text gives a label or a failure; the usual ways of answering badly are understood."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.types import Failure, Reason
from autointerp.prompting.replies import MAX_WORDS, read_digits, read_label, read_yes_no

pieces = st.sampled_from(
    [
        "Label:",
        "```json",
        "{",
        "}",
        '"label"',
        ":",
        '"',
        "'",
        "\n",
        "Sure!",
        "<think>",
        "</think>",
        "I'm sorry",
        "- ",
        "a",
        "\\",
        "**",
        "1. ",
    ]
)
replies = st.one_of(st.text(), st.lists(pieces, max_size=14).map("".join), st.lists(pieces, max_size=14).map(" ".join))


@given(replies)
def test_any_text_is_a_label_or_a_failure(text):
    """Never an exception; a label is one line of 1 to 60 words with a letter or digit in it."""
    found = read_label(text, about="f#1")
    if isinstance(found, Failure):
        assert found.reason in (Reason.EXPLAIN_FAILED, Reason.EXPLAIN_REFUSED)
        assert found.detail
    else:
        assert 1 <= len(found.split()) <= MAX_WORDS
        assert found == found.strip()
        assert len(found.splitlines()) == 1


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ("words for colours", "words for colours"),
        ('Feature D: "words for colours"', "words for colours"),
        ("  Label: words for colours\n", "words for colours"),
        ("**Label:** words for colours", "words for colours"),
        ("Label:\nwords for colours\n\nBecause ...", "words for colours"),
        ("The label is: words for colours", "words for colours"),
        ("Sure! Here is the label: words for colours", "words for colours"),
        ('Sure! Here is the label:\n\n"words for colours"', "words for colours"),
        ("Here's a short description:\n- words for colours\n- verbs", "words for colours"),
        ("“words for colours”", "words for colours"),
        ('"red" or "blue"', '"red" or "blue"'),
        ('Label: "red" or "blue"', '"red" or "blue"'),
        ('{"label": "words for \\"colours\\""}', 'words for "colours"'),
        ('```json\n{"explanation": "words for colours"}\n```', "words for colours"),
        ('{"label": "words for colours", "conf', "words for colours"),
        ("<think>hm, Label: no</think>words for colours", "words for colours"),
        ("words for colours\n\nThis feature fires on ...", "words for colours"),
        ("1. words for colours", "words for colours"),
        ('"I\'m sorry" and other apologies', '"I\'m sorry" and other apologies'),
        ("Sorry, excuse me and other apologies", "Sorry, excuse me and other apologies"),
        ("no clear pattern", "no clear pattern"),
    ],
)
def test_usual_replies(reply, label):
    """However it is wrapped, the label comes out alone."""
    assert read_label(reply) == label


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", Reason.EXPLAIN_FAILED),
        (" \n\t", Reason.EXPLAIN_FAILED),
        ("<think>let me see", Reason.EXPLAIN_FAILED),
        ("...", Reason.EXPLAIN_FAILED),
        ('{"label": "words for', Reason.EXPLAIN_FAILED),
        ('{"label": 3}', Reason.EXPLAIN_FAILED),
        ("Here is the label:", Reason.EXPLAIN_FAILED),
        ("Label:", Reason.EXPLAIN_FAILED),
        ("word " * 80, Reason.EXPLAIN_FAILED),
        ("I'm sorry, but I can't help with that.", Reason.EXPLAIN_REFUSED),
        ("I cannot provide a description of this.", Reason.EXPLAIN_REFUSED),
        ("As an AI language model, I", Reason.EXPLAIN_REFUSED),
    ],
)
def test_unusable_replies(reply, reason):
    """What is no label is a failure with its reason."""
    found = read_label(reply, about="f#1")
    assert isinstance(found, Failure)
    assert (found.reason, found.about, found.stage) == (reason, "f#1", "explain")


def test_long_labels_end_with_a_sentence():
    """Cut where a sentence ends, not in the middle of one."""
    assert read_label("It fires on colours. " + "And also " * 60) == "It fires on colours."


@given(replies)
def test_any_text_is_yes_no_or_nothing(text):
    """Never an exception, never a number in between."""
    assert read_yes_no(text) in (0.0, 1.0, None)


@pytest.mark.parametrize(
    ("text", "value"),
    [("Yes", 1), (" no.", 0), ("**YES**, it", 1), ("Answer: No", 0), ("Yesterday", None), ("None", None), ("", None)],
)
def test_yes_no(text, value):
    """The first word decides, whole."""
    assert read_yes_no(text) == value


@given(
    st.one_of(st.text(), st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps)), st.integers(0, 5)
)
def test_any_text_is_all_digits_or_nothing(text, count):
    """Exactly count integers in 0..9, or None."""
    found = read_digits(text, count=count, scale=9)
    assert found is None or (len(found) == count and all(0 <= digit <= 9 for digit in found))


def test_digits_agree_with_the_published_parser_or_refuse():
    """Where the published parsers read every token we read the same; where they put zeros we have nothing."""
    places = [parent / "shared/fixtures/golden_neuron_explainer/golden.json" for parent in Path(__file__).parents]
    path = next((place for place in places if place.exists()), None)
    if path is None:
        pytest.skip("no shared/fixtures/golden_neuron_explainer/golden.json beside the repository")
    cases = json.loads(path.read_text())["parse_no_logprobs_json"]
    found = [read_digits(case["completion"], count=3, scale=10) for case in cases]
    assert found[0] == tuple(cases[0]["out"])
    assert found[1:] == [None] * (len(cases) - 1)


def test_an_announcement_is_no_label():
    """A reply that ends where the label should begin says nothing about the feature."""
    found = read_label("The enclosed tokens have in common the following:", about="f#1")
    assert isinstance(found, Failure)
    assert found.reason is Reason.EXPLAIN_FAILED
