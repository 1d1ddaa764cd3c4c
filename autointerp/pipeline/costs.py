"""What a run's calls came to, summed by what a person asks for."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autointerp.core.errors import ConfigError
from autointerp.llm.ledger import Spent, sum_calls
from autointerp.store.convert import rows_of
from autointerp.store.parts import read_table

COLUMNS = {"stage": ("stage",), "scorer": ("scorer",), "model": ("model",), "feature": ("dictionary", "feature")}
"""The columns of the table ``calls`` behind each word that costs can be summed by."""


@dataclass(frozen=True)
class Costs:
    """Sums of calls by some columns, the dearest first, and the whole."""

    by: tuple[str, ...]
    parts: dict[tuple[str, ...], Spent]
    whole: Spent

    def as_dict(self) -> dict[str, Any]:
        rows = [dict(zip(self.by, names, strict=True)) | asdict(spent) for names, spent in self.parts.items()]
        return {"by": list(self.by), "parts": rows, "all": asdict(self.whole)}

    def text(self) -> str:
        lines = [
            f"{' · '.join(name or 'none' for name in names)}: {spent.text()}" for names, spent in self.parts.items()
        ]
        return "\n".join([*lines, f"all: {self.whole.text()}"])


def costs_of_run(run_dir: Path, by: Sequence[str]) -> Costs:
    """Return what a run's calls came to by some of ``COLUMNS``. Raises ConfigError for another word."""
    for name in by:
        if name not in COLUMNS:
            msg = f"costs are not summed by {name!r}; known: {', '.join(COLUMNS)}"
            raise ConfigError(msg)
    columns = tuple(column for name in by for column in COLUMNS[name])
    rows = list(rows_of(read_table(run_dir, "calls")))
    sums = {tuple(_word(cell) for cell in key): spent for key, spent in sum_calls(rows, by=columns).items()}
    dearest = dict(sorted(sums.items(), key=lambda part: (-part[1].usd, -part[1].cost.tokens, part[0])))
    return Costs(columns, dearest, sum_calls(rows).get((), Spent()))


def _word(cell: object) -> str:
    """Return a cell as text; empty where the table has none (an explanation's call has no scorer)."""
    return "" if cell is None or cell != cell else f"{cell:.0f}" if isinstance(cell, float) else str(cell)
