"""What a planted feature or a label means, as values that can be run on a window's tokens."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Protocol

from autointerp.core.draws import draw_key, uniform
from autointerp.core.errors import ConfigError

Tokens = Sequence[str]


class Predicate(Protocol):
    """A meaning with an exactly known extension; it sees one window and nothing around it."""

    def activations(self, tokens: Tokens) -> tuple[float, ...]:
        """Return its strength on each token, shape [T], in [0, 1]."""
        ...


def is_firing(predicate: Predicate, tokens: Tokens) -> bool:
    """Return whether the predicate fires anywhere in the window."""
    return any(predicate.activations(tokens))


@dataclass(frozen=True, slots=True)
class Regex:
    """Fires on the token that completes a match of *pattern* in the window's text.

    Matching is on the text, so a word split over tokens is found; blanks at the end of a match and
    empty matches do not count, ``^`` is the start of a line or of the window, ’ is read as '.
    """

    pattern: str
    is_case_sensitive: bool = False
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.strength <= 1:
            msg = f"predicate {self.pattern!r}: strength {self.strength} must lie in (0, 1]"
            raise ConfigError(msg)
        try:
            re.compile(self.pattern, self._flags)
        except re.error as error:
            msg = f"predicate {self.pattern!r} is not a regular expression: {error}"
            raise ConfigError(msg) from error

    @property
    def _flags(self) -> re.RegexFlag:
        return re.MULTILINE if self.is_case_sensitive else re.MULTILINE | re.IGNORECASE

    def activations(self, tokens: Tokens) -> tuple[float, ...]:
        """Return ``strength`` on the last token of each match, else 0."""
        return _on_tokens(tokens, self._last_characters(_plain("".join(tokens))), self.strength)

    def _last_characters(self, text: str) -> Iterator[int]:
        for found in re.finditer(self.pattern, text, self._flags):
            length = len(found.group().rstrip())
            if length:
                yield found.start() + length - 1


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Fires on the token that completes one of the *words*, whole and in any case; a word may hold blanks.

    A blank stands for any one white space. Looked up rather than matched: a regular expression with a
    hundred alternatives is tried at every letter.
    """

    words: tuple[str, ...]
    strength: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", tuple(self.words))
        if not self.words or not all(word.strip() for word in self.words) or not 0 < self.strength <= 1:
            msg = f"predicate {self.words!r}: needs words, and a strength in (0, 1], not {self.strength}"
            raise ConfigError(msg)

    def activations(self, tokens: Tokens) -> tuple[float, ...]:
        """Return ``strength`` on the last token of each word, else 0."""
        text = _to_search("".join(tokens))
        found = (last for word in _searched(self.words) if word in text for last in _ends_of(word, text))
        return _on_tokens(tokens, found, self.strength)


@dataclass(frozen=True, slots=True)
class Context:
    """Fires on *word* directly after *cue*, both whole and in any case: "stop" after "don't"."""

    cue: str
    word: str
    strength: float = 1.0

    def activations(self, tokens: Tokens) -> tuple[float, ...]:
        """Return ``strength`` on the last token of the word, else 0."""
        pattern = _whole(rf"{_spaced(self.cue)}\s+{_spaced(self.word)}")
        return Regex(pattern, strength=self.strength).activations(tokens)


@dataclass(frozen=True, slots=True)
class Union:
    """Fires where any of its parts does, as strongly as the strongest."""

    parts: tuple[Predicate, ...]

    def activations(self, tokens: Tokens) -> tuple[float, ...]:
        """Return the largest strength of the parts on each token."""
        rows = [part.activations(tokens) for part in self.parts]
        return tuple(max(column) for column in zip(*rows, strict=True)) if rows else (0.0,) * len(tokens)


@dataclass(frozen=True, slots=True)
class AndNot:
    """Fires on the tokens where *left* does and *right* does not."""

    left: Predicate
    right: Predicate

    def activations(self, tokens: Tokens) -> tuple[float, ...]:
        """Return the strength of *left* where *right* is silent, else 0."""
        pairs = zip(self.left.activations(tokens), self.right.activations(tokens), strict=True)
        return tuple(0.0 if taken else strength for strength, taken in pairs)


@dataclass(frozen=True, slots=True)
class Within:
    """Fires where *inner* does, but only on tokens ``first`` to ``last`` of the window, as in a slice.

    Position-only features: ``Within(comma, 0, 8)`` is a comma among the first eight tokens.
    """

    inner: Predicate
    first: int = 0
    last: int | None = None

    def activations(self, tokens: Tokens) -> tuple[float, ...]:
        """Return the strength of *inner* inside the slice, else 0."""
        inside = set(range(len(tokens))[self.first : self.last])
        return tuple(a if place in inside else 0.0 for place, a in enumerate(self.inner.activations(tokens)))


@dataclass(frozen=True, slots=True)
class Before:
    """Fires on the token before each one on which *inner* fires: output-only features, known by what follows."""

    inner: Predicate

    def activations(self, tokens: Tokens) -> tuple[float, ...]:
        """Return the next token's strength on each token; the last one is silent."""
        return (*self.inner.activations(tokens)[1:], 0.0)


@dataclass(frozen=True, slots=True)
class Noise:
    """Fires in a *share* of all windows, on one token, decided by the window's text and *seed* alone.

    No reader can tell which; of one seed, the windows of a smaller share are among those of a larger.
    """

    share: float
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            msg = f"predicate noise: share {self.share} must lie in (0, 1)"
            raise ConfigError(msg)

    def activations(self, tokens: Tokens) -> tuple[float, ...]:
        """Return one positive strength somewhere, or zeros."""
        text = "".join(tokens)
        if uniform(self.seed, "noise", text) >= self.share:
            return (0.0,) * len(tokens)
        place = draw_key(self.seed, "place", text) % len(tokens)
        return tuple(float(i == place) for i in range(len(tokens)))


@dataclass(frozen=True, slots=True)
class Never:
    """Fires nowhere: what a blank label says."""

    def activations(self, tokens: Tokens) -> tuple[float, ...]:
        """Return zeros."""
        return (0.0,) * len(tokens)


@dataclass(frozen=True, slots=True)
class Always:
    """Fires on every token: what a generic label says."""

    def activations(self, tokens: Tokens) -> tuple[float, ...]:
        """Return ones."""
        return (1.0,) * len(tokens)


def _on_tokens(tokens: Tokens, last_characters: Iterable[int], strength: float) -> tuple[float, ...]:
    """Return *strength* on the tokens that hold the characters, [T], else 0."""
    places = list(last_characters)
    if not places:
        return (0.0,) * len(tokens)
    ends = list(accumulate(map(len, tokens)))
    hit = {bisect_right(ends, place) for place in places}
    return tuple(strength if place in hit else 0.0 for place in range(len(tokens)))


def _ends_of(word: str, text: str) -> Iterator[int]:
    """Yield where *word* ends in *text*, as a whole word."""
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not (_is_word(text[start - 1 : start]) or _is_word(text[end : end + 1])):
            yield end - 1
        start = text.find(word, start + 1)


@lru_cache(maxsize=1 << 15)
def _to_search(text: str) -> str:
    """Return the text as words are looked up in it; a zoo looks up hundreds of words in the same windows."""
    return _lower(re.sub(r"\s", " ", _plain(text)))


@lru_cache
def _searched(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_to_search, words))


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _plain(text: str) -> str:
    return text.replace("\u2019", "'")


def _lower(text: str) -> str:
    """Return the text in lower case, as long as before: places in it are places in the text."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _whole(pattern: str) -> str:
    return rf"(?<!\w)(?:{pattern})(?!\w)"


def _spaced(word: str) -> str:
    return r"\s+".join(map(re.escape, word.split()))
