"""Digits read from the log-probabilities of a prompt's own tokens."""

import math

import pytest

from autointerp.core.types import Digits
from autointerp.llm.prompt_logprobs import Token, read_rows


@pytest.mark.parametrize(
    ("pieces", "wants", "places"),
    [
        (["a", "\t", "_", "\n", "_", "\t", "_", "\n", "<end>"], Digits(2, "_", "<start>", 9), (2, 6)),
        (["a", "\t", " b", "\t", " <", "end>"], Digits(2, "\t", "<start>", 9, follows=True), (2, 4)),
    ],
)
def test_a_digit_is_read_where_it_would_stand(pieces: list[str], wants: Digits, places: tuple[int, ...]) -> None:
    """In place of a placeholder at a line's end, or behind a separator: the rivals of that token, renormalised."""
    head = ["label", "\n", "<start>", "\n"]
    rivals = {place: ((str(number + 3), math.log(0.4)), ("x", math.log(0.6))) for number, place in enumerate(places)}
    tokens = [Token(text, ()) for text in head] + [Token(text, rivals.get(at, ())) for at, text in enumerate(pieces)]
    rows = read_rows(tokens, "".join([*head, *pieces]), wants)
    assert [row.index(max(row)) for row in rows] == [3, 4]
    assert all(math.isclose(sum(row), 1.0) and math.isclose(max(row), 1.0) for row in rows)
