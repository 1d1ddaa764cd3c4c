"""Statistics of every feature of one dictionary, from what a harvest kept; which features have enough examples."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autointerp.core.types import SIDES
from autointerp.pipeline.samples import PLACES, read_counts
from autointerp.pipeline.text import Totals
from autointerp.sampling.sketches import FIRST_BIN

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class FeatureStats:
    """What is known of every feature of one dictionary; arrays of shape [n_features]."""

    density: NDArray[np.float64]
    window_density: NDArray[np.float64]
    peak: NDArray[np.float64]
    n_by_side: Ints
    """Whole tiles with a firing, [3, n_features]."""
    histogram_start: Ints
    """The quarter octave of the smallest activation, as the power of 2 ** (1 / 4); FIRST_BIN for a dead feature."""
    histogram: Ints
    """Firing tokens by quarter octave from there on, all features one after the other."""
    histogram_first: Ints
    """Where each feature's begin, [n_features + 1]."""


def measure_features(harvest: Path, dictionary: str, width: int, totals: Totals) -> FeatureStats:
    """Return the statistics of every feature of a dictionary."""
    peak, counts = read_counts(harvest, dictionary, width)
    feature, side, octave = counts["feature"], counts["place"] // PLACES, counts["place"] % PLACES
    n_by_side = np.zeros((len(SIDES), width), np.int64)
    np.add.at(n_by_side, (side, feature), counts["n_tiles"])
    n_tokens = np.bincount(feature, weights=counts["n_tokens"], minlength=width)
    start, first, histogram = _histograms(feature, octave, counts["n_tokens"], width)
    return FeatureStats(
        density=n_tokens / max(totals.n_kept, 1),
        window_density=n_by_side.sum(axis=0) / max(int(totals.n_whole.sum()), 1),
        peak=peak,
        n_by_side=n_by_side,
        histogram_start=start,
        histogram=histogram,
        histogram_first=first,
    )


def _histograms(feature: Ints, octave: Ints, n_tokens: Ints, width: int) -> tuple[Ints, Ints, Ints]:
    """Return (start, first, counts) of all features: from each one's lowest quarter octave to its highest."""
    lowest, highest = np.full(width, 2**30), np.full(width, -1)
    np.minimum.at(lowest, feature, octave)
    np.maximum.at(highest, feature, octave)
    fired = highest >= 0
    first = np.concatenate([[0], np.cumsum(np.where(fired, highest - lowest + 1, 0))])
    histogram = np.zeros(int(first[-1]), np.int64)
    np.add.at(histogram, first[feature] + octave - lowest[feature], n_tokens)
    return np.where(fired, lowest, 0) + FIRST_BIN, first, histogram


def eligible_features(stats: FeatureStats, *, min_held_out: int, min_shown: int) -> Ints:
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
