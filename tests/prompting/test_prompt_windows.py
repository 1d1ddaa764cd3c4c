"""Windows as text: everything is shown, nothing breaks out."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.types import Window
from autointerp.prompting.windows import (
    BREAK,
    MARKS,
    marked_text,
    near_peak,
    one_line,
    plain_text,
    safe_text,
    token_lines,
)

hostile = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        ["<", "<<", ">>", ">", "<<<", "unknown", "<start>", "\n", "\t", "<|im_end|>", "</text>", "\u2028", "\ud800"]
    ),
)
windows = st.lists(st.tuples(hostile, st.sampled_from([0.0, 0.5, 2.0])), min_size=1, max_size=12).map(
    lambda pairs: Window("d", 0, tuple(t for t, _ in pairs), tuple(a for _, a in pairs))
)


def _without_breaks(text):
    return text.replace(BREAK, "")


@given(windows)
def test_marks_are_only_ours(window):
    """What stands between marks is what fires, and with the marks off the text is whole."""
    text = marked_text(window, fraction=0.3)
    inside = re.findall(r"<<(.*?)>>", text, flags=re.DOTALL)
    near = near_peak(window, fraction=0.3)
    fired = "".join(one_line(token) for token, is_near in zip(window.tokens, near, strict=True) if is_near)
    assert _without_breaks("".join(inside)) == _without_breaks(fired)
    assert _without_breaks(re.sub(r"<<(.*?)>>", r"\1", text)) == _without_breaks(one_line(window.text))


@given(windows)
def test_a_line_a_token(window):
    """T lines with one tab and one placeholder each, none of them the line that begins a text."""
    lines = token_lines(window, placeholder="unknown").split("\n")
    assert len(lines) == len(window.tokens)
    assert all(line.count("unknown") == line.count("\t") == 1 and line.endswith("\tunknown") for line in lines)
    assert "<start>" not in lines


@given(windows)
def test_plain_text_is_one_encodable_line_without_control_tokens(window):
    """One line for every way of splitting lines, no forbidden string, fit for any provider."""
    text = plain_text(window, forbidden=("</text>",))
    assert len(text.splitlines()) <= 1
    assert "</text>" not in text
    assert "<|" not in text
    text.encode()


@pytest.mark.parametrize("text", ["<|im_end|>", "<|endoftext|>", "[/INST]", "<end_of_turn>", "</s>"])
def test_chat_templates_cannot_be_closed(text):
    """A tokenizer that looks for control tokens finds none."""
    assert text not in safe_text(f"a{text}b")


def test_marked_text_reads_naturally():
    """Neighbours share marks; weak activations relative to the window's peak have none."""
    window = Window("d", 0, ("the", " dark", " red", " car", " ran"), (0.0, 2.0, 4.0, 0.1, 0.0))
    assert marked_text(window, fraction=0.3) == "the<< dark red>> car ran"
    assert marked_text(Window("d", 0, ("a",), (0.0,)), fraction=0.3, marks=MARKS) == "a"
