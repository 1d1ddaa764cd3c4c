"""What can be said of simulated activations: correlation and its variants, each under its own name.

``correlation``: Pearson's r of the expected digit with the activation, signed, uncalibrated, pooled over
all tokens (Bills et al. 2023). ``correlation_calibrated``: |r|, what r becomes when a line from digit to
activation is fitted on the scored data; a label that says the opposite looks right. ``r2_calibrated``:
r squared, the variance such a line explains. ``r2_uncentred`` and ``absolute_deviation``: of the digit in
units of the activation, as in automated-interpretability 0.0.24; negative where 0 everywhere would have
been better. ``correlation_or_zero``: r, and 0 where the guess is constant (Scaling Monosemanticity).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autointerp.core.types import FloatArray, Prediction
from autointerp.metrics.correlation import (
    absolute_deviation_score,
    is_constant,
    pearson,
    pearson_of_resamples,
    uncentred_r2,
)
from autointerp.metrics.intervals import bootstrap_interval
from autointerp.score.grading import Estimate

METRIC = "correlation"
CHANCE: Mapping[str, float | None] = {
    METRIC: 0.0,
    "correlation_or_zero": 0.0,
    # What a worthless label gets here is above 0 and depends on how many tokens fire.
    "correlation_calibrated": None,
    "r2_calibrated": None,
    "r2_uncentred": None,
    "absolute_deviation": None,
}


@dataclass(frozen=True, slots=True)
class Simulated:
    """The windows that were read: activations and expected digits, a window an array; activation = digit * unit."""

    truth: tuple[FloatArray, ...]
    guess: tuple[FloatArray, ...]
    unit: float

    @classmethod
    def of(cls, windows: Sequence[Sequence[Prediction]], *, unit: float) -> "Simulated":
        """Return the windows all of whose tokens have a guess."""
        read = [window for window in windows if all(p.guess is not None for p in window)]
        return cls(
            tuple(np.array([p.truth for p in window]) for window in read),
            tuple(np.array([p.guess for p in window], dtype=np.float64) for window in read),
            unit,
        )


def estimate(read: Simulated, metric: str, *, seed: int, key: tuple[object, ...]) -> Estimate:
    """Return the metric over all tokens, with a bootstrap over windows, for tokens of one are not independent."""
    chance = CHANCE[metric]
    if not read.truth:
        return Estimate(metric, None, None, chance, "no window was read")
    value = _value(read, metric)
    if value is None:
        return Estimate(metric, None, None, chance, _why_undefined(read))

    def resampled(counts: FloatArray) -> FloatArray:
        return _resampled(read, metric, counts)

    interval = bootstrap_interval(len(read.truth), resampled, seed=seed, key=key)
    return Estimate(metric, value, interval, chance)


def _value(read: Simulated, metric: str) -> float | None:
    truth, guess = np.concatenate(read.truth), np.concatenate(read.guess)
    if metric == "r2_uncentred":
        return uncentred_r2(truth, guess * read.unit)
    if metric == "absolute_deviation":
        return absolute_deviation_score(truth, guess * read.unit)
    r = pearson(truth, guess)
    if r is None:
        return 0.0 if metric == "correlation_or_zero" and not is_constant(truth) else None
    return OF_R[metric](r)


def _resampled(read: Simulated, metric: str, counts: FloatArray) -> FloatArray:
    """Return the metric of every resample of windows, shape [B]; NaN where it is undefined."""
    if metric in OF_R:
        return np.array([OF_R[metric](r) for r in pearson_of_resamples(read.truth, read.guess, counts)])
    power = 2 if metric == "r2_uncentred" else 1
    missed = [np.sum(np.abs(t - g * read.unit) ** power) for t, g in zip(read.truth, read.guess, strict=True)]
    total = counts @ np.array([np.sum(np.abs(t) ** power) for t in read.truth])
    shares = counts @ np.array(missed) / np.where(total > 0, total, 1.0)
    return np.where(total > 0, 1.0 - shares, np.nan)


OF_R: Mapping[str, Callable[[float], float]] = {
    METRIC: lambda r: r,
    "correlation_or_zero": lambda r: r,
    "correlation_calibrated": abs,
    "r2_calibrated": lambda r: r * r,
}


def _why_undefined(read: Simulated) -> str:
    if is_constant(np.concatenate(read.truth)):
        return "the activation is the same on every token of these windows"
    return "the judge guessed the same for every token"
