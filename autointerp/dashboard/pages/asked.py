"""What an explainer was asked and what it wrote, word for word."""

from pathlib import Path

from autointerp.dashboard import links
from autointerp.dashboard.pages.runs import found_run
from autointerp.dashboard.shelf import Reader, Row
from autointerp.dashboard.views import Asked, NotThereError, Sheet, View
from autointerp.store.parts import read_file

PIECE = 2_000
"""Characters shown in one piece: a page caps the length of any one text."""


def page(reader: Reader, asked: Asked) -> View:
    """Return prompt and reply of a question by its key. Raises NotThereError."""
    run, key = asked.path["run"], asked.path["question"]
    found_run(reader, run)
    rows = transcripts_of(reader, run, key)
    if not rows:
        msg = f"{run} has no words of question {key[:40]}: they are kept as answers come, since November 2026"
        raise NotThereError(msg)
    return View(
        title="Prompt and reply",
        template="asked.html.jinja",
        data={"run": run, "question": key, "transcripts": rows},
        sheet=lambda: Sheet(list(rows[0]), ([*row.values()] for row in rows)),
        trail=((run, links.run(run)),),
        extra={"pieces": pieces},
    )


def transcripts_of(reader: Reader, run: str, key: str) -> list[Row]:
    """Return what was asked and written under a key, each answer once."""
    found: dict[tuple[str, str], Row] = {}
    for part in reader.rows("SELECT path FROM told WHERE run = ? AND question = ?", [run, key]):
        frame = read_file(Path(str(part["path"])), "transcripts", filters=[("question", "==", key)])
        for row in frame.to_dict("records"):
            shown = {name: _text(row[name]) for name in ("model", "system", "prompt", "reply", "failed")}
            found.setdefault((shown["model"], shown["reply"]), shown)
    return list(found.values())


def _text(cell: object) -> str:
    return cell if isinstance(cell, str) else ""


def pieces(text: str) -> list[str]:
    """Return a text in pieces that are each shown whole."""
    return [text[first : first + PIECE] for first in range(0, len(text), PIECE)]
