"""What deciding one feature cost, by dictionary and scorer."""

from collections.abc import Hashable, Iterator

import numpy as np
import pandas as pd

from autointerp.analysis.figures import count
from autointerp.analysis.power import cost_per_decided
from autointerp.analysis.values import headline_values
from autointerp.report.blocks import Block, Figures, Heading, Prose
from autointerp.report.charts import cost_against_decided, score_name
from autointerp.report.charts.layers import known
from autointerp.report.grids import Grid
from autointerp.report.linking import NO_LINKS, UNLABELLED, Linking
from autointerp.report.tables import RunTables

DECIDED = (
    "Decided: the interval of the headline score of one of the feature's own labels does not hold chance, whether it "
    "lies above or below. All calls of the scorer count, those of controls too, for without them nothing is decided."
)


def decided_blocks(run: RunTables, values: pd.DataFrame, *, linking: Linking = NO_LINKS) -> Iterator[Block]:
    """Yield the cost of a decided feature, as a picture with its numbers; *values*: of ``feature_values``."""
    costs = cost_per_decided(run["scores"], run["calls"])
    places = np.array([run.place_of(name)[0] for name in costs["dictionary"]], dtype=np.int64)
    costs = costs.iloc[np.argsort(places, kind="stable")].reset_index(drop=True)
    named = costs.assign(name=_names(costs, values, linking)) if linking.link else costs
    yield Heading("What a decided feature cost")
    yield Prose(DECIDED)
    drawn = cost_against_decided(named, title="Cost against decided features", link=linking.link)
    yield Figures(((drawn, _grid(costs)),))


def _names(costs: pd.DataFrame, values: pd.DataFrame, linking: Linking) -> list[str]:
    """Return the name of a score that every scored feature has, "" where no one variant was scored of all of them."""
    found = headline_values(values)
    # The explorer lists labels: a score of the feature itself stands with them, where there is one.
    listed = found[found["explainer"] != UNLABELLED] if not linking.rows.unlabelled else found
    each = listed.groupby(["dictionary", "scorer", "variant", "metric"])["feature"].nunique()
    return [_name(row, each) for row in costs.to_dict("records")]


def _name(row: dict[Hashable, object], each: "pd.Series[int]") -> str:
    mine = [key for key in each.index if key[:2] == (row["dictionary"], row["scorer"]) and each[key] == row["n_scored"]]
    return score_name(*map(str, mine[0][1:])) if mine else ""


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
