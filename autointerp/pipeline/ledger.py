"""The tables ``calls`` and ``transcripts`` of a run: a row an answer, written while the answers come."""

import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autointerp.core.types import Failure, Question, Reply
from autointerp.llm.budget import NOTHING, Cost
from autointerp.llm.ledger import sum_calls
from autointerp.store.convert import call_row, rows_of, transcript_row
from autointerp.store.parts import read_table, write_part

KEPT_EVERY_S = 20.0
TOLD = ("explain", "score")
"""Stages whose answers are kept in words: a reader of a label or a score may ask for them."""
COUNTED = ["tokens_in", "tokens_out", "tokens_cached", "usd", "seconds", "tries", "cached", "failed"]


def spent_by(run_dir: Path) -> Cost:
    """Return what a run has spent so far, over all of its attempts."""
    sums = sum_calls(rows_of(read_table(run_dir, "calls", columns=COUNTED)))
    return sums[()].cost if sums else NOTHING


@dataclass
class Ledger:
    """Notes what was paid for, also when it was no answer.

    Every attempt writes parts of its own: what a chunk cost is not forgotten when the chunk is done
    again, and a kill loses the notes of KEPT_EVERY_S seconds at most.
    """

    run_dir: Path
    stage: str
    model: str
    """Who is asked, by configured name."""
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _told: list[dict[str, Any]] = field(default_factory=list)
    _kept_at: float = field(default_factory=time.monotonic)

    def note(self, question: Question, answer: Reply | Failure) -> None:
        """Note an answer, or the reply that came with a failure; a failure that cost nothing has none."""
        reply = answer if isinstance(answer, Reply) else answer.reply
        if reply is not None:
            self._rows.append(call_row(reply, stage=self.stage, about=question.about))
            if self.stage in TOLD:
                self._told.append(transcript_row(reply, question, stage=self.stage, model=self.model))
        if time.monotonic() - self._kept_at > KEPT_EVERY_S:
            self.keep()

    def keep(self) -> None:
        """Write what was noted since the last time."""
        rows, self._rows = self._rows, []
        told, self._told = self._told, []
        self._kept_at = time.monotonic()
        name = f"{self.stage}-{uuid.uuid4().hex}"
        # What was paid comes first: a disk that is full afterwards must not have it forgotten.
        if rows:
            write_part(self.run_dir, "calls", name, rows)
        if told:
            write_part(self.run_dir, "transcripts", name, told)
