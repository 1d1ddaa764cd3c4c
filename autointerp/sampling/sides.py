"""Which side a document is on; decided before anything is sampled."""

from autointerp.core.draws import uniform
from autointerp.core.types import SIDES

SHARES = {"shown": 0.5, "select": 0.1, "held_out": 0.4}


def side_of(doc: str, *, seed: int) -> str:
    """Return ``shown``, ``select`` or ``held_out`` (50 / 10 / 40), the same for every feature and width."""
    draw, edge = uniform(seed, "side", doc), 0.0
    for side in SIDES:
        edge += SHARES[side]
        if draw < edge:
            return side
    return SIDES[-1]
