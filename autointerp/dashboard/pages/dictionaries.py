"""One dictionary, and a family's dictionaries side by side: quality, coverage, scores, and what lies behind them."""

from autointerp.dashboard import links
from autointerp.dashboard.bars import score_bars
from autointerp.dashboard.lines import NAMES, Line, headline_lines, main_lines
from autointerp.dashboard.pages.runs import coverage_of
from autointerp.dashboard.pictures import dictionary_map, ladder_pictures
from autointerp.dashboard.shelf import Reader, Row
from autointerp.dashboard.views import Asked, NotThereError, Sheet, View
from autointerp.report.charts.neighbourhood import SAYS_NOTHING

TAGS = """
SELECT tag, count(*) AS n FROM (SELECT unnest(tags) AS tag FROM labels WHERE run = ? AND dictionary = ?)
GROUP BY tag ORDER BY n DESC, tag
"""


def dictionary_page(reader: Reader, asked: Asked) -> View:
    """Return the page of a dictionary in a run, the newest that has it. Raises NotThereError."""
    name = asked.path["dictionary"]
    row = _one(reader, "d.dictionary", name, asked.get("run"))
    run = str(row["run"])
    lines = headline_lines(reader, run, dictionary=name)
    main = main_lines(reader, run, dictionary=name)
    drawn = dictionary_map(reader, run, name, main)
    return View(
        title=name,
        template="dictionary.html.jinja",
        data={
            "run": run,
            "dictionary": row,
            "coverage": [one for one in coverage_of(reader, run) if one["dictionary"] == name],
            "lines": lines,
            "bars": [(line.measure, line.explainer, score_bars(reader, line)) for line in main],
            "tags": reader.rows(TAGS, [run, name]),
            "places": [] if drawn is None else drawn.table.to_dict("records"),
        },
        sheet=lambda: _sheet(lines),
        trail=((str(row["family"]), links.ladder(str(row["family"]), run)), (run, links.run(run))),
        extra={
            "within": f"{links.term('run', run)} {links.term('dictionary', name)}",
            "main": main,
            "drawn": drawn,
            "says_nothing": SAYS_NOTHING,
        },
    )


def ladder_page(reader: Reader, asked: Asked) -> View:
    """Return a family's dictionaries side by side, in one run. Raises NotThereError."""
    family = asked.path["family"]
    run = str(_one(reader, "d.family", family, asked.get("run"))["run"])
    rows = reader.rows(
        "SELECT * EXCLUDE (run) FROM dictionaries WHERE run = ? AND family = ? ORDER BY width, dictionary",
        [run, family],
    )
    names = {str(row["dictionary"]) for row in rows}
    found = [line for line in headline_lines(reader, run) if line.dictionary in names]
    lines = sorted(found, key=lambda line: (line.measure, line.explainer, line.judge, line.width or 0))
    coverage = {one["dictionary"]: one["counts"] for one in coverage_of(reader, run)}
    return View(
        title=f"{family}: widths side by side",
        template="ladder.html.jinja",
        data={"run": run, "dictionaries": rows, "lines": lines, "coverage": coverage},
        sheet=lambda: _sheet(lines),
        trail=((run, links.run(run)),),
        extra={"measures": [(title, some, ladder_pictures(reader, some)) for title, some in _by_measure(lines)]},
    )


def _by_measure(lines: list[Line]) -> list[tuple[str, list[Line]]]:
    """Return the lines of each measure, explainer and judge, narrow dictionaries first."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(f"{line.measure}: labels by {line.explainer}, judge {line.judge}", []).append(line)
    return list(found.items())


def _one(reader: Reader, column: str, name: str, run: str) -> Row:
    """Return the dictionary's row in a run; *column* is ours, *name* and *run* are what was asked for."""
    also, values = ("AND d.run = ?", [name, run]) if run else ("", [name])
    row = reader.one(
        f"SELECT d.* FROM dictionaries d JOIN runs r USING (run) WHERE {column} = ? {also} "
        "ORDER BY r.created DESC, d.run, d.width LIMIT 1",
        values,
    )
    if row is None:
        msg = f"no run has {name}" if not run else f"run {run} has no {name}"
        raise NotThereError(msg)
    return row


def _sheet(lines: "tuple[Line, ...] | list[Line]") -> Sheet:
    return Sheet(NAMES, ([getattr(line, name) for name in NAMES] for line in lines))
