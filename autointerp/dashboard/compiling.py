"""A filter as SQL over the snapshot's table ``labels``: fixed words and bound values, nothing of the text itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from autointerp.dashboard.filters import Filter, FilterError, Span, Term, read_number, read_span
from autointerp.store.snapshot_rows import MeasureColumn
from autointerp.store.snapshot_sql import FOLDED

NUMBERS = {"density": "density", "peak": "peak", "feature": "feature"}
TEXTS = {"dictionary": "dictionary", "run": "run", "explainer": "explainer", "judge": "judge", "status": "status"}
OTHERS = ("tag", "label")
SQL = {"<": "<", "<=": "<=", ">": ">", ">=": ">="}


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL that holds or not, with the values for its question marks."""

    sql: str
    values: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Names:
    """What may be named: score columns by every name they have, beside what every snapshot has."""

    scores: Mapping[str, str]

    @classmethod
    def of(cls, measures: Sequence[MeasureColumn]) -> "Names":
        """Return the names of measures: ``scorer.metric``, ``scorer.variant.metric``, and the scorer alone."""
        full = {m.name: m.column for m in measures}
        return cls(full | {m.short: m.column for m in measures if m.short})

    @property
    def all(self) -> list[str]:
        return [*NUMBERS, *TEXTS, *OTHERS, *self.scores]

    def column(self, name: str) -> str:
        """Return the column of what is counted. Raises FilterError for an unknown name, with the nearest."""
        if name in NUMBERS:
            return NUMBERS[name]
        if name in self.scores:
            return self.scores[name]
        if name in (*TEXTS, *OTHERS):
            msg = f"{name} is text: it can be asked for, as in {name}:WORD, but not compared or sorted by"
            raise FilterError(msg)
        raise FilterError(unknown_name(name, self.all))


def unknown_name(name: str, known: Sequence[str]) -> str:
    """Return the error for a name that is not there, with the nearest one that is."""
    near = get_close_matches(name, known, n=1)
    return f"there is no {name!r} to filter by" + (
        f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
    )


def compile_terms(filter_: Filter, names: Names) -> Condition:
    """Return the condition of all terms together. Raises FilterError."""
    found = [_condition(term, names) for term in filter_.terms]
    values = tuple(value for condition in found for value in condition.values)
    return Condition(" AND ".join(condition.sql for condition in found) or "true", values)


def _condition(term: Term, names: Names) -> Condition:
    if term.name in TEXTS or term.name in OTHERS:
        if term.operator != ":":
            msg = f"{term}: {term.name} is text; write {term.name}:{term.value}"
            raise FilterError(msg)
        return TEXT_CONDITIONS.get(term.name, _is_text)(term)
    column = names.column(term.name)
    if term.operator != ":":
        return Condition(f"{column} {SQL[term.operator]} ?", (read_number(term),))
    return _within(column, read_span(term))


def _within(column: str, wanted: Span | float) -> Condition:
    if not isinstance(wanted, Span):
        return Condition(f"{column} = ?", (wanted,))
    ends = [(f"{column} >= ?", wanted.low), (f"{column} < ?", wanted.high)]
    held = [(sql, value) for sql, value in ends if value is not None]
    return Condition(" AND ".join(sql for sql, _ in held), tuple(value for _, value in held))


def _is_text(term: Term) -> Condition:
    """Whole, letter by letter; ``*`` stands for any letters."""
    column = TEXTS[term.name]
    if "*" not in term.value:
        return Condition(f"{column} = ?", (term.value,))
    return Condition(f"{column} LIKE ? ESCAPE '!'", (like(term.value),))


def _has_tag(term: Term) -> Condition:
    return Condition("list_contains(tags, ?)", (term.value.replace(" ", "_"),))


def _has_words(term: Term) -> Condition:
    """Whole words one after the other, whatever signs stand between; ``*`` is any letters, also across words."""
    pieces = term.value.split("*")
    needle = FOLDED.format("?")
    if not any(char.isalnum() for char in term.value):
        msg = f"{term}: labels are searched by words, and there is no letter or number in this"
        raise FilterError(msg)
    if len(pieces) == 1:
        return Condition(f"contains(folded, ' ' || trim({needle}) || ' ')", (term.value,))
    first, *middle, last = pieces
    parts = [f"' ' || ltrim({needle})" if first.strip() else "''"]
    parts += [needle for _ in middle]
    parts += [f"rtrim({needle}) || ' '" if last.strip() else "''"]
    values = [*filter(str.strip, [first]), *middle, *filter(str.strip, [last])]
    # Folded text has letters, numbers and blanks only: nothing in it that LIKE would take for a sign.
    return Condition("folded LIKE '%' || " + " || '%' || ".join(parts) + " || '%'", tuple(values))


TEXT_CONDITIONS: Mapping[str, Callable[[Term], Condition]] = {"tag": _has_tag, "label": _has_words}


def like(pattern: str) -> str:
    """Return a pattern with ``*`` as LIKE has it, ``!`` before what it would take for a sign."""
    escaped = pattern.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return escaped.replace("*", "%")
