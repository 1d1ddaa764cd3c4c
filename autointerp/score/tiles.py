"""The held-out tiles that are judged one by one."""

from autointerp.core.types import Evidence, Sample
from autointerp.score.grading import few_examples
from autointerp.score.settings import ScoreSettings


def choose_items(evidence: Evidence) -> list[Sample]:
    """Return the held-out tiles, each once, by name; halves that only complete a pair are left out."""
    tiles = {s.window.item: s for s in reversed(evidence.held_out) if s.stratum != "neighbour"}
    return [tiles[item] for item in sorted(tiles)]


def lacks_tiles(evidence: Evidence, settings: ScoreSettings) -> str:
    """Return what is missing for a score that needs firing and silent tiles; empty when nothing is."""
    kinds = {sample.window.is_firing for sample in choose_items(evidence)}
    absent = " or ".join(name for name, fires in (("firing", True), ("silent", False)) if fires not in kinds)
    return few_examples(evidence, settings) or (f"no {absent} held-out window" if absent else "")
