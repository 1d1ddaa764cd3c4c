"""Loss against compute of a ladder's members as a table for a terminal."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pandas as pd

ROWS_EACH = 8
WIDTH = 100


def curve_text(curve: pd.DataFrame) -> str:
    """Return the table ``training`` as text, at most ``ROWS_EACH`` rows a dictionary, its last one always."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Loss against compute, on batches before they trained", title_justify="left")
    table.add_column("dictionary", overflow="fold")
    for column in ("steps", "tokens", "FLOPs", "loss", "L0"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, rows in curve.groupby("dictionary", sort=False):
        for number, row in enumerate(_spread(rows)):
            table.add_row("" if number else str(name), *_cells(row))
    text = StringIO()
    # Neither the terminal's width nor its colours: the answer is the same in a file.
    Console(file=text, width=WIDTH, color_system=None).print(table)
    return f"{text.getvalue().rstrip()}\n{_legend(curve)}"


def _cells(row: Any) -> tuple[str, ...]:
    return f"{row.step:,}", f"{row.tokens:,}", f"{row.flops:.2e}", f"{row.loss:.4f}", f"{row.l0:.1f}"


def _spread(rows: pd.DataFrame) -> Iterator[Any]:
    """Yield rows at even distances, counted from the last, which is what the whole training came to."""
    every = -(-len(rows) // ROWS_EACH)
    yield from rows.iloc[::-1].iloc[::every].iloc[::-1].itertuples()


def _legend(curve: pd.DataFrame) -> str:
    return (
        "loss: 1 - variance explained on the tokens of the last steps; FLOPs: 6 x parameters x tokens; "
        f"all {len(curve):,} rows: table `training`"
    )
