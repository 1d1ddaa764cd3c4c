"""Near-duplicates: sketches that keep resemblances, and groups that miss nobody."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.draws import generator
from autointerp.sampling.duplicates import SHINGLE_WORDS, SKETCH, Sketch, near_groups, resemblance, sketch

few_words = st.lists(st.sampled_from("abcdefg"), max_size=40)
small_sketches = st.lists(st.sets(st.integers(0, 12), max_size=9), max_size=9)


def jaccard(first: list[str], second: list[str]) -> float:
    """Return the similarity of two word lists' 5-grams by definition."""
    one, other = ({tuple(w[i : i + SHINGLE_WORDS]) for i in range(max(1, len(w) - 4))} for w in (first, second))
    return len(one & other) / len(one | other)


def as_sketch(hashes: set[int]) -> Sketch:
    return np.array(sorted(hashes), np.uint64)


@given(few_words.filter(bool), few_words.filter(bool))
def test_short_texts_are_compared_exactly(first: list[str], second: list[str]) -> None:
    """Where the union has at most 128 shingles the resemblance is their Jaccard similarity, spacing and case aside."""
    found = resemblance(sketch("  ".join(first)), sketch("\n".join(second).upper()))
    assert found == pytest.approx(jaccard(first, second))


@pytest.mark.parametrize("share", [0.1, 0.05, 0.01])
def test_long_texts_are_estimated(share: float) -> None:
    """Of 40 long texts with a share of their words changed the mean error is within four standard errors of 0."""
    errors = []
    for number in range(40):
        draws = generator(number, "long", share)
        words = [f"w{n}" for n in draws.integers(0, 500, 1500)]
        changed = [f"new{i}" if draws.random() < share else word for i, word in enumerate(words)]
        errors.append(resemblance(sketch(" ".join(words)), sketch(" ".join(changed))) - jaccard(words, changed))
    assert abs(np.mean(errors)) < 4 * np.std(errors) / len(errors) ** 0.5
    assert np.std(errors) < 0.05


@pytest.mark.parametrize("text", ["東京は日本の首都です。人口が最も多い。", "กรุงเทพมหานครเป็นเมืองหลวง"])
def test_text_without_spaces_has_many_shingles(text: str) -> None:
    """Scripts without spaces between words are compared by characters: a changed one leaves most of it the same."""
    changed = text[:-1] + "x"
    assert len(sketch(text)) > 10
    assert 0.6 < resemblance(sketch(text), sketch(changed)) < 1


@pytest.mark.parametrize("text", ["", " \n", "\ud800", "a"])
def test_least_texts(text: str) -> None:
    """A text without words has no shingle and resembles nothing; one word, or half a character, is a shingle."""
    own = sketch(text)
    assert len(own) == bool(text.strip())
    assert resemblance(own, own) == float(len(own))


@given(small_sketches, st.sampled_from([0.2, 0.5, 0.8, 1.0]), st.randoms(use_true_random=False))
def test_groups_are_what_all_pairs_give(sets: list[set[int]], threshold: float, shuffler: object) -> None:
    """Groups are the components of all pairs above the threshold, in whatever order the documents come."""
    shuffler.shuffle(sets)  # type: ignore[attr-defined]
    sketches = [as_sketch(hashes) for hashes in sets]
    assert near_groups(sketches, threshold=threshold) == groups_of_all_pairs(sketches, threshold)


@given(st.integers(0, 1000), st.integers(0, 30))
def test_full_sketches_miss_no_pair(seed: int, n_changed: int) -> None:
    """The same of texts too long to be kept whole: the smallest 128 of 200 hashes, some of them changed."""
    draws = generator(seed, "full")
    base = draws.integers(0, 2**63, 200, np.uint64)
    kept = [np.concatenate([draws.permutation(base)[n_changed:], base[:n_changed] + np.uint64(1)]) for _ in range(8)]
    sketches = [np.unique(hashes)[:SKETCH] for hashes in kept]
    assert near_groups(sketches, threshold=0.8) == groups_of_all_pairs(sketches, 0.8)


def groups_of_all_pairs(sketches: list[Sketch], threshold: float) -> list[int]:
    """Return the groups by comparing every two."""
    leads = list(range(len(sketches)))
    for first, second in combinations(range(len(sketches)), 2):
        if resemblance(sketches[first], sketches[second]) >= threshold:
            low, high = sorted((leads[first], leads[second]))
            leads = [low if lead == high else lead for lead in leads]
    return leads


def test_boilerplate_does_not_group() -> None:
    """Texts that share a licence of half their length stay apart; the same text under two licences is together."""
    licence, other = (" ".join(f"{kind}{i}" for i in range(60)) for kind in ("licence", "other"))
    bodies = [" ".join(f"body{n}word{i}" for i in range(60)) for n in range(30)]
    texts = [f"{licence} {body}" for body in bodies]
    assert near_groups([sketch(text) for text in texts], threshold=0.8) == list(range(30))
    long = " ".join(bodies[:10])
    assert near_groups([sketch(f"{licence} {long}"), sketch(f"{other} {long}")], threshold=0.8) == [0, 0]


def test_chain_is_one_group() -> None:
    """Editions each near the next are one group, though the first and the last are not near each other."""
    words = [f"w{i}" for i in range(400)]
    editions = [" ".join(words[: 300 + 10 * n]) for n in range(10)]
    sketches = [sketch(edition) for edition in editions]
    assert resemblance(sketches[0], sketches[-1]) < 0.8
    assert set(near_groups(sketches, threshold=0.8)) == {0}


def test_no_documents() -> None:
    """Of nothing there are no groups."""
    assert near_groups([], threshold=0.8) == []
