"""Tiles with marked tokens: the ones that fire, or others in the same places, so that the marks say nothing.

Every pattern of marks stands on a firing tile whose tokens they are, on another firing tile on whose
silent tokens they fall, and on silent tiles. Number, places and runs of the marks are then the same
among right and wrong ones. (With delphi's default fuzzing a rule that looks at positions alone scores
about 0.98; PROTOCOLS, section 1.)
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autointerp.core.draws import draw
from autointerp.core.types import Evidence, Sample, Window
from autointerp.prompting.windows import marked_text, near_peak
from autointerp.score.settings import ScoreSettings
from autointerp.score.tiles import choose_items

Places = tuple[int, ...]
MISPLACED = "misplaced"


@dataclass(frozen=True, slots=True)
class Marked:
    """A tile with the tokens at *places* marked; ``fires`` when these are the tokens the feature fires on."""

    window: Window
    places: Places
    weight: float
    fires: bool

    @property
    def item(self) -> str:
        """``doc:start``, and ``:misplaced`` behind it for a firing tile whose marks are another's."""
        is_misplaced = self.window.is_firing and not self.fires
        return f"{self.window.item}:{MISPLACED}" if is_misplaced else self.window.item

    def text(self) -> str:
        """Return the tile as one line with its marks."""
        places = set(self.places)
        mask = tuple(float(place in places) for place in range(len(self.window.tokens)))
        return marked_text(replace(self.window, activations=mask), fraction=1.0)


def choose_marked(evidence: Evidence, settings: ScoreSettings) -> list[Marked]:
    """Return the marked tiles of the held-out side, in keyed order: by name, every second would be misplaced.

    Each firing tile stands twice, with its own marks and, where some pattern falls on silent tokens of
    it alone, with another's; each silent tile once. A misplaced item has weight 0: it is one of the
    tiles of the population already. A silent tile that no pattern fits is left out.
    """
    tiles = [s for s in choose_items(evidence) if not s.window.is_firing or strong_places(s.window, settings)]
    firing = _shuffled([s for s in tiles if s.window.is_firing], evidence, settings, "firing")
    silent = _shuffled([s for s in tiles if not s.window.is_firing], evidence, settings, "silent")
    patterns = [strong_places(s.window, settings) for s in firing]
    own = [Marked(s.window, places, s.weight, True) for s, places in zip(firing, patterns, strict=True)]
    misplaced = _misplace(firing, patterns)
    # What could not be misplaced goes first to the silent tiles: else long patterns would be a sign of firing.
    rest = [places for number, places in enumerate(patterns) if number not in misplaced]
    wrong = [Marked(firing[tile].window, patterns[number], 0.0, False) for number, tile in misplaced.items()]
    wrong += _mark_silent(silent, rest, patterns)
    feature = str(evidence.feature)
    return draw([*own, *wrong], len(own) + len(wrong), seed=settings.seed, key=lambda m: ("marks", feature, m.item))


def strong_places(window: Window, settings: ScoreSettings) -> Places:
    """Return the positions near the window's peak whose tokens show; a mark on an empty token would be lost."""
    strong = near_peak(window, fraction=settings.mark_fraction)
    return tuple(place for place, is_strong in enumerate(strong) if is_strong and window.tokens[place])


def _shuffled(samples: list[Sample], evidence: Evidence, settings: ScoreSettings, what: str) -> list[Sample]:
    feature = str(evidence.feature)
    return draw(samples, len(samples), seed=settings.seed, key=lambda s: ("marks", what, feature, s.window.item))


def _misplace(firing: Sequence[Sample], patterns: Sequence[Places]) -> dict[int, int]:
    """Return from pattern to tile: as many pairs as there can be, each pattern and each tile once."""
    if not firing:
        return {}
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    allowed = np.array([[_fits(places, s.window) for s in firing] for places in patterns], dtype=np.int8)
    tiles = maximum_bipartite_matching(csr_array(allowed), perm_type="column")
    return {pattern: int(tile) for pattern, tile in enumerate(tiles) if tile >= 0}


def _mark_silent(silent: Sequence[Sample], first: Sequence[Places], patterns: Sequence[Places]) -> list[Marked]:
    """Return the tiles with those patterns dealt out that come *first*, then all of them, round after round."""
    marked: list[Marked] = []
    left = deque(first)
    for sample in silent:
        if not any(_fits(places, sample.window) for places in left):
            left.extend(patterns)
        places = next((places for places in left if _fits(places, sample.window)), None)
        if places is not None:
            left.remove(places)
            marked.append(Marked(sample.window, places, sample.weight, False))
    return marked


def _fits(places: Places, window: Window) -> bool:
    """Return whether every mark falls on a silent token that shows."""
    return all(
        place < len(window.tokens) and window.tokens[place] and window.activations[place] == 0 for place in places
    )
