"""What is new or wrong: the newest runs, and what in them needs a hand."""

from dataclasses import dataclass

from autointerp.analysis.statements import Tone, plural
from autointerp.dashboard import links
from autointerp.dashboard.lines import main_lines
from autointerp.dashboard.shelf import Reader, Row
from autointerp.dashboard.views import Asked, Sheet, View

N_RUNS, N_LOOKED_AT = 50, 5
"""Runs listed, and newest ones in which something may be wrong."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to know, with the page that shows it and the command that mends it, if any."""

    tone: Tone
    text: str
    href: str
    command: str = ""


def page(reader: Reader, _asked: Asked) -> View:
    runs = newest_runs(reader, N_RUNS)
    lines = main_lines(reader, str(runs[0]["run"])) if runs else ()
    notes = [note for run in runs[:N_LOOKED_AT] for note in notes_on(run)]
    return View(
        title="What is new or wrong",
        template="overview.html.jinja",
        data={"notes": notes, "runs": runs, "newest": lines},
        sheet=lambda: Sheet(list(RUN_COLUMNS), [[run[name] for name in RUN_COLUMNS] for run in runs]),
    )


RUN_COLUMNS = (
    "run", "created", "judge", "explainer", "subject", "n_features", "n_asked", "n_scored", "n_failures",
    "n_unfinished", "n_pending", "n_uncertified", "usd", "n_unpriced",
)  # fmt: skip

RUNS = """
SELECT r.* EXCLUDE (manifest, folder, content, name),
    coalesce(p.n, 0) AS n_pending, coalesce(l.n, 0) AS n_lines, coalesce(l.n_uncertified, 0) AS n_uncertified,
    s.usd, coalesce(s.n_unpriced, 0) AS n_unpriced
FROM runs r
LEFT JOIN (SELECT run, sum(n)::BIGINT AS n FROM coverage WHERE status = 'pending' GROUP BY run) p USING (run)
LEFT JOIN (
    SELECT run, count(*) AS n, count(*) FILTER (standing != 'certified') AS n_uncertified
    FROM (SELECT DISTINCT run, scorer, variant, metric, judge, standing FROM lines JOIN measures m
        USING (scorer, variant, metric) WHERE m.short != '') GROUP BY run
) l USING (run)
LEFT JOIN (SELECT run, sum(usd) AS usd, sum(n_unpriced)::BIGINT AS n_unpriced FROM spent GROUP BY run) s USING (run)
ORDER BY created DESC, run LIMIT ?
"""


def newest_runs(reader: Reader, n: int) -> list[Row]:
    """Return the newest runs with their counts."""
    return reader.rows(RUNS, [n])


def notes_on(run: Row) -> list[Note]:
    """Return what is wrong with a run, or that nothing is."""
    name, href = str(run["run"]), links.run(str(run["run"]))
    found: list[Note] = []
    if run["n_unfinished"]:
        text = f"{name}: {plural(run['n_unfinished'], 'question', 'questions')} had no reply"
        found.append(Note("warning", text, f"{href}#failures", f"autointerp retry {name}"))
    if run["n_pending"]:
        text = f"{name} is not finished: {plural(run['n_pending'], 'feature', 'features')} still pending"
        found.append(Note("warning", text, href, command(run)))
    if run["n_uncertified"]:
        text = f"{name}: {run['n_uncertified']} of {run['n_lines']} measures come from a judge that is not certified"
        found.append(Note("warning", text, f"{href}#certificates", ""))
    lost = run["n_asked"] - run["n_scored"] - run["n_pending"]
    if lost:
        text = f"{name}: no score for {lost} of {plural(run['n_asked'], 'feature', 'features')} asked about"
        found.append(Note("plain", text, f"{href}#coverage", ""))
    return found or [Note("good", f"{name}: every feature asked about is scored by a certified judge", href)]


def command(run: Row) -> str:
    """Return the command that goes on with a run."""
    return f"autointerp status {run['run']}"
