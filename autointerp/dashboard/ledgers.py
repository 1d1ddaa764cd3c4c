"""What people answered on the review page, kept as it comes."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autointerp.pipeline.reviewing import Case, Ledger, Said


@dataclass
class Ledgers:
    """The answers of this server's visitors: one part of the run's table for each run and rater."""

    _open: dict[tuple[str, str], "Ledger"] = field(default_factory=dict)
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, folder: Path, rater: str, case: "Case", said: "Said") -> None:
        """Write an answer; it is on the disk when this returns."""
        from autointerp.pipeline.reviewing import Ledger

        with self._writing:
            ledger = self._open.setdefault((str(folder), rater), Ledger(folder, rater))
            ledger.keep(case, said)
