"""Labels put to a person, blind, by keyboard: one window at a time, neither score nor judge nor what fires."""

import time
from pathlib import Path
from urllib.parse import parse_qs

from autointerp.core.errors import ConfigError
from autointerp.dashboard import links
from autointerp.dashboard.ledgers import Ledgers
from autointerp.dashboard.pages.runs import found_run
from autointerp.dashboard.shelf import Reader
from autointerp.dashboard.views import Asked, NotThereError, Sheet, View
from autointerp.pipeline.finding import config_of
from autointerp.pipeline.reviewing import Case, Command, Said, cases_left, ratings_of

LONGEST_NAME = 60
LONGEST_S = 3_600.0
ANSWERS = (Command.YES, Command.NO, Command.UNSURE)


def page(reader: Reader, asked: Asked) -> View:
    """Return the next window of a rater, or the form that asks who he is. Raises NotThereError, ConfigError."""
    runs = [str(row["run"]) for row in reader.rows("SELECT run FROM runs ORDER BY created DESC, run LIMIT 200")]
    rater = asked.get("rater").strip()[:LONGEST_NAME]
    run = asked.get("run") or next(iter(runs), "")
    if not run:
        msg = "there is no run yet"
        raise NotThereError(msg)
    folder = Path(str(found_run(reader, run)["folder"]))
    case, n_done = _next(folder, rater) if rater else (None, 0)
    shown = {"label": case.label.text, "text": case.window.text, "explanation": case.label.explanation,
             "item": case.window.item} if case else None  # fmt: skip
    return View(
        title="Review labels, blind",
        template="review.html.jinja",
        data={"run": run, "rater": rater, "case": shown, "n_done": n_done},
        sheet=lambda: _sheet(folder, rater),
        extra={"runs": runs, "began": f"{time.time():.1f}"},
    )


def _next(folder: Path, rater: str) -> tuple[Case | None, int]:
    left = cases_left(folder, rater=rater, seed=config_of(folder).seed, n=1)
    return next(iter(left), None), len(ratings_of(folder, rater))


def keep_answer(reader: Reader, ledgers: Ledgers, body: bytes) -> str:
    """Keep what a form says of the window that is due, and return the address of the next. Raises ConfigError."""
    said = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
    rater, run = said.get("rater", "").strip()[:LONGEST_NAME], said.get("run", "")
    if not rater or said.get("answer") not in ANSWERS:
        msg = "an answer needs a rater, and is yes, no or unsure"
        raise ConfigError(msg)
    folder = Path(str(found_run(reader, run)["folder"]))
    case, _ = _next(folder, rater)
    # Sent twice, or from a page that is no longer the newest: what is due now is shown instead.
    if case is not None and case.key == (said.get("explanation"), said.get("item")):
        ledgers.keep(folder, rater, case, Said(Command(said["answer"]), _seconds(said.get("began", ""))))
    return links.query("/review", run=run, rater=rater)


def _seconds(began: str) -> float:
    try:
        return min(max(time.time() - float(began), 0.0), LONGEST_S)
    except ValueError:
        return 0.0


def _sheet(folder: Path, rater: str) -> Sheet:
    found = ratings_of(folder, rater)
    return Sheet(list(map(str, found.columns)), found.itertuples(index=False, name=None))
