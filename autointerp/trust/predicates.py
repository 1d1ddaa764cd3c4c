"""What a planted feature or a label means, as values that can be run on a window's tokens and kept as JSON."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol

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
        text = _lower(re.sub(r"\s", " ", _plain("".join(tokens))))
        found = (last for word in self.words for last in _ends_of(_lower(_plain(word)), text))
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


# ---- JSON


def read_predicate(value: Any) -> Predicate:
    """Build a predicate from its JSON form, ``{"kind": "lexicon", "words": ["king"]}``.

    Raises:
        ConfigError: The kind is unknown or its fields do not fit; the message shows the value.
    """
    try:
        fields = {name: field for name, field in value.items() if name != "kind"}
        return _READERS[value["kind"]](fields)
    except (AttributeError, KeyError, TypeError) as error:
        msg = f"zoo: {value!r} is not a predicate ({error}); kinds are {', '.join(_READERS)}"
        raise ConfigError(msg) from error


def write_predicate(predicate: Predicate) -> dict[str, Any]:
    """Return the JSON form; ``read_predicate`` of it equals the predicate."""
    match predicate:
        case Regex(pattern, is_case_sensitive, strength):
            return {
                "kind": "regex",
                "pattern": pattern,
                "is_case_sensitive": is_case_sensitive,
                "strength": strength,
            }
        case Lexicon(words, strength):
            return {"kind": "lexicon", "words": list(words), "strength": strength}
        case Context(cue, word, strength):
            return {"kind": "context", "cue": cue, "word": word, "strength": strength}
        case Union(parts):
            return {"kind": "union", "parts": [write_predicate(part) for part in parts]}
        case AndNot(left, right):
            return {"kind": "and_not", "left": write_predicate(left), "right": write_predicate(right)}
        case Never():
            return {"kind": "never"}
        case Always():
            return {"kind": "always"}
    msg = f"{predicate!r} has no JSON form"
    raise TypeError(msg)


def _read_lexicon(fields: dict[str, Any]) -> Predicate:
    return Lexicon(tuple(fields.pop("words")), **fields)


def _read_union(fields: dict[str, Any]) -> Predicate:
    return Union(tuple(map(read_predicate, fields.pop("parts"))), **fields)


def _read_and_not(fields: dict[str, Any]) -> Predicate:
    return AndNot(**{name: read_predicate(field) for name, field in fields.items()})


_READERS: Mapping[str, Callable[[dict[str, Any]], Predicate]] = {
    "lexicon": _read_lexicon,
    "regex": lambda fields: Regex(**fields),
    "context": lambda fields: Context(**fields),
    "union": _read_union,
    "and_not": _read_and_not,
    "never": lambda fields: Never(**fields),
    "always": lambda fields: Always(**fields),
}
