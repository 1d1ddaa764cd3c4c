"""The power laws of a run's main measures, raw and at fixed density, against width and against compute."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from autointerp.analysis.ladders import Key, Ladder
from autointerp.analysis.power_law import PowerLaw, fit_fixed, fit_scores
from autointerp.analysis.values import measure_name
from autointerp.analysis.width import FIXED_FOOTING, MIN_FEATURES, RAW_FOOTING


@dataclass(frozen=True, slots=True)
class ScoreLaw:
    """The law of 1 - mean score of one measure on one footing."""

    key: Key
    footing: str
    law: PowerLaw

    @property
    def measure(self) -> str:
        return measure_name(*self.key[2:5])


def score_laws(ladders: Sequence[Ladder], training: pd.DataFrame, *, seed: int = 0) -> tuple[ScoreLaw, ...]:
    """Return the laws of each family of several widths and main measure, fitted or with the reason why not.

    Args:
        ladders: The scores.
        training: The table of that name: what each dictionary took; without it there is no compute axis.
        seed: Decides the draws of the bootstrap.
    """
    flops = _flops(training)
    return tuple(
        law for ladder in ladders if ladder.is_main and len(ladder.by_width) > 1 for law in _laws(ladder, flops, seed)
    )


def _laws(ladder: Ladder, flops: dict[str, float], seed: int) -> Iterator[ScoreLaw]:
    key, by_width, of = ladder.key, ladder.by_width, f"1 - {ladder.measure}"
    yield ScoreLaw(key, RAW_FOOTING, fit_scores(of, by_width, seed=seed, about=key))
    yield ScoreLaw(key, FIXED_FOOTING, fit_fixed(of, ladder.fixed))
    usable = [w for w in by_width if len(by_width[w]) >= MIN_FEATURES]
    if usable and all(ladder.dictionaries[w][0] in flops for w in usable):
        compute = [flops[ladder.dictionaries[w][0]] for w in usable]
        yield ScoreLaw(key, RAW_FOOTING, fit_scores(of, by_width, seed=seed, about=(*key, "compute"), x=compute))


def _flops(training: pd.DataFrame) -> dict[str, float]:
    """Return what the whole training of each dictionary took."""
    totals = training.groupby("dictionary")["flops"].max()
    return {str(name): float(total) for name, total in totals.items()}
