"""Scores of several widths at equal firing density: matched strata, and a bootstrap over the features in them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autointerp.analysis.estimates import CELLS_AT_ONCE, LARGE, RESAMPLES, Estimate, Floats
from autointerp.core.draws import generator

MIN_CELL = 3
"""Features that every width needs in a stratum: fewer say too little of how they spread."""

MOST_STRATA = 10
PER_STRATUM = 8
"""Features of the width with fewest, a stratum, on average."""

LEAST_MATCHED = 10
"""Features of every width within matched strata, below which nothing is compared."""

Strata = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of one width beside the densities of their features, both of shape [n]; densities > 0."""

    values: Floats
    densities: Floats


@dataclass(frozen=True, slots=True)
class Stratum:
    """Features of like density: what they count together, and of each width the scores and log densities."""

    weight: float
    scores: tuple[Floats, ...]
    places: tuple[Floats, ...]

    @property
    def n(self) -> int:
        return sum(map(len, self.scores))


@dataclass(frozen=True, slots=True)
class FixedCurve:
    """The mean score of each width over features of the same densities; empty, with a reason, where they do not meet.

    ``means`` has one entry a width, narrow ones first, ``n`` of each counting its matched features. ``draws``: the
    same means of each bootstrap sample, shape [resamples, n_widths]. ``low``, ``high``: the densities compared.
    """

    widths: tuple[int, ...] = ()
    means: tuple[Estimate, ...] = ()
    draws: Floats | None = None
    low: float = 0.0
    high: float = 0.0
    note: str = ""

    @property
    def points(self) -> Floats:
        return np.array([mean.value for mean in self.means], dtype=np.float64)


def fixed_curve(
    by_width: Mapping[int, Scored],
    *,
    seed: int,
    about: tuple[object, ...],
    is_per_firing: bool = False,
    resamples: int = RESAMPLES,
) -> FixedCurve:
    """Return the means at equal density with 95% bootstrap intervals; features are redrawn within stratum and width.

    A stratum counts as many features as the width with fewest has there, as in a matched sample; per firing, times
    its mean density. Within a stratum a line takes away what is left of the density. Of n features of a cell n - 1
    are redrawn, without which small cells would look too sure (Rao and Wu 1988, JASA 83:231, m = n - 1).
    """
    usable = {w: by_width[w] for w in sorted(by_width) if len(by_width[w].values) >= MIN_CELL}
    if len(usable) < 2:
        return FixedCurve(note=f"{len(usable)} widths with at least {MIN_CELL} scored features of known density")
    pooled = _Pooled(
        np.concatenate([np.full(len(one.values), w) for w, one in usable.items()]),
        np.concatenate([one.values for one in usable.values()]),
        np.log(np.concatenate([one.densities for one in usable.values()])),
    )
    strata = matched_strata(pooled.widths, pooled.places)
    n_least = min(int(((pooled.widths == w) & (strata >= 0)).sum()) for w in usable)
    if n_least < LEAST_MATCHED:
        return FixedCurve(note=f"densities hardly meet: a width has {n_least} matched features, {LEAST_MATCHED} needed")
    matched = list(_matched(pooled, strata, is_per_firing))
    compared = np.exp(pooled.places[strata >= 0])
    curve = _curve(matched, generator(seed, "fixed density", *about), resamples)
    return replace(curve, widths=tuple(usable), low=float(compared.min()), high=float(compared.max()))


@dataclass(frozen=True, slots=True)
class _Pooled:
    """All widths one after the other: of each feature its width, score and log density, shape [n]."""

    widths: NDArray[np.int64]
    values: Floats
    places: Floats


def matched_strata(widths: NDArray[np.int64], places: Floats) -> Strata:
    """Return the stratum of log density of each feature, shape [n]; -1 where some width has too few like it.

    Strata are quantiles of all features within the range of every width.
    """
    each = [places[widths == w] for w in np.unique(widths)]
    low, high = max(p.min() for p in each), min(p.max() for p in each)
    is_inside = (places >= low) & (places <= high)
    fewest = min(int(((p >= low) & (p <= high)).sum()) for p in each)
    if fewest < MIN_CELL:
        return np.full(len(places), -1)
    n_strata = int(np.clip(fewest // PER_STRATUM, 1, MOST_STRATA))
    edges = np.quantile(places[is_inside], np.linspace(0, 1, n_strata + 1))
    strata = np.where(is_inside, np.searchsorted(edges[1:-1], places, side="right"), -1)
    known, width = np.unique(widths, return_inverse=True)
    cells = np.bincount(strata[is_inside] * len(known) + width[is_inside], minlength=n_strata * len(known))
    is_poor = cells.reshape(n_strata, len(known)).min(axis=1) < MIN_CELL
    return np.where(np.append(is_poor, False)[strata], -1, strata)


def _matched(pooled: _Pooled, strata: Strata, is_per_firing: bool) -> Iterator[Stratum]:
    """Yield each stratum with the scores and log densities of each width in it, features in their order."""
    known, width = np.unique(pooled.widths, return_inverse=True)
    order = np.lexsort((width, strata))[int((strata < 0).sum()) :]
    ends = np.flatnonzero(np.diff(strata[order] * len(known) + width[order])) + 1
    cells = np.split(order, ends)
    for first in range(0, len(cells), len(known)):
        mine = cells[first : first + len(known)]
        density = float(np.exp(pooled.places[np.sort(np.concatenate(mine))]).mean()) if is_per_firing else 1.0
        yield Stratum(
            min(map(len, mine)) * density,
            tuple(pooled.values[cell] for cell in mine),
            tuple(pooled.places[cell] for cell in mine),
        )


def _curve(matched: Sequence[Stratum], draws: np.random.Generator, resamples: int) -> FixedCurve:
    whole = sum(one.weight for one in matched)
    points, resampled = np.zeros(()), np.zeros(())
    for one in matched:
        at = float(np.concatenate(one.places).mean())
        points = points + one.weight / whole * means_at(one.scores, one.places, at)
        resampled = resampled + one.weight / whole * _redrawn_means(one, at, draws, resamples)
    columns = [np.concatenate(cells) for cells in zip(*(one.scores for one in matched), strict=True)]
    means = tuple(_estimate(float(points[i]), resampled[:, i], scores) for i, scores in enumerate(columns))
    return FixedCurve(means=means, draws=resampled)


def means_at(scores: Sequence[Floats], places: Sequence[Floats], at: float) -> Floats:
    """Return the mean score of each width at the log density *at*, shape [..., n_widths].

    One line for all widths, through the differences within them alone: one through all features would take what
    the widths differ by for the density's. Level where densities do not differ.

    Args:
        scores: One array a width, shape [..., n_w].
        places: Log densities, of the same shapes.
        at: Of the stratum, where the widths are compared.
    """
    y, x = (np.stack([cell.mean(axis=-1) for cell in cells], axis=-1) for cells in (scores, places))
    moved = [
        (s - s.mean(-1, keepdims=True), p - p.mean(-1, keepdims=True)) for s, p in zip(scores, places, strict=True)
    ]
    cross, square = sum((s * p).sum(-1) for s, p in moved), sum((p * p).sum(-1) for _, p in moved)
    slope = np.divide(cross, square, out=np.zeros_like(cross), where=np.asarray(square) > 0)
    means: Floats = y - np.asarray(slope)[..., None] * (x - at)
    return means


def _redrawn_means(one: Stratum, at: float, draws: np.random.Generator, resamples: int) -> Floats:
    """Return the means at *at* of each bootstrap sample, shape [resamples, n_widths]; the line is fitted anew.

    Above ``LARGE`` features the normal law's: each width's mean residual and the line's slope (with the variance of
    White 1980, Econometrica 48:817) fall independently.
    """
    if one.n > LARGE:
        return _normal_means(one, at, draws, resamples)
    size = max(1, CELLS_AT_ONCE // one.n)
    sizes = [min(size, resamples - done) for done in range(0, resamples, size)]
    return np.concatenate([_redrawn(one, at, draws, n_samples) for n_samples in sizes])


def _normal_means(one: Stratum, at: float, draws: np.random.Generator, resamples: int) -> Floats:
    points = means_at(one.scores, one.places, at)
    moved = [(s - s.mean(), p - p.mean()) for s, p in zip(one.scores, one.places, strict=True)]
    square = sum(float((p * p).sum()) for _, p in moved)
    slope = sum(float((s * p).sum()) for s, p in moved) / square if square else 0.0
    residuals = [s - slope * p for s, p in moved]
    of_means = np.array([r.std(ddof=1) / np.sqrt(len(r)) for r in residuals])
    pull = sum(float(((r * p) ** 2).sum()) for r, (_, p) in zip(residuals, moved, strict=True))
    of_slope = np.sqrt(pull) / square if square else 0.0
    away = np.array([p.mean() - at for p in one.places])
    fallen = draws.standard_normal((resamples, len(points))) * of_means
    found: Floats = points + fallen - draws.standard_normal((resamples, 1)) * of_slope * away
    return found


def _redrawn(one: Stratum, at: float, draws: np.random.Generator, n_samples: int) -> Floats:
    picked = [draws.integers(len(cell), size=(n_samples, len(cell) - 1)) for cell in one.scores]
    scores = [cell[p] for cell, p in zip(one.scores, picked, strict=True)]
    return means_at(scores, [cell[p] for cell, p in zip(one.places, picked, strict=True)], at)


def _estimate(value: float, resampled: Floats, values: Floats) -> Estimate:
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Estimate(value, float(low), float(high), float(values.std(ddof=1)), len(values))
