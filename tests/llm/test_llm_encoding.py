"""Questions as tokens: what is read, and where."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_builders import make_question, make_window_prompt

from autointerp.core.errors import AskFailed, ConfigError
from autointerp.core.types import Digits, Window, YesNo
from autointerp.llm.answering import choose_batch
from autointerp.llm.batches import OVERHEAD_TOKENS, n_common, n_shared, order_rows, plan_batches
from autointerp.llm.encoding import (
    Classes,
    Encoded,
    digit_classes,
    encode_question,
    render_chat,
    yes_no_classes,
)
from autointerp.prompting.windows import safe_text, token_run
from autointerp.trust.injections import INJECTIONS

rows = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=12).map(tuple), min_size=1, max_size=30).map(sorted)


def digits(count: int, **more: Any) -> Digits:
    return Digits(**{"count": count, "placeholder": "_", "after": "<start>", "scale": 9, **more})


@settings(deadline=None)  # a busy machine tokenises slowly
@given(st.lists(st.sampled_from(["river", "_", "日本", "é", "_x_", "3", "<start>", " "]), min_size=1, max_size=12))
def test_the_digit_is_read_where_it_would_stand(tokenizer: Any, words: list[str]) -> None:
    """The text up to each read position ends in the tab before the placeholder, whatever the words."""
    prompt = make_window_prompt(words)
    encoded = encode_question(tokenizer, make_question(prompt, digits(len(words))))
    tail = prompt.rpartition("\n<start>\n")[2].split("\n")
    for word, line, at in zip(words, tail, encoded.reads, strict=False):
        assert line == f" {word}\t_"
        assert tokenizer.decode(encoded.tokens[: at + 1]).endswith(f" {word}\t")
    assert len(encoded.reads) == len(words)
    assert len(encoded.tokens) == encoded.reads[-1] + 1 < encoded.n_prompt


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["river", " _", "日本", "é", "3", "<start>", " ", "     ", "  x", ""]), min_size=1, max_size=12
    )
)
def test_a_digit_that_follows_is_read_behind_its_separator(tokenizer: Any, words: list[str]) -> None:
    """The text up to the n-th read position is everything up to the n-th tab, whatever stands between the tabs."""
    run = token_run(Window("d", 0, tuple(words), (0.0,) * len(words)), separator="\t")
    words = run.split("\t")[:-1]
    prompt = f"label\n<start>\na\t0 b\t1 <end>\n\n<start>\n{run} <end>"
    wants = digits(len(words), placeholder="\t", follows=True)
    encoded = encode_question(tokenizer, make_question(prompt, wants))
    for number, at in enumerate(encoded.reads, 1):
        seen = tokenizer.decode(encoded.tokens[: at + 1]).rpartition("\n<start>\n")[2]
        assert seen == "".join(f"{word}\t" for word in words[:number])
    assert len(encoded.reads) == len(words)


@pytest.mark.parametrize(
    ("wants", "why"),
    [
        (digits(3), "2 placeholders"),
        (digits(2, after="<begin>"), "no line"),
        (digits(2, placeholder="iver"), "inside a token"),
        (digits(2, placeholder=" riv", follows=True), "glued"),
    ],
)
def test_placeholders_that_cannot_be_read_fail_the_question(tokenizer: Any, wants: Digits, why: str) -> None:
    """A wrong count, a missing start, a placeholder glued to the token before it."""
    with pytest.raises(AskFailed, match=f"parse_failed: .*{why}"):
        encode_question(tokenizer, make_question("label\n<start>\n river\t_\n river\t_\n<end>", wants))


def test_scale_ten_needs_a_token(tokenizer: Any) -> None:
    """The message says what to set."""
    with pytest.raises(ConfigError, match="set scale = 9"):
        digit_classes(tokenizer, 10)
    assert len(digit_classes(tokenizer, 9)) == 10


def test_yes_has_several_forms(tokenizer: Any) -> None:
    """All forms that are one token count, and none counts for both sides."""
    yes, no = (tokenizer.convert_ids_to_tokens(group) for group in yes_no_classes(tokenizer))
    assert {"Yes", "yes"} <= set(yes)
    assert not set(yes) & set(no)


@pytest.mark.parametrize("unknown", [None, 0])
def test_a_token_is_known_by_its_own_name(unknown: int | None) -> None:
    """A tokenizer gives the token for unknown, or nothing, for a name it lacks: neither is taken for the word."""
    names = ["<unk>", "Yes", "No"]
    words = SimpleNamespace(
        convert_tokens_to_ids=lambda name: names.index(name) if name in names else unknown,
        convert_ids_to_tokens=lambda token: names[token],
    )
    assert yes_no_classes(words) == ((1,), (2,))
    with pytest.raises(ConfigError, match="0, 1, 2"):
        digit_classes(words, 9)


def test_without_a_template_the_conversation_is_chatml(tokenizer: Any) -> None:
    """It ends where the assistant speaks, and the answer is read at its last token."""
    question = make_question("p", YesNo(), system="s")
    expected = "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\np<|im_end|>\n<|im_start|>assistant\n"
    assert render_chat(tokenizer, question) == expected
    encoded = encode_question(tokenizer, question)
    assert encoded.reads == (len(encoded.tokens) - 1,)


@given(rows, st.integers(1, 60))
def test_batches_hold_every_row_once_within_the_limit(rows: list[tuple[int, ...]], limit: int) -> None:
    """In order; only a single row may exceed the limit."""
    batches = plan_batches(rows, limit)
    assert [at for batch in batches for at in batch] == list(range(len(rows)))
    for batch in batches:
        chosen = [rows[at] for at in batch]
        padded = len(chosen) * (max(map(len, chosen)) - n_common(chosen))
        assert len(chosen) == 1 or padded <= limit


@given(rows)
def test_first_and_last_in_order_share_what_all_share(rows: list[tuple[int, ...]]) -> None:
    """The common prefix by its definition."""
    length = n_common(rows)
    assert all(n_shared(rows[0], row) >= length for row in rows)
    assert len({row[: length + 1] for row in rows}) > 1 or length == min(map(len, rows))


def test_a_long_shared_label_gets_a_batch_of_its_own() -> None:
    """Windows of two features, 100 common label tokens each, cost less apart; with 3 tokens, together."""
    for n_label, expected in ((100, 2), (3, 1)):
        rows = [(1,) * 50 + (label,) * n_label + (window,) * 40 for label in (2, 3) for window in range(4, 10)]
        assert len(plan_batches(rows, 10_000)) == expected


@given(rows)
def test_the_order_of_rows_holds_every_row_once(rows: list[tuple[int, ...]]) -> None:
    """Also equal rows, and rows that begin others."""
    assert sorted(order_rows(rows)) == list(range(len(rows)))


@given(st.lists(st.integers(1, 9), min_size=3, max_size=9), st.lists(st.integers(1, 9), min_size=3, max_size=9))
def test_rows_of_a_label_stand_together_by_length(one: list[int], other: list[int]) -> None:
    """A label worth a batch of its own is not torn apart by its windows' lengths, which decide within it."""
    lengths = [(label, length) for label, windows in ((2, one), (3, other)) for length in windows]
    rows = [(label,) * OVERHEAD_TOKENS + (10 + at,) * length for at, (label, length) in enumerate(lengths)]
    ordered = [rows[place] for place in order_rows(rows)]
    assert [row[0] for row in ordered] == [2] * len(one) + [3] * len(other)
    assert [len(row) - OVERHEAD_TOKENS for row in ordered] == [*sorted(one), *sorted(other)]


def test_windows_of_two_lengths_are_not_padded() -> None:
    """Short and long ones, in turns by their first token, run in a batch each."""
    rows = [(1,) * 50 + (start,) * (20 + 40 * (start % 2)) for start in range(2, 22)]
    ordered = [rows[place] for place in order_rows(rows)]
    assert [
        len({len(row) for row in ordered[batch.start : batch.stop]}) for batch in plan_batches(ordered, 10_000)
    ] == [1, 1]


def test_answers_in_words_are_written_together() -> None:
    """Every token of an answer is a pass over all weights: prompts of 500 to 900 tokens share them, and are padded."""
    waiting = [make_encoded((1,) * 200 + (2 + n,) * (300 + 80 * n), classes=()) for n in range(6)]
    assert sorted(choose_batch(waiting, 2048)) == list(range(6))
    graded = [make_encoded(encoded.tokens, classes=((1,), (2,))) for encoded in waiting]
    assert len(choose_batch(graded, 2048)) < 6


def make_encoded(tokens: tuple[int, ...], *, classes: Classes) -> Encoded:
    return Encoded(tokens, (len(tokens) - 1,), classes, len(tokens))


@pytest.mark.parametrize("order", INJECTIONS)
def test_an_order_in_a_document_makes_no_control_token(tokenizer: Any, order: str) -> None:
    """A local model's tokenizer reads its control tokens anywhere in a prompt: escaped, they are plain text."""
    specials = set(tokenizer.all_special_ids) | {tokenizer.convert_tokens_to_ids("<|im_start|>")}

    def n_specials(text: str) -> int:
        encoded = encode_question(tokenizer, make_question(f"Text: {text}\nYes or No?", YesNo()))
        return sum(token in specials for token in encoded.tokens)

    assert n_specials(safe_text(order)) == n_specials("harmless")
    if "<|im_end|>" in order:
        assert n_specials(order) > n_specials("harmless")  # else this showed nothing
