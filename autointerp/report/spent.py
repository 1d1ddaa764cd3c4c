"""What deciding one feature cost, by dictionary and scorer."""

from collections.abc import Iterator

import pandas as pd

from autointerp.analysis.figures import count
from autointerp.analysis.power import cost_per_decided
from autointerp.report.blocks import Block, Figures, Heading, Prose
from autointerp.report.charts import Link, cost_against_decided
from autointerp.report.charts.layers import known
from autointerp.report.grids import Grid
from autointerp.report.tables import RunTables

DECIDED = (
    "Decided: the interval of the headline score of one of the feature's own labels does not hold chance, whether it "
    "lies above or below. All calls of the scorer count, those of controls too, for without them nothing is decided."
)


def decided_blocks(run: RunTables, *, link: Link | None = None) -> Iterator[Block]:
    """Yield the cost of a decided feature, as a picture with its numbers."""
    costs = cost_per_decided(run["scores"], run["calls"])
    yield Heading("What a decided feature cost")
    yield Prose(DECIDED)
    yield Figures(((cost_against_decided(costs, title="Cost against decided features", link=link), _grid(costs)),))


def _grid(costs: pd.DataFrame) -> Grid:
    head = ("dictionary", "scorer", "scored", "decided", "calls", "tokens", "USD", "calls a\ndecided one", "USD a\none")
    rows = tuple(
        (
            *(str(r["dictionary"]), str(r["scorer"])),
            *(count(r[name]) for name in ("n_scored", "n_decided", "calls", "tokens")),
            *(_money(r["usd"], "unknown"), _each(r["calls_each"]), _money(r["usd_each"], "none")),
        )
        for r in costs.to_dict("records")
    )
    return Grid(head, rows, 2, "Nothing was scored.")


def _money(cell: object, without: str) -> str:
    usd = known(cell)
    return without if usd is None else f"{usd:.4f}"


def _each(cell: object) -> str:
    calls = known(cell)
    return "none decided" if calls is None else f"{calls:.1f}"
