"""Concepts in text: where they are mentioned, which features are about them, what is drawn and what stands against."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.metrics.concepts import (
    MIN_MENTIONS,
    N_TILES,
    draw_words,
    pattern_of,
    share_about,
    strongest_tiles,
    swapped_partners,
    tiles_with,
)


@pytest.mark.parametrize(
    ("concept", "text", "n"),
    [("sea", "The SEA, seas and seashells; a sea-wall.", 3), ("San Francisco", "san\n francisco is not San Fran", 1),
     ("C++", "C++ and c++ but not C+", 2), ("über", "Über, ubër", 1), ("a.b", "axb a.b", 1)],
)  # fmt: skip
def test_whole_words_in_any_case_are_found(concept: str, text: str, n: int) -> None:
    """Neither parts of words nor signs that mean something in a pattern."""
    assert len(pattern_of(concept).findall(text)) == n


@pytest.mark.parametrize("concept", ["", " ", "++", "…"])
def test_what_has_no_letter_is_refused(concept: str) -> None:
    """It would be found everywhere, or nowhere."""
    with pytest.raises(ValueError, match="no letter and no number"):
        pattern_of(concept)


def test_mentions_stand_in_the_tiles_of_their_tokens() -> None:
    """A mention over the border of two tiles is in both; tiles begin anew with each context; tokens may be empty."""
    contexts = [["The", " ri", "ver", "", " and"], [" a", " river", " by", " the", " River"]]
    where, counts = tiles_with(contexts, ["river", "sea"], tile=2)
    assert where.tolist() == [[True, True, False, True, False, True], [False] * 6]
    assert counts.tolist() == [3, 0]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 1000)), max_size=200))
def test_strongest_tiles_are_those_of_the_largest_activations(fired: list[tuple[int, int]]) -> None:
    """As sorting the peaks of all tiles has it, ties by number; each tile once."""
    tiles = np.array([tile for tile, _ in fired], np.int64)
    values = np.array([value for _, value in fired], np.float32)
    peaks = {tile: max(v for t, v in fired if t == tile) for tile, _ in fired}
    wanted = sorted(peaks, key=lambda tile: (-peaks[tile], tile))[:N_TILES]
    assert strongest_tiles(values, tiles).tolist() == wanted


def test_a_share_needs_tiles() -> None:
    """Four tiles say nothing; of five of which three mention it, three fifths."""
    mentioned = np.array([True, True, True, False, False, False])
    assert share_about(np.arange(4), mentioned) is None
    assert share_about(np.arange(5), mentioned) == pytest.approx(0.6)


@given(st.lists(st.integers(0, 50), min_size=2, max_size=40))
def test_partners_are_others_of_near_frequency(counts: list[int]) -> None:
    """Nobody is his own partner, and at most two concepts lie between partners in the order of frequency."""
    partners = swapped_partners(np.array(counts))
    places = {concept: place for place, concept in enumerate(np.argsort(counts, kind="stable").tolist())}
    assert all(partner != concept for concept, partner in enumerate(partners.tolist()))
    assert all(abs(places[c] - places[p]) <= 1 for c, p in enumerate(partners.tolist()))


def test_words_are_drawn_from_every_frequency() -> None:
    """Of few frequent and many rare words each doubling gets its part; too rare and too short ones are out."""
    words = {f"rare{chr(97 + i)}{chr(97 + j)}": MIN_MENTIONS for i in range(10) for j in range(10)}
    words |= {"often": 80, "always": 90, "them": 100, "seldom": MIN_MENTIONS - 1}
    text = [[f" {word}" for word, n in words.items() for _ in range(n)]]
    drawn = draw_words(text, n=10, seed=3)
    assert len(drawn) == 10 == len(set(drawn))
    assert {"often", "always"} <= set(drawn)
    assert not {"them", "seldom"} & set(drawn)
    assert drawn == draw_words(text, n=10, seed=3) != draw_words(text, n=10, seed=4)
    assert draw_words([["models model " * 9, "hello_x " * 9]], n=9, seed=3) == ["model"]
    assert Counter(len(word) for word in draw_words(text, n=500, seed=3))[6] >= 100
