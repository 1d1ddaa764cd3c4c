"""The explorer's page: rows that an expression asks for."""

from collections.abc import Iterator

from autointerp.dashboard import explorer, links
from autointerp.dashboard.explorer import Found, Results
from autointerp.dashboard.filters import Filter, FilterError, Sort, parse_filter
from autointerp.dashboard.shelf import Reader
from autointerp.dashboard.views import Asked, Sheet, View

EXAMPLES = (
    ("status:scored", "labels with a score"),
    ("tag:too_broad", "labels that fit too much"),
    ("density:1e-4..1e-2", "features that fire on 0.01% to 1% of tokens"),
    ('label:"the word*"', "labels in which a word after 'the' begins with 'word'"),
    ("sort:-detection", "the best by detection first"),
)


def page(reader: Reader, asked: Asked) -> View:
    """Return a page of rows; an expression that cannot be read is shown with what is wrong with it."""
    q, error = asked.get("q"), ""
    try:
        found = explorer.explore(reader, q, after=asked.get("after"))
    except FilterError as problem:
        error = str(problem)
        found = Results(q, 0, (), explorer.columns(reader), "", None)
    return View(
        title="Features",
        template="features.html.jinja",
        data={"q": found.q, "n": found.n, "rows": found.rows, "after": found.after},
        sheet=lambda: Sheet(_head(found.columns), _rows(explorer.stream(reader, q))),
        error=error,
        extra={
            "columns": found.columns,
            "more": links.query("/features", q=found.q, after=found.after) if found.after else "",
            "first": links.query("/features", q=found.q) if asked.get("after") else "",
            "sorts": {} if error else {name: _sorted(found, name) for name in ("density", *found.columns)},
            "sort": found.sort,
            "examples": [(text, links.query("/features", q=text), words) for text, words in EXAMPLES],
            "names": reader.snapshot.names.all,
        },
    )


def _sorted(found: Results, name: str) -> str:
    """Return the address of the same rows sorted by a name: high first, then low first."""
    wanted: Filter = parse_filter(found.q)
    is_high_first = found.sort is not None and found.sort.name == name and found.sort.is_descending
    return links.query("/features", q=str(wanted.sorted_by(Sort(name, not is_high_first))))


def _head(columns: tuple[str, ...]) -> list[str]:
    plain = ["run", "dictionary", "feature", "density", "peak", "label", "explainer", "judge", "status", "tags"]
    return plain + [f"{name}{end}" for name in columns for end in ("", "_low", "_high", "_read", "_asked")]


def _rows(found: Iterator[Found]) -> Iterator[list[object]]:
    for row in found:
        plain = [row.run, row.dictionary, row.feature, row.density, row.peak, row.label, row.explainer, row.judge]
        scores = [value for c in row.scores.values() for value in (c.value, c.low, c.high, c.n_read, c.n_asked)]
        yield [*plain, row.status, " ".join(row.tags), *scores]
