"""The section on neighbourhoods: a map of each dictionary's directions, its features by their score."""

from collections.abc import Callable, Iterator

import pandas as pd

from autointerp.analysis.figures import count, number
from autointerp.report.blocks import Block, Figures, Prose
from autointerp.report.charts import Link, neighbourhood_map
from autointerp.report.charts.filters import all_of
from autointerp.report.charts.layers import known
from autointerp.report.charts.neighbourhood import SAYS_NOTHING
from autointerp.report.choice import main_explainer, ranking_values
from autointerp.report.grids import Grid
from autointerp.report.linking import NO_LINKS, Linking
from autointerp.report.tables import RunTables
from autointerp.report.terms import term

MOST_PICTURED = 4
"""Dictionaries whose map stands in a report, the narrow ones first: each is some 100 kB."""
MOST_LISTED = 20

ABOUT = (
    "Each mark is a feature; near marks have near decoder directions (t-SNE of the directions, van der Maaten and "
    f"Hinton 2008). {SAYS_NOTHING}; nor does a map say what features mean. All features drawn for labels are on it "
    "and, up to its size, a keyed choice of the others that fired. A mark's score is that of one feature, "
    "without its interval."
)


def map_blocks(run: RunTables, values: pd.DataFrame, *, linking: Linking = NO_LINKS) -> Iterator[Block]:
    """Yield a map of each of the first dictionaries in ``neighbourhoods``; nothing before ``features map``.

    *values*: of ``feature_values``.
    """
    places = run["neighbourhoods"]
    if places.empty:
        return
    yield Prose(ABOUT)
    writer = main_explainer(run["explanations"])
    ranked, measure = ranking_values(values, writer)
    rows = _scored_places(run, places, ranked)
    sizes = rows.groupby("dictionary").size().index
    order = [name for name in run.narrow_first if name in sizes][:MOST_PICTURED]
    judge = next(iter(ranked["judge"].astype(str)), "")
    by = f", by {measure}, labels by {writer}, judge {judge}" if measure else ""
    pictures = []
    for name in order:
        mine = rows[rows["dictionary"] == name]
        chance = known(ranked.loc[ranked["dictionary"] == name, "chance"].mean())
        title = f"Neighbourhoods of {name}, {count(len(mine))} features{by}"
        drawn = neighbourhood_map(
            mine, title=title, measure=measure, chance=chance, address=_address(name, linking.link)
        )
        pictures.append((drawn, places_grid(mine)))
    left = len(sizes) - len(order)
    yield Figures(tuple(pictures), note=f"{left} wider dictionaries are in the dashboard." if left else "")


def _address(dictionary: str, link: Link | None) -> Callable[[int], str] | None:
    """Return what leads from a feature's number to its rows."""
    if link is None:
        return None
    return lambda feature: link(all_of(term("dictionary", dictionary), f"feature:{feature}")) or ""


def _scored_places(run: RunTables, places: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """Return the places with each feature's score and label, empty where there is none."""
    key = ["dictionary", "feature"]
    labels = run["explanations"]
    own = labels[labels["explainer"] == main_explainer(labels)].rename(columns={"text": "label"})
    scored = values[[*key, "value"]].drop_duplicates(key).astype({"feature": int, "value": float})
    labelled = own[[*key, "label"]].drop_duplicates(key).astype({"feature": int})
    return places.astype({"feature": int}).merge(scored, on=key, how="left").merge(labelled, on=key, how="left")


def places_grid(places: pd.DataFrame) -> Grid:
    """Return the scored features of a map with their places, the best first, and how many others there are."""
    scored = places.dropna(subset=["value"]).sort_values(["value", "feature"], ascending=[False, True])
    rows = tuple(
        (f"{row['dictionary']}#{row['feature']}", number(row["value"]), number(row["x"]), number(row["y"]))
        for row in scored.head(MOST_LISTED).to_dict("records")
    )
    others = count(len(places) - len(rows))
    head = (f"feature ({MOST_LISTED} at most)", "score", "x", "y")
    return Grid(head, (*rows, (f"{others} others", "", "", "")) if rows else (), 1, f"Not one of {others} has a score.")
