"""What a predicate fires on is known exactly, however the text is cut into tokens."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.errors import ConfigError
from autointerp.trust.predicate_json import read_predicate, write_predicate
from autointerp.trust.predicates import (
    Always,
    AndNot,
    Before,
    Context,
    Lexicon,
    Never,
    Noise,
    Predicate,
    Regex,
    Union,
    Within,
    is_firing,
)

words = st.sampled_from(["king", "King", "kings", "stop", "don't", "the", "of", "new", "zealand", "micro", "x_king"])
separators = st.sampled_from([" ", "\n", ", ", " (", "-", ""])
pieces = st.lists(st.tuples(words, separators), max_size=8).map(lambda pairs: "".join(w + s for w, s in pairs))
leaves = st.one_of(
    st.builds(Lexicon, st.lists(words, min_size=1, max_size=3).map(tuple), st.sampled_from([0.5, 1.0])),
    st.builds(Context, words, words),
    st.builds(Regex, st.sampled_from([r"\bking", r"[()]", r"(?<=of )the", r"^the"]), st.booleans()),
    st.just(Never()),
    st.just(Always()),
    st.builds(Noise, st.sampled_from([0.01, 0.3]), st.integers(0, 3)),
)
predicates = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Union, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AndNot, inner, inner),
        st.builds(Within, inner, st.integers(-3, 3), st.none() | st.integers(-3, 3)),
        st.builds(Before, inner),
    ),
    max_leaves=4,
)
# These look at tokens, not at the text.
OF_TOKENS = ("AndNot", "Always", "Within", "Before")


@st.composite
def cuts(draw: st.DrawFn) -> tuple[str, ...]:
    """A text cut into tokens anywhere, some of them empty, as byte tokens are."""
    text = draw(pieces)
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
    return tuple(text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True))


@given(cuts(), st.lists(words, min_size=1, max_size=3))
def test_a_lexicon_finds_whole_words_in_any_cut(tokens: tuple[str, ...], lexicon: list[str]) -> None:
    """It fires on the tokens that hold the last letter of each whole word, by plain enumeration."""
    text, owner = "".join(tokens), [place for place, token in enumerate(tokens) for _ in token]
    expected = set()
    for word in lexicon:
        for start in range(len(text)):
            end = start + len(word)
            before, after = text[start - 1 : start], text[end : end + 1]
            if text[start:end].lower() == word.lower() and not re.match(r"\w", before) and not re.match(r"\w", after):
                expected.add(owner[end - 1])
    fired = {place for place, a in enumerate(Lexicon(tuple(lexicon)).activations(tokens)) if a}
    assert fired == expected


@given(cuts(), predicates)
def test_the_cut_does_not_decide_whether_a_text_fits(tokens: tuple[str, ...], predicate: Predicate) -> None:
    """Unless places or tokens decide (OF_TOKENS), a text fits however it is cut; one value a token."""
    activations = predicate.activations(tokens)
    assert len(activations) == len(tokens)
    assert all(0 <= a <= 1 for a in activations)
    if "".join(tokens) and not any(name in repr(predicate) for name in OF_TOKENS):
        assert is_firing(predicate, tokens) == is_firing(predicate, ("".join(tokens),))


@given(predicates)
def test_json_round_trip(predicate: Predicate) -> None:
    """Every predicate has a JSON form that reads back equal."""
    assert read_predicate(write_predicate(predicate)) == predicate


@given(cuts(), leaves, leaves)
def test_union_and_and_not(tokens: tuple[str, ...], one: Predicate, two: Predicate) -> None:
    """A union is the maximum; what is left of one without two fires exactly where only one does."""
    a, b = one.activations(tokens), two.activations(tokens)
    assert Union((one, two)).activations(tokens) == tuple(map(max, zip(a, b, strict=True)))
    left = AndNot(one, two).activations(tokens)
    assert [x > 0 for x in left] == [x > 0 and not y for x, y in zip(a, b, strict=True)]


@pytest.mark.parametrize(
    ("predicate", "tokens", "fired"),
    [
        (Lexicon(("microscope",)), (" a", " micro", "scope", "."), {2}),
        (Lexicon(("scope",)), (" a", " micro", "scope", "."), set()),
        (Lexicon(("New Zealand",)), ("New", "\n", "Zealand"), {2}),
        (Lexicon(("I",)), ("\u0130", " I"), {1}),
        (Context("don't", "stop"), (" don", "\u2019", "t", " stop", " stop"), {3}),
        (Context("of", "the"), (" of", " then"), set()),
        (Regex(r"^import(?=\s)", is_case_sensitive=True), ("x\n", "import", " os", "\nImport", " os"), {1}),
        (Regex(r"a\s*"), ("a", " ", "b"), {0}),
        (Regex(r"\b"), ("a",), set()),
        (Never(), ("a",), set()),
        (Always(), ("a", ""), {0, 1}),
        (Within(Always(), 1, -1), ("a", "b", "c"), {1}),
        (Within(Lexicon(("a",)), -2), ("a", " a", " b"), {1}),
        (Before(Lexicon(("course",))), (" of", " course", ",", " course"), {0, 2}),
        (Before(Always()), ("a",), set()),
        (Union(()), ("a",), set()),
    ],
)
def test_known_extensions(predicate: Predicate, tokens: tuple[str, ...], fired: set[int]) -> None:
    """Cases worked out by hand."""
    assert {place for place, a in enumerate(predicate.activations(tokens)) if a} == fired


@pytest.mark.parametrize(
    "value",
    [
        {"kind": "lexikon", "words": ["a"]},
        {"words": ["a"]},
        {"kind": "regex", "pattern": "("},
        {"kind": "regex", "pattern": "a", "strength": 2},
        {"kind": "lexicon", "words": []},
        {"kind": "context", "cue": "a"},
        {"kind": "union", "parts": [None]},
        {"kind": "noise", "share": 1.0},
        {"kind": "before", "first": 1},
        None,
    ],
)
def test_wrong_json_is_refused(value: object) -> None:
    """A misspelt predicate is an error, not one that never fires."""
    with pytest.raises(ConfigError):
        read_predicate(value)


def test_noise_fires_as_often_as_said() -> None:
    """Of 4,000 texts the share that fires lies within four standard errors; a stricter coin picks a subset."""
    texts = [(f" word {i}", " and", " more") for i in range(4000)]
    often, seldom = ([is_firing(Noise(share, 5), text) for text in texts] for share in (0.3, 0.1))
    assert abs(sum(often) - 1200) < 4 * (4000 * 0.3 * 0.7) ** 0.5
    assert all(loud for loud, quiet in zip(often, seldom, strict=True) if quiet)
