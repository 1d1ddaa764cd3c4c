"""Made-up families of dictionaries whose labels are as good at every width, while features get rarer."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from autointerp.core.draws import generator
from autointerp.core.types import FloatArray
from autointerp.metrics.classification import population_precision

RUNS_IN_A_TILE = 10
"""Independent chances to fire in a tile of 32 tokens: firings come in runs, here of some three tokens."""

FAMILY = "made-up"


@dataclass(frozen=True, slots=True)
class Widening:
    """How a made-up family is drawn; the defaults have the demo ladder's widths and sparsity.

    ``l0``: features that fire on a token, the same at every width, so that the mean density is l0 / width.
    ``spread``: SD of log density. ``recall``, ``false_fire``: the judge's shares of yes on firing and on silent
    tiles; ``sd``: of both over features. ``slope``: by how much the true balanced accuracy changes a doubling,
    whatever the density; 0 = equally good. ``rarity``: by how much it rises a halving of density. ``n_items``: of
    each kind.
    """

    widths: tuple[int, ...] = (512, 1024, 2048, 4096)
    n_features: int = 100
    l0: float = 32.0
    spread: float = 1.0
    recall: float = 0.96
    false_fire: float = 0.04
    sd: float = 0.02
    slope: float = 0.0
    rarity: float = 0.0
    n_items: int = 20


def widening_family(world: Widening, *, seed: int) -> pd.DataFrame:
    """Return one row a feature: dictionary, width, feature, density, window_density, truth, verified, naive, precision.

    ``truth``: balanced accuracy of the label on firing against silent tiles. ``verified``: the same from n_items
    tiles of each kind. ``naive``: from as many firing tiles and tiles of any text that pass for silent, though a
    share window_density of them fires: there a right yes is counted as a false one, which costs common features most
    (PROTOCOLS, section 1). So it rises as features get rarer, by 0.14 over the default widths. ``precision``: on all
    text, from the verified answers; it falls as features get rarer, for the share of false yes stays.
    """
    return pd.concat([_dictionary(world, place, seed) for place in range(len(world.widths))], ignore_index=True)


def _dictionary(world: Widening, place: int, seed: int) -> pd.DataFrame:
    width, n = world.widths[place], world.n_features
    draws = generator(seed, "widening", width)
    density = _densities(world, width, draws)
    window_density = 1 - (1 - density) ** RUNS_IN_A_TILE
    # Half of a gain comes from recall, half from false fire, so that it is the balanced accuracy's.
    gain = world.slope * place - world.rarity * np.log2(density / (world.l0 / world.widths[0]))
    recall = np.clip(world.recall + gain + draws.normal(0, world.sd, n), 0, 1)
    false_fire = np.clip(world.false_fire - gain + draws.normal(0, world.sd, n), 0, 1)
    hits, alarms = (draws.binomial(world.n_items, share) / world.n_items for share in (recall, false_fire))
    among_any = window_density * recall + (1 - window_density) * false_fire
    wrongly = draws.binomial(world.n_items, among_any) / world.n_items
    return pd.DataFrame(
        {
            "dictionary": f"{FAMILY}/{width}", "width": width, "feature": np.arange(n), "density": density,
            "window_density": window_density, "truth": (1 + recall - false_fire) / 2,
            "verified": (1 + hits - alarms) / 2, "naive": (1 + hits - wrongly) / 2,
            "precision": _precisions(hits, alarms, window_density),
        }
    )  # fmt: skip


def _densities(world: Widening, width: int, draws: np.random.Generator) -> FloatArray:
    """Return firing shares of tokens, log-normal about l0 / width, shape [n_features], below 1."""
    middle = np.log(world.l0 / width) - world.spread**2 / 2
    found: FloatArray = np.minimum(np.exp(draws.normal(middle, world.spread, world.n_features)), 0.9)
    return found


def _precisions(recall: FloatArray, false_fire: FloatArray, window_density: FloatArray) -> list[float | None]:
    columns = zip(recall.tolist(), false_fire.tolist(), window_density.tolist(), strict=True)
    return [population_precision(*column) for column in columns]


def as_tables(family: pd.DataFrame, column: str) -> dict[str, pd.DataFrame]:
    """Return the tables scores, explanations, features and dictionaries of a run in which *column* was the score."""
    mine = family.dropna(subset=[column])
    labels = mine["dictionary"] + "#" + mine["feature"].astype(str)
    named = mine[["dictionary", "feature"]].assign(explanation=labels)
    scores = named.assign(
        scorer="detection", variant="", judge="made-up", control="none", draw=0, metric="auroc",
        value=mine[column].astype(float), chance=0.5, status="scored",
    )  # fmt: skip
    widths = family[["dictionary", "width"]].drop_duplicates().assign(family=FAMILY)
    return {
        "scores": scores,
        "explanations": named.assign(explainer="made-up"),
        "features": family[["dictionary", "feature", "density", "window_density"]].assign(status="scored"),
        "dictionaries": widths,
    }
