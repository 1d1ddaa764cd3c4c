"""The filter language: ``detection<0.6 density:1e-4..1e-2 label:"refus*" sort:-fuzzing``, read and written back."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from autointerp.core.errors import ConfigError
from autointerp.report.terms import BARE, LONGEST, NAME, written

OPERATORS = ("<=", ">=", "<", ">", ":")
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
HINT = 'write terms like detection<0.6 density:1e-4..1e-2 status:scored label:"refus*" sort:-fuzzing'


class FilterError(ConfigError):
    """An expression that cannot be read, or names what is not there; the message says what and what to write."""


@dataclass(frozen=True, slots=True)
class Span:
    """``lo <= x < hi``; an end that is None is open."""

    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; ``value`` is a number or a span for what is counted, else text."""

    name: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{written(self.value)}"


@dataclass(frozen=True, slots=True)
class Sort:
    """By which name; rows without a value come last either way."""

    name: str
    is_descending: bool = False

    def __str__(self) -> str:
        return f"sort:{'-' if self.is_descending else ''}{self.name}"


@dataclass(frozen=True, slots=True)
class Filter:
    """Terms that must all hold, and the order; ``str`` gives an expression that reads as the same filter."""

    terms: tuple[Term, ...] = ()
    sort: Sort | None = None

    def __str__(self) -> str:
        return " ".join(map(str, [*self.terms, *filter(None, [self.sort])]))

    def values(self, name: str) -> tuple[str, ...]:
        """Return what the terms of a name ask for."""
        return tuple(term.value for term in self.terms if term.name == name)

    def sorted_by(self, sort: Sort | None) -> "Filter":
        """Return the same terms in another order."""
        return Filter(self.terms, sort)


def parse_filter(text: str) -> Filter:
    """Return what an expression asks for; whether its names exist is not known here.

    >>> str(parse_filter('density:1e-4..1e-2   label:"refus*" sort:-fuzzing'))
    'density:1e-4..1e-2 label:refus* sort:-fuzzing'

    Raises:
        FilterError: It cannot be read; the message names the place.
    """
    if len(text) > LONGEST:
        msg = f"a filter has at most {LONGEST} characters, this one {len(text)}"
        raise FilterError(msg)
    terms = list(_terms(text))
    sorts = [_sort(term) for term in terms if term.name == "sort"]
    if len(sorts) > 1:
        msg = f"sorted by one name only, not by {' and '.join(sort.name for sort in sorts)}"
        raise FilterError(msg)
    return Filter(tuple(term for term in terms if term.name != "sort"), sorts[0] if sorts else None)


def read_number(term: Term) -> float:
    """Return the number of a term. Raises FilterError where it is none."""
    return _number(term, term.value)


def read_span(term: Term) -> Span | float:
    """Return the number or the span ``lo..hi`` after a colon. Raises FilterError where it is neither."""
    low, dots, high = term.value.partition("..")
    if not dots:
        return read_number(term)
    if not low and not high:
        msg = f"{term}: a span needs an end, as in {term.name}:0.2..0.4"
        raise FilterError(msg)
    span = Span(_number(term, low) if low else None, _number(term, high) if high else None)
    if span.low is not None and span.high is not None and span.low >= span.high:
        msg = f"{term}: holds nothing, {low} is not below {high}"
        raise FilterError(msg)
    return span


def _number(term: Term, text: str) -> float:
    try:
        number = float(text) if "_" not in text else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        msg = f"{term}: {text!r} is no number; {term.name} is compared with numbers, as in {term.name}:0.2..0.4"
        raise FilterError(msg)
    return number


def _terms(text: str) -> Iterator[Term]:
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        term, place = _term(text, place)
        yield term


def _term(text: str, start: int) -> tuple[Term, int]:
    """Return the term that begins here and where it ends."""
    name = NAME.match(text, start)
    operator = next((o for o in OPERATORS if name and text.startswith(o, name.end())), None)
    if name is None or operator is None:
        word = (BARE.match(text, start) or re.compile(r"\S").match(text, start) or [""])[0]
        msg = f"{word[:40]!r} is no condition; {HINT}"
        raise FilterError(msg)
    value, end = _value(text, name.end() + len(operator), f"{name[0]}{operator}")
    return Term(name[0], operator, value), end


def _value(text: str, start: int, before: str) -> tuple[str, int]:
    if text.startswith('"', start):
        quoted = QUOTED.match(text, start)
        if quoted is None:
            msg = f"{before}{text[start : start + 20]}: the quotation mark is not closed"
            raise FilterError(msg)
        value, end = re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL), quoted.end()
        if end < len(text) and not text[end].isspace():
            msg = f"{before}{quoted[0]}: a blank has to follow the quotation mark"
            raise FilterError(msg)
    else:
        bare = BARE.match(text, start)
        value, end = (bare[0], bare.end()) if bare else ("", start)
        if text.startswith('"', end):
            msg = f"{before}{value}: put the whole value in quotation marks"
            raise FilterError(msg)
    if not value.strip():
        msg = f"{before} has no value; {HINT}"
        raise FilterError(msg)
    return value, end


def _sort(term: Term) -> Sort:
    name = term.value.removeprefix("-")
    if term.operator != ":" or not NAME.fullmatch(name):
        msg = f"{term}: write sort:NAME or sort:-NAME"
        raise FilterError(msg)
    return Sort(name, term.value.startswith("-"))
