"""A score's distribution as bars that lead to exactly the features they count."""

import math
from dataclasses import dataclass

from autointerp.dashboard import links
from autointerp.dashboard.filters import Term
from autointerp.dashboard.lines import Line
from autointerp.dashboard.shelf import Reader

N_BARS = 10


@dataclass(frozen=True, slots=True)
class Bar:
    """Rows with ``low <= value < high`` (the last bar holds its end, too); ``share`` is of the fullest bar."""

    low: float
    high: float
    n: int
    share: float
    expression: str

    @property
    def href(self) -> str:
        return links.features(self.expression)


def score_bars(reader: Reader, line: Line) -> tuple[Bar, ...]:
    """Return the bars of one dictionary, explainer and measure; none where nothing is scored."""
    column = reader.snapshot.names.scores.get(line.name)
    if column is None or line.n_scored == 0:
        return ()
    terms = [("run", line.run), ("dictionary", line.dictionary)]
    terms += [] if line.explainer.startswith(("control:", "nobody")) else [("explainer", line.explainer)]
    where = " AND ".join(f"{name} = ?" for name, _ in terms)
    values = [value for _, value in terms]
    ends = reader.one(f"SELECT min({column}) AS low, max({column}) AS high FROM labels WHERE {where}", values)
    if ends is None or ends["low"] is None:
        return ()
    edges = nice_edges(float(ends["low"]), float(ends["high"]))
    within = " ".join(str(Term(name, ":", value)) for name, value in terms)
    conditions = [_condition(column, edges, i) for i in range(len(edges) - 1)]
    counts = ", ".join(f"count(*) FILTER ({sql}) AS n{i}" for i, sql in enumerate(conditions))
    found = reader.one(f"SELECT {counts} FROM labels WHERE {where}", [*_bound(edges), *values]) or {}
    most = max(found.values(), default=0) or 1
    return tuple(
        Bar(edges[i], edges[i + 1], int(n), int(n) / most, f"{within} {_expression(line.name, edges, i)}")
        for i, n in enumerate(found.values())
    )


def nice_edges(low: float, high: float) -> list[float]:
    """Return edges of round numbers from at most *low* to at least *high*, some ``N_BARS`` bars.

    >>> nice_edges(0.31, 0.62)
    [0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65]
    """
    reach = max(high - low, 1e-6)
    power = 10 ** math.floor(math.log10(reach / N_BARS))
    step = next(power * factor for factor in (1, 2, 5, 10) if reach / (power * factor) <= N_BARS)
    first = math.floor(low / step)
    last = max(math.ceil(high / step), first + 1)
    return [float(f"{step * place:.9g}") for place in range(first, last + 1)]


def _condition(column: str, edges: list[float], place: int) -> str:
    end = "<=" if place == len(edges) - 2 else "<"
    return f"{column} >= ? AND {column} {end} ?"


def _bound(edges: list[float]) -> list[float]:
    return [edge for place in range(len(edges) - 1) for edge in edges[place : place + 2]]


def _expression(name: str, edges: list[float], place: int) -> str:
    if place == len(edges) - 2:
        return f"{name}>={edges[place]!r} {name}<={edges[place + 1]!r}"
    return f"{name}:{edges[place]!r}..{edges[place + 1]!r}"
