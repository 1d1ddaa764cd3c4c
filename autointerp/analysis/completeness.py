"""Whether a dictionary has a feature for a concept, against how often the concept is written about: f50 of a ladder."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import expit

from autointerp.analysis.estimates import Estimate, Floats
from autointerp.core.draws import generator

RESAMPLES = 400
MIN_CONCEPTS = 10
STEPS = 50
LEAST_SLOPE = 1e-6
"""A smaller rise is that of rounding."""

RIDGE = 1e-3
"""Keeps slopes finite where found and missed concepts do not overlap; of no weight from some ten concepts on."""

COLUMNS = ["concept", "frequency", "is_found", "is_control"]


@dataclass(frozen=True, slots=True)
class Completeness:
    """P(found) = expit(``slope`` * (log10 frequency - log10 ``f50``)), or ``note``: why there is no fit.

    Scaling Monosemanticity, §feature completeness. ``f50``: the frequency (share of tokens) at which half the
    concepts have a feature, with a 95% bootstrap interval over concepts. ``false_found``: of how many
    of ``n_controls`` controls a feature was found all the same (made-up words, or features of another concept).
    ``alive_f50``: f50 x alive features, about the same for all widths if a feature is spent on what is frequent enough.
    """

    n: int
    n_found: int
    slope: float | None
    f50: Estimate | None
    false_found: int
    n_controls: int
    alive_f50: float | None = None
    note: str = ""


def fit_completeness(concepts: pd.DataFrame, *, n_alive: int | None = None, seed: int = 0) -> Completeness:
    """Return the logistic fit of what was found on log frequency.

    Args:
        concepts: Columns ``COLUMNS``: frequency > 0 of each real concept in the training text, whether one of its
            top features is about it, whether it is a control (frequency is not read of those).
        n_alive: Alive features of the dictionary.
        seed: Decides the bootstrap, which draws concepts.
    """
    is_control = concepts["is_control"].astype(bool)
    real = concepts[~is_control]
    found = real["is_found"].to_numpy(np.float64)
    counted = Completeness(
        n=len(real),
        n_found=int(found.sum()),
        slope=None,
        f50=None,
        false_found=int(concepts.loc[is_control, "is_found"].sum()),
        n_controls=int(is_control.sum()),
    )
    if note := _refused(real, found):
        return replace(counted, note=note)
    logs = np.log10(real["frequency"].to_numpy(np.float64))
    slope, middle = _logistic(logs, found)
    if slope < LEAST_SLOPE:
        return replace(counted, slope=slope, note="frequent concepts are not found more often")
    if not logs.min() <= middle <= logs.max():
        which = "rarest" if middle < logs.min() else "most frequent"
        return replace(counted, slope=slope, note=f"half are found beyond the {which} concept asked for")
    ends = _interval(logs, found, seed)
    if ends is None:
        return replace(counted, slope=slope, note="too few concepts to say at which frequency half are found")
    f50 = Estimate(10**middle, *ends, None, len(found))
    return replace(counted, slope=slope, f50=f50, alive_f50=None if n_alive is None else n_alive * 10**middle)


def _refused(real: pd.DataFrame, found: Floats) -> str:
    if len(real) < MIN_CONCEPTS:
        return f"{len(real)} concepts, {MIN_CONCEPTS} needed"
    frequency = real["frequency"].to_numpy(np.float64)
    if frequency.min() > 0 and np.ptp(np.log10(frequency)) < 1e-9:
        return "all concepts are written equally often"
    if found.min() == found.max():
        return f"{'all' if found.min() else 'none'} of {len(real)} concepts found: no frequency divides them"
    return "" if (real["frequency"] > 0).all() else "a concept of frequency 0 has no place on the axis"


def _logistic(logs: Floats, found: Floats) -> tuple[float, float]:
    """Return slope and the log frequency of P = 1/2, by Newton's method on the ridged likelihood."""
    centre = logs.mean()
    design = np.stack([np.ones_like(logs), logs - centre], axis=1)
    beta = np.zeros(2)
    ridge = np.diag([0.0, RIDGE])
    for _ in range(STEPS):
        p = expit(design @ beta)
        gradient = design.T @ (found - p) - ridge @ beta
        curvature = (design * (p * (1 - p))[:, None]).T @ design + ridge + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        beta = beta + step * min(1.0, 5.0 / max(np.abs(step).max(), 1e-12))
        if np.abs(step).max() < 1e-8:
            break
    return float(beta[1]), float(centre - beta[0] / beta[1]) if beta[1] else math.inf


def _interval(logs: Floats, found: Floats, seed: int) -> tuple[float, float] | None:
    """Return the 95% bootstrap interval of f50, None where it has an end in no draw.

    Draws in which frequent concepts are not found more often have no f50: where more than 2.5% of all are such, no
    95% interval has two ends.
    """
    draws = generator(seed, "completeness")
    middles = []
    for _ in range(RESAMPLES):
        picks = draws.integers(len(logs), size=len(logs))
        slope, middle = _logistic(logs[picks], found[picks])
        if slope >= LEAST_SLOPE and 0 < found[picks].mean() < 1:
            middles.append(middle)
    if len(middles) < 0.975 * RESAMPLES:
        return None
    low, high = np.clip(np.quantile(middles, [0.025, 0.975]), -30.0, 0.0)
    return float(10**low), float(10**high)
