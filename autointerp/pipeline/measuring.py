"""Statistics of every feature of every dictionary, from the harvested parts; which features have enough examples."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autointerp.core.types import SIDES
from autointerp.pipeline.text import Text, tiles_of
from autointerp.store.parts import part_paths, read_part

BINS_PER_OCTAVE = 4
FIRST_BIN = -40
N_BINS = 120


@dataclass(frozen=True)
class FeatureStats:
    """What is known of every feature of one dictionary; arrays of shape [n_features]."""

    density: NDArray[np.float64]
    window_density: NDArray[np.float64]
    peak: NDArray[np.float64]
    n_by_side: NDArray[np.int64]
    """Whole tiles with a firing, [3, n_features]."""
    histogram: NDArray[np.int64]
    """Firing tokens per quarter octave from 2**(FIRST_BIN / 4), [n_features, N_BINS]."""


def measure_features(harvest: Path, text: Text, widths: dict[str, int]) -> dict[str, FeatureStats]:
    """Return statistics of every feature by dictionary, reading one part at a time."""
    totals = {name: _Totals(width) for name, width in widths.items()}
    for path in part_paths(harvest, "activations"):
        rows = read_part(harvest, "activations", path.stem)
        for name, mine in rows.groupby("dictionary", sort=False, observed=True):
            totals[str(name)].add(mine, text)
    return {name: total.finish(text) for name, total in totals.items()}


class _Totals:
    """Running counts of one dictionary; memory grows with its width, not with the text."""

    def __init__(self, width: int) -> None:
        self.tokens = np.zeros(width, np.int64)
        self.tiles = np.zeros((len(SIDES), width), np.int64)
        self.peak = np.zeros(width)
        self.histogram = np.zeros((width, N_BINS), np.int64)

    def add(self, rows: pd.DataFrame, text: Text) -> None:
        feature = rows["feature"].to_numpy(np.int64)
        value = rows["activation"].to_numpy(np.float64)
        tile = tiles_of(rows, text)
        width = len(self.tokens)
        self.tokens += np.bincount(feature, minlength=width)
        np.maximum.at(self.peak, feature, value)
        bins = np.clip(np.floor(np.log2(value) * BINS_PER_OCTAVE).astype(np.int64) - FIRST_BIN, 0, N_BINS - 1)
        self.histogram += np.bincount(feature * N_BINS + bins, minlength=width * N_BINS).reshape(width, N_BINS)
        pairs = np.unique(feature * text.n_tiles + tile)
        feature, tile = np.divmod(pairs, text.n_tiles)
        whole = text.is_whole[tile]
        for side in range(len(SIDES)):
            mine = whole & (text.side_of_tile[tile] == side)
            self.tiles[side] += np.bincount(feature[mine], minlength=width)

    def finish(self, text: Text) -> FeatureStats:
        n_whole = max(int(text.is_whole.sum()), 1)
        return FeatureStats(
            density=self.tokens / max(text.n_kept, 1),
            window_density=self.tiles.sum(axis=0) / n_whole,
            peak=self.peak,
            n_by_side=self.tiles,
            histogram=self.histogram,
        )


def eligible_features(stats: FeatureStats, *, min_held_out: int, min_shown: int) -> NDArray[np.int64]:
    """Return the features with enough firing tiles to be explained and scored."""
    return np.flatnonzero(
        (stats.n_by_side[SIDES.index("held_out")] >= min_held_out)
        & (stats.n_by_side[SIDES.index("shown")] >= min_shown)
    )


def status_of(stats: FeatureStats, eligible: Iterable[int], drawn: Sequence[int]) -> list[str]:
    """Return each feature's status before scoring: dead, too_few_examples, not_sampled or pending.

    A feature named in the configuration that is dead or too rare keeps that status: it is counted, not scored.
    """
    status = np.where(stats.peak > 0, "too_few_examples", "dead").astype(object)
    enough = list(eligible)
    status[enough] = "not_sampled"
    status[sorted(set(drawn).intersection(enough))] = "pending"
    return [str(s) for s in status]
