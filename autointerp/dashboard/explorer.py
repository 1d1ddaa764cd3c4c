"""The explorer: which labels have a property, a page of them at a time, in any order."""

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from autointerp.dashboard.compiling import Condition, compile_terms
from autointerp.dashboard.filters import Filter, FilterError, Sort, parse_filter
from autointerp.dashboard.shelf import Reader, Row
from autointerp.store.snapshot_rows import MeasureColumn

PAGE, MOST = 50, 200
"""Rows of a page, and the most one may ask for."""

AT_ONCE = 5_000
"""Rows read at a time of what is streamed whole."""

PLAIN = ("place", "run", "dictionary", "feature", "density", "peak", "explanation", "explainer", "judge", "status",
         "label", "tags")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """One score of a row; None where there is none."""

    value: float | None
    low: float | None
    high: float | None
    n_read: int | None
    n_asked: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """One row: a label with its headline scores by scorer, or a feature without a label and why."""

    run: str
    dictionary: str
    feature: int
    density: float
    peak: float
    explanation: str | None
    explainer: str
    judge: str
    status: str
    label: str | None
    tags: tuple[str, ...]
    scores: dict[str, Cell]

    @property
    def name(self) -> str:
        return f"{self.dictionary}#{self.feature}"


@dataclass(frozen=True, slots=True)
class Results:
    """A page of rows; ``n`` counts all that the filter holds for, ``after`` begins the next page ("" = the last)."""

    q: str
    n: int
    rows: tuple[Found, ...]
    columns: tuple[str, ...]
    after: str
    sort: Sort | None


def explore(reader: Reader, q: str, *, after: str = "", size: int = PAGE) -> Results:
    """Return a page of what an expression asks for. Raises FilterError."""
    wanted = parse_filter(q)
    condition = compile_terms(wanted, reader.snapshot.names)
    n = reader.snapshot.once(("count", str(Filter(wanted.terms))), lambda: _count(reader, condition))
    size = max(1, min(size, MOST))
    rows = _read(reader, wanted, condition, after=_cursor(after), size=size + 1)
    shown = rows[:size]
    following = _written(wanted, reader, shown[-1]) if len(rows) > size else ""
    return Results(str(wanted), n, tuple(map(_Found(reader), shown)), columns(reader), following, wanted.sort)


def stream(reader: Reader, q: str) -> Iterator[Found]:
    """Yield every row that an expression asks for, in constant memory. Raises FilterError at the first."""
    wanted = parse_filter(q)
    condition = compile_terms(wanted, reader.snapshot.names)
    after: tuple[Any, int] | None = None
    made = _Found(reader)
    while rows := _read(reader, wanted, condition, after=after, size=AT_ONCE):
        yield from map(made, rows)
        after = _end(wanted, reader, rows[-1])
        if len(rows) < AT_ONCE:
            return


def columns(reader: Reader) -> tuple[str, ...]:
    """Return the names under which rows have scores: scorers by their headline."""
    return tuple(m.short for m in _shown(reader))


def _shown(reader: Reader) -> list[MeasureColumn]:
    return [m for m in reader.snapshot.measures if m.short]


def _count(reader: Reader, condition: Condition) -> int:
    found = reader.one(f"SELECT count(*) AS n FROM labels WHERE {condition.sql}", condition.values)
    return int(found["n"]) if found else 0


def _read(
    reader: Reader, wanted: Filter, condition: Condition, *, after: tuple[Any, int] | None, size: int
) -> list[Row]:
    """Return the rows after a place in the order asked for; places are unique, so no row is left out or shown twice."""
    column = reader.snapshot.names.column(wanted.sort.name) if wanted.sort else ""
    begin = _following(column, after, is_descending=wanted.sort is not None and wanted.sort.is_descending)
    order = f"{column} {'DESC' if wanted.sort and wanted.sort.is_descending else 'ASC'} NULLS LAST, " if column else ""
    selected = [*PLAIN, *(m.column for m in _shown(reader))]
    selected += [f"{m.column}_{end}" for m in _shown(reader) for end in ("low", "high", "read", "asked")]
    return reader.rows(
        f"SELECT {', '.join(selected)} FROM labels WHERE {condition.sql} AND {begin.sql} ORDER BY {order}place LIMIT ?",
        [*condition.values, *begin.values, size],
    )


def _following(column: str, after: tuple[Any, int] | None, *, is_descending: bool) -> Condition:
    if after is None:
        return Condition("true")
    value, place = after
    if not column:
        return Condition("place > ?", (place,))
    if value is None:
        return Condition(f"{column} IS NULL AND place > ?", (place,))
    than = "<" if is_descending else ">"
    sql = f"({column} {than} ? OR ({column} = ? AND place > ?) OR {column} IS NULL)"
    return Condition(sql, (value, value, place))


def _end(wanted: Filter, reader: Reader, row: Row) -> tuple[Any, int]:
    value = row[reader.snapshot.names.column(wanted.sort.name)] if wanted.sort else None
    return value, int(row["place"])


def _written(wanted: Filter, reader: Reader, row: Row) -> str:
    return base64.urlsafe_b64encode(json.dumps(_end(wanted, reader, row)).encode()).decode().rstrip("=")


def _cursor(after: str) -> tuple[Any, int] | None:
    """Return the place where a page begins. Raises FilterError for one that we did not write."""
    if not after:
        return None
    try:
        value, place = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        return (None if value is None else float(value)), int(place)
    except (ValueError, TypeError, binascii.Error):
        msg = f"after={after[:40]!r} is no place of ours; begin at the first page"
        raise FilterError(msg) from None


class _Found:
    """Makes values of rows."""

    def __init__(self, reader: Reader) -> None:
        self.shown = _shown(reader)

    def __call__(self, row: Row) -> Found:
        plain = {name: row[name] for name in PLAIN if name not in ("place", "tags")}
        scores = {m.short: _cell(row, m.column) for m in self.shown}
        return Found(**plain, tags=tuple(row["tags"] or ()), scores=scores)


def _cell(row: Row, column: str) -> Cell:
    ends = (row[f"{column}_{end}"] for end in ("low", "high", "read", "asked"))
    return Cell(row[column], *ends)
