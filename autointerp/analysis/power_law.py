"""Power laws of loss and of 1 - score against width or compute: fitted with an interval, or refused with the reason."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import t

from autointerp.analysis.estimates import Estimate, Floats, redrawn_means
from autointerp.analysis.fixed_density import FixedCurve
from autointerp.analysis.width import MIN_FEATURES, MIN_WIDTHS
from autointerp.core.draws import generator

RESIDUAL = "t interval of the points about the line; one dictionary a point"
OVER_FEATURES = "bootstrap over features; the dictionaries are given"


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """y = ``scale`` * x ** ``exponent.value`` by least squares on logarithms, or ``note``: why there is none.

    ``of``, ``against``: what y and x are. ``x``, ``y``: the points, which are there also without a fit.
    ``exponent`` has a 95% interval, and ``n`` = points; ``interval`` says what it is over.
    """

    of: str
    against: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    exponent: Estimate | None = None
    scale: float | None = None
    interval: str = ""
    note: str = ""


def fit_loss(of: str, against: str, x: Sequence[float], y: Sequence[float]) -> PowerLaw:
    """Return the power law through one number a dictionary; the interval is of the scatter about the line."""
    points = PowerLaw(of, against, tuple(map(float, x)), tuple(map(float, y)))
    note = _refused(points)
    if note:
        return replace(points, note=note)
    logs, targets = np.log(points.x), np.log(points.y)
    slope, scale = map(float, _log_line(np.array(points.x), np.array(points.y)))
    left = targets - np.log(scale) - slope * logs
    error = float(np.sqrt(left @ left / (len(left) - 2)) / (np.std(logs) * np.sqrt(len(logs))))
    half = float(t.ppf(0.975, len(left) - 2)) * error
    exponent = Estimate(slope, slope - half, slope + half, error, len(left))
    return replace(points, exponent=exponent, scale=scale, interval=RESIDUAL)


def fit_scores(
    of: str, by_width: Mapping[int, Floats], *, seed: int, about: tuple[object, ...], x: Sequence[float] = ()
) -> PowerLaw:
    """Return the power law of 1 - mean score against width, features redrawn within each width.

    *x*: of each width what stands for it on the axis, such as the compute of its training.
    """
    usable = {w: by_width[w] for w in sorted(by_width) if len(by_width[w]) >= MIN_FEATURES}
    draws = generator(seed, "power law", *about)
    means = np.array([scores.mean() for scores in usable.values()])
    columns = [redrawn_means(scores, draws) for scores in usable.values()]
    return _through(of, list(x) or list(usable), "compute" if x else "width", means, columns)


def fit_fixed(of: str, curve: FixedCurve) -> PowerLaw:
    """Return the power law of 1 - mean score against width at equal firing density."""
    columns = [] if curve.draws is None else list(curve.draws.T)
    return _through(of, list(curve.widths), "width", curve.points, columns)


def _through(of: str, x: Sequence[float], against: str, means: Floats, columns: Sequence[Floats]) -> PowerLaw:
    points = PowerLaw(of, against, tuple(map(float, x)), tuple((1 - means).tolist()))
    note = _refused(points)
    if note:
        return replace(points, note=note)
    misses = 1 - np.stack(columns, axis=-1)
    is_defined = (misses > 0).all(axis=-1)
    if not is_defined.all():
        note = f"1 - mean is not above 0 in {(~is_defined).sum()} of {len(misses)} bootstrap samples"
        return replace(points, note=note)
    slopes, _ = _log_line(np.array(points.x), misses)
    slope, scale = _log_line(np.array(points.x), np.array(points.y))
    low, high = np.quantile(slopes, [0.025, 0.975])
    exponent = Estimate(float(slope), float(low), float(high), float(slopes.std(ddof=1)), len(points.x))
    return replace(points, exponent=exponent, scale=float(scale), interval=OVER_FEATURES)


def _log_line(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return exponent and scale of the line through log y, shape [..., n], on log x."""
    at = np.log(x) - np.log(x).mean()
    slope = (np.log(y) * at).sum(axis=-1) / (at**2).sum()
    return slope, np.exp(np.log(y).mean(axis=-1) - slope * np.log(x).mean())


def _refused(points: PowerLaw) -> str:
    """Return why no line may be fitted, empty when it may."""
    n = len(set(points.x))
    if n < MIN_WIDTHS:
        return f"{n} points of different {points.against}, {MIN_WIDTHS} needed"
    if not np.isfinite([*points.x, *points.y]).all() or min(*points.x, *points.y) <= 0:
        return f"{points.of} is not above 0 everywhere, and has no logarithm"
    return ""


def loss_laws(dictionaries: pd.DataFrame, training: pd.DataFrame | None = None) -> tuple[PowerLaw, ...]:
    """Return the laws of loss (1 - variance explained) of each family: against width, and compute where it is known.

    Against width the loss on text that trained nothing, from the table ``dictionaries``; against compute that of
    the last steps of training, from the table ``training``.
    """
    held_out = dictionaries.assign(loss=1 - dictionaries["fraction_variance_explained"].astype(float))
    known = held_out.dropna(subset=["loss"])
    found = _by_family(
        known, lambda family, g: fit_loss(f"loss of {family}", "width", list(g["width"]), list(g["loss"]))
    )
    if training is None or training.empty:
        return found
    last = training.sort_values("step").groupby("dictionary", sort=True).tail(1)
    of = "training loss of"
    return found + _by_family(
        last, lambda family, g: fit_loss(f"{of} {family}", "compute", list(g["flops"]), list(g["loss"]))
    )


def _by_family(rows: pd.DataFrame, fit: Callable[[str, pd.DataFrame], PowerLaw]) -> tuple[PowerLaw, ...]:
    """Return one fit a family of several dictionaries, narrow ones first: a baseline alone is no ladder."""
    groups = rows.sort_values("width").groupby("family", sort=True)
    return tuple(fit(str(family), group) for family, group in groups if len(group) > 1)
