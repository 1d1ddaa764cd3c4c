"""The power laws of a run's main measures, raw and at fixed density, against width and against compute."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autointerp.analysis.fixed_density import fixed_curve
from autointerp.analysis.power_law import PowerLaw, fit_fixed, fit_scores
from autointerp.analysis.values import MEASURE, main_values, measure_name
from autointerp.analysis.width import FIXED_FOOTING, MIN_FEATURES, RAW_FOOTING, placed_values, scored_by_width

Key = tuple[str, ...]
"""Family, explainer, scorer, variant, metric, judge."""


@dataclass(frozen=True, slots=True)
class ScoreLaw:
    """The law of 1 - mean score of one measure on one footing."""

    key: Key
    footing: str
    law: PowerLaw

    @property
    def measure(self) -> str:
        return measure_name(*self.key[2:5])


def score_laws(
    values: pd.DataFrame, dictionaries: pd.DataFrame, features: pd.DataFrame, training: pd.DataFrame, *, seed: int = 0
) -> tuple[ScoreLaw, ...]:
    """Return the laws of each family of several widths and main measure, fitted or with the reason why not.

    Args:
        values: Of ``feature_values``.
        dictionaries: Their widths.
        features: Their densities.
        training: The table of that name: what each dictionary took; without it there is no compute axis.
        seed: Decides the draws of the bootstrap.
    """
    placed = placed_values(main_values(values), dictionaries, features)
    flops = _flops(training)
    groups = placed.groupby(["family", *MEASURE], sort=True)
    return tuple(law for key, group in groups for law in _laws(tuple(map(str, key)), group, flops, seed))


def _laws(key: Key, group: pd.DataFrame, flops: dict[str, float], seed: int) -> Iterator[ScoreLaw]:
    if group["width"].nunique() < 2:
        return
    by_width = {int(str(w)): g["value"].to_numpy(np.float64) for w, g in group.groupby(group["width"].astype(int))}
    of = f"1 - {measure_name(*key[2:5])}"
    yield ScoreLaw(key, RAW_FOOTING, fit_scores(of, by_width, seed=seed, about=key))
    yield ScoreLaw(key, FIXED_FOOTING, fit_fixed(of, fixed_curve(scored_by_width(group), seed=seed, about=key)))
    names = group.groupby(group["width"].astype(int))["dictionary"].first()
    usable = [w for w in sorted(by_width) if len(by_width[w]) >= MIN_FEATURES]
    if usable and all(str(names[w]) in flops for w in usable):
        compute = [flops[str(names[w])] for w in usable]
        yield ScoreLaw(key, RAW_FOOTING, fit_scores(of, by_width, seed=seed, about=(*key, "compute"), x=compute))


def _flops(training: pd.DataFrame) -> dict[str, float]:
    """Return what the whole training of each dictionary took."""
    totals = training.groupby("dictionary")["flops"].max()
    return {str(name): float(total) for name, total in totals.items()}
