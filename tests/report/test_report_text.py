"""Text and windows: what is hidden becomes visible, what is text stays text."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.report.text import HIDDEN, csv_cell, markdown, shorten, visible, visible_token
from autointerp.report.windows import SHADES, activation_runs, predicted_runs, shade_of

anything = st.text(st.characters(), max_size=60)


@given(anything)
def test_nothing_hidden_is_left(text: str) -> None:
    """After ``visible`` no character is a control, a direction mark or unpaired, and it can be encoded."""
    for shown in (visible(text, keep=""), visible_token(text)):
        assert not [c for c in shown if unicodedata.category(c) in HIDDEN]
        shown.encode()


@pytest.mark.parametrize(
    "char", ["\x00", "\x1b", "\x7f", "\u200b", "\u200f", "\u202e", "\u2066", "\u2028", "\ufeff", "\ud800"]
)
def test_known_tricks_become_escapes(char: str) -> None:
    """Control, zero-width, direction, separator, byte order and unpaired characters, each by name."""
    assert visible(f"a{char}b") == f"a\\u{ord(char):04x}b"


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=60))
def test_ordinary_text_is_untouched(text: str) -> None:
    """Letters, digits, signs and spaces of any script pass as they are."""
    assert visible(text) == text


@given(anything)
def test_a_cell_never_begins_like_a_formula(text: str) -> None:
    """Whatever the text, a spreadsheet sees no leading =, +, -, @."""
    assert not csv_cell(text).lstrip().startswith(("=", "+", "-", "@"))


@given(anything)
def test_markdown_is_one_line_without_live_signs(text: str) -> None:
    """Each sign that could make a tag, link, emphasis or table cell has a backslash."""
    line = markdown(text)
    assert "\n" not in line
    for i, char in enumerate(line):
        if char in "<>[]|`*_":
            assert line[i - 1] == "\\"


@given(st.floats(0, 100), st.floats(0.01, 100))
def test_shades_are_in_range_and_monotone(value: float, top: float) -> None:
    """Silent is 0, firing is 1..16, the peak is 16."""
    assert (shade_of(value, top) == 0) == (value == 0)
    assert shade_of(value, top) <= SHADES
    assert shade_of(value, top) <= shade_of(value * 1.5, top)
    assert shade_of(top, top) == SHADES


@given(st.lists(st.tuples(st.text("ab ", min_size=1, max_size=3), st.sampled_from([0.0, 0.0, 1.0, 3.5])), min_size=1))
def test_windows_keep_their_text(pairs: list[tuple[str, float]]) -> None:
    """Merging loses no character, and two plain runs never stand side by side."""
    tokens, activations = zip(*pairs, strict=True)
    runs = activation_runs(tokens, activations, peak=3.5)
    assert "".join(run.text for run in runs) == "".join(tokens)
    assert not [1 for a, b in pairwise(runs) if a.shade == b.shade == 0]


def test_unread_predictions_are_plain() -> None:
    """None is not a prediction of 0 with a shade, and a full score has the strongest one."""
    assert [run.shade for run in predicted_runs(["a", "b", "c"], [None, 10.0, 0.1])] == [0, 16, 0]


def test_shorten_marks_the_cut() -> None:
    """What was cut is seen to be cut."""
    assert shorten("abc def", 20) == "abc def"
    assert shorten("abcdefghij", 5) == "abcd…"
