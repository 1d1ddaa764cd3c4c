"""A run's dictionaries as maps: which features stand near each other by the directions of their decoders."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autointerp.analysis.figures import count
from autointerp.analysis.neighbourhoods import MIN_FOR_MAP, map_directions
from autointerp.analysis.summary import NEVER_ASKED
from autointerp.core.draws import draw_key, draw_keys
from autointerp.pipeline.finding import dictionaries_named
from autointerp.pipeline.run import OnProgress, Run, ignore_progress
from autointerp.report.charts.neighbourhood import SAYS_NOTHING
from autointerp.report.text import visible
from autointerp.store.parts import read_table, write_part

if TYPE_CHECKING:
    from autointerp.subject.dictionaries import Dictionary

MOST = 2_000


@dataclass(frozen=True, slots=True)
class Mapped:
    """One dictionary's map: how many of its features stand on it, of those that fired at all and of the drawn ones."""

    dictionary: str
    n_features: int
    n_alive: int
    n_drawn: int
    n_placed: int
    n_drawn_placed: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def text(self) -> str:
        name = visible(self.dictionary, keep="")
        what = f"{count(self.n_placed)} of {count(self.n_alive)} features that fired are on the map"
        if self.n_placed < MIN_FOR_MAP:
            what += f", too few for one ({MIN_FOR_MAP} are needed)"
        return f"{name}: {what}, {count(self.n_drawn_placed)} of the {count(self.n_drawn)} drawn ones among them"


def maps_text(found: Sequence[Mapped]) -> str:
    """Return what was done, in words, and what a map cannot say."""
    how = "Near places mean near decoder directions (t-SNE), which says nothing of what features mean."
    where = "The maps stand in the report and on the dictionaries' pages of the dashboard."
    return "\n".join([*(one.text() for one in found), f"{how} {SAYS_NOTHING}.", where])


def map_run(
    run_dir: Path, *, dictionary: str = "", most: int = MOST, on_progress: OnProgress = ignore_progress
) -> list[Mapped]:
    """Return the maps of all dictionaries with directions, or of the one named; they are the table ``neighbourhoods``.

    Raises:
        ConfigError: No dictionary has that name and directions.
    """
    run = Run.at(run_dir, on_progress)
    features = read_table(run_dir, "features", columns=["dictionary", "feature", "density", "status"])
    chosen = dictionaries_named(run.dictionaries, dictionary, with_directions=True)
    found = []
    for place, d in enumerate(chosen, 1):
        found.append(_mapped(run, d, features[features["dictionary"] == d.name], most=most))
        on_progress("maps", place, len(chosen), "dictionaries")
    return found


def _mapped(run: Run, dictionary: "Dictionary", features: pd.DataFrame, *, most: int) -> Mapped:
    name, seed = dictionary.name, run.config.seed
    indices = choose_placed(features, name, most=most, seed=seed)
    directions = dictionary.directions[indices].float().cpu().numpy()
    places = map_directions(directions, seed=seed)
    write_part(run.directory, "neighbourhoods", name, places.assign(dictionary=name, feature=indices))
    drawn = features.loc[_is_drawn(features), "feature"]
    return Mapped(
        dictionary=name,
        n_features=dictionary.n_features,
        n_alive=int((features["density"] > 0).sum()),
        n_drawn=len(drawn),
        n_placed=len(indices),
        n_drawn_placed=int(drawn.isin(indices).sum()),
    )


def choose_placed(features: pd.DataFrame, dictionary: str, *, most: int, seed: int) -> NDArray[np.int64]:
    """Return the features that stand on a dictionary's map, in the order of their numbers.

    All drawn ones, then a keyed choice of the others that fired: the direction of one that never did says nothing.
    Where more than *most* were drawn, a keyed choice of them.

    Args:
        features: Its rows of the table ``features``: columns feature, density, status.
        dictionary: Its name.
        most: Features on the map.
        seed: Of the run.
    """
    is_drawn = _is_drawn(features)
    rows = features[is_drawn | (features["density"] > 0)]
    indices = rows["feature"].to_numpy(np.int64)
    keys = draw_keys(draw_key(seed, "map", dictionary), indices.astype(np.uint64))
    order = np.lexsort((keys, ~is_drawn[rows.index].to_numpy(np.bool_)))
    return np.sort(indices[order[:most]])


def _is_drawn(features: pd.DataFrame) -> "pd.Series[bool]":
    return ~features["status"].isin(NEVER_ASKED)
