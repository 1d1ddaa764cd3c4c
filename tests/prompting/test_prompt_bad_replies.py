"""More than sixty real-shaped bad replies: each ends in the state it should, and none in a score."""

import pytest
from bad_replies import DIGITS, FAILED, LABELS, REFUSED, YES_NO

from autointerp.core.types import Failure, Reason
from autointerp.prompting.replies import read_digits, read_label, read_yes_no

REASONS = {FAILED: Reason.EXPLAIN_FAILED, REFUSED: Reason.EXPLAIN_REFUSED}


@pytest.mark.parametrize(("reply", "expected"), LABELS)
def test_a_label_or_the_reason_why_not(reply: str, expected: str) -> None:
    """Refusals are counted apart from what cannot be read: they are not missing at random."""
    found = read_label(reply)
    state = {reason: name for name, reason in REASONS.items()}[found.reason] if isinstance(found, Failure) else found
    assert state == expected


@pytest.mark.parametrize(("reply", "expected"), YES_NO)
def test_a_yes_or_no_that_says_both_or_neither_is_none(reply: str, expected: float | None) -> None:
    """Half an answer would be a guess of ours."""
    assert read_yes_no(reply) == expected


@pytest.mark.parametrize(("reply", "expected"), DIGITS)
def test_three_integers_or_nothing(reply: str, expected: tuple[int, ...] | None) -> None:
    """Never zeros in place of what is missing, never one of two lists."""
    assert read_digits(reply, count=3, scale=9) == expected


@pytest.mark.parametrize(
    ("reply", "is_label"),
    [
        ("words for colours and for", False),
        ("Label: words for colours and for", False),
        ("Words for colours and. They", False),
        ("words for colours\nbecause the marked tok", True),
        ("Words for colours.", True),
        ('{"label": "words for colours"}', True),
    ],
)
def test_a_label_that_was_cut_off_is_none(reply: str, is_label: bool) -> None:
    """One that ends before the cut is whole."""
    assert isinstance(read_label(reply, is_cut=True), str) == is_label


def test_the_table_is_large_enough() -> None:
    """At least sixty replies that are no answer or hard to read."""
    assert len(LABELS) + len(YES_NO) + len(DIGITS) >= 90
