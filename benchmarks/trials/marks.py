"""What a label is truly worth where tokens are marked: shares counted over every window and every pattern of marks."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autointerp.core.types import FloatArray, Window
from autointerp.score import ScoreSettings
from autointerp.score.marking import Places, strong_places
from autointerp.trust.ladders import Ladder, Step
from autointerp.trust.templates import TILE
from autointerp.trust.zoo import Rung, ZooFeature


def marked_ladder(feature: ZooFeature, ladder: Ladder, tiles: Sequence[Window]) -> Ladder:
    """Return the ladder with recall and false fire of marks: is at least half of what is marked what the label names?

    Recall: of all firing tiles with their own marks. False fire: of all silent tiles, each with every
    firing tile's marks. None of the draws of ``choose_marked`` is in it.
    """
    settings = ScoreSettings()
    firing = [(tile, places) for tile in tiles if tile.is_firing and (places := strong_places(tile, settings))]
    silent = [tile for tile in tiles if not tile.is_firing]
    patterns = Counter(places for _, places in firing)
    pairs = zip(ladder.steps, feature.rungs, strict=True)
    return Ladder(ladder.feature, tuple(_of_marks(step, rung, firing, silent, patterns) for step, rung in pairs))


def _of_marks(
    step: Step,
    rung: Rung,
    firing: Sequence[tuple[Window, Places]],
    silent: Sequence[Window],
    patterns: Counter[Places],
) -> Step:
    named = [(places, rung.predicate.activations(tile.tokens)) for tile, places in firing]
    right = [2 * sum(strengths[place] > 0 for place in places) >= len(places) for places, strengths in named]
    return replace(step, recall=float(np.mean(right)) if right else 0.0, false_fire=_false_fire(rung, silent, patterns))


def _false_fire(rung: Rung, silent: Sequence[Window], patterns: Counter[Places]) -> float:
    """Return the share of all pairs of a silent tile and a pattern, counted as often as it stands, that would fit."""
    if not silent or not patterns:
        return 0.0
    named = np.zeros((len(silent), TILE))
    for row, tile in zip(named, silent, strict=True):
        row[: len(tile.tokens)] = np.asarray(rung.predicate.activations(tile.tokens)) > 0
    # A tile on which the label names nothing fits no marks.
    some = named[named.any(axis=1)]
    places = _as_rows(patterns)
    fits = 2 * (some @ places.T) >= places.sum(axis=1)
    counts = np.array(list(patterns.values()), dtype=np.float64)
    return float(fits.sum(axis=0) @ counts / (len(silent) * counts.sum()))


def _as_rows(patterns: Counter[Places]) -> FloatArray:
    """Return the patterns as rows of 0 and 1, [n_patterns, TILE]."""
    rows = np.zeros((len(patterns), TILE))
    for row, places in zip(rows, patterns, strict=True):
        row[list(places)] = 1.0
    return rows
