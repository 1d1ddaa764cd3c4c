"""A score's change between two dictionaries, shared out over what became of their features."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autointerp.analysis.estimates import CELLS_AT_ONCE, RESAMPLES, Estimate, Floats, estimate_mean
from autointerp.analysis.matching import KINDS
from autointerp.core.draws import generator

ALL = "all"


@dataclass(frozen=True, slots=True)
class Part:
    """What the features of one kind add to the change; ``all`` is the change itself.

    Means are None where the dictionary has no scored feature of the kind. ``change.n`` counts features of both.
    """

    kind: str
    n_narrow: int
    n_wide: int
    mean_narrow: float | None
    mean_wide: float | None
    change: Estimate


@dataclass(frozen=True, slots=True)
class _Sums:
    """Counts and sums of values by kind, [..., n_kinds], of one dictionary's features or of draws of them."""

    counts: Floats
    values: Floats

    @property
    def n(self) -> Floats:
        n: Floats = self.counts.sum(axis=-1, keepdims=True)
        return n

    @property
    def mean(self) -> Floats:
        mean: Floats = self.values.sum(axis=-1, keepdims=True) / self.n
        return mean

    def above(self, level: Floats) -> Floats:
        """Return what each kind adds to the mean above *level*."""
        added: Floats = (self.values - level * self.counts) / self.n
        return added


def decompose_change(
    narrow: pd.DataFrame,
    wide: pd.DataFrame,
    *,
    seed: int = 0,
    about: Sequence[object] = (),
    resamples: int = RESAMPLES,
) -> tuple[Part, ...]:
    """Return one part a kind of which features were scored, in the order of ``KINDS``, and ``all``: their sum.

    A kind adds the sum of (score - c) / n over its features in the wide dictionary less that in the narrow one,
    n being all scored features of the dictionary and c the midpoint of the two means: so novel features count
    as far as they differ from what was there, and a kind that only grows or shrinks by average features adds
    nothing. The parts add up to the change exactly, for any c.

    Intervals: 95% percentile bootstrap; features of each dictionary are redrawn by themselves. Matched features
    are alike in both, so that the interval of theirs is too wide rather than too narrow: see ``paired_change``.
    Nothing where a dictionary has no scored feature; no interval where one has a single one.

    Args:
        narrow: One row a scored feature: ``value`` (finite) and ``kind``.
        wide: The same of the other dictionary.
        seed: Seed of the run.
        about: What is estimated; with the seed it decides the draws.
        resamples: Bootstrap draws.
    """
    if narrow.empty or wide.empty:
        return ()
    values = _parts(_once(narrow), _once(wide))
    draws = None
    if min(len(narrow), len(wide)) > 1:
        draws = _drawn_parts(narrow, wide, generator(seed, "change", *about), resamples)
    kinds = [kind for kind in (*KINDS, ALL) if len(_of(narrow, kind)) + len(_of(wide, kind))]
    return tuple(_part(kind, narrow, wide, values, draws) for kind in kinds)


def _part(kind: str, narrow: pd.DataFrame, wide: pd.DataFrame, values: Floats, draws: Floats | None) -> Part:
    before, after, place = _of(narrow, kind), _of(wide, kind), (*KINDS, ALL).index(kind)
    return Part(
        kind=kind,
        n_narrow=len(before),
        n_wide=len(after),
        mean_narrow=_mean(before),
        mean_wide=_mean(after),
        change=_estimate(float(values[place]), None if draws is None else draws[:, place], len(before) + len(after)),
    )


def _of(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    return frame if kind == ALL else frame[frame["kind"] == kind]


def _estimate(value: float, draws: Floats | None, n: int) -> Estimate:
    if draws is None:
        return Estimate(value, None, None, None, n)
    low, high = np.quantile(draws, [0.025, 0.975])
    return Estimate(value, float(low), float(high), float(draws.std(ddof=1)), n)


def paired_change(narrow: pd.DataFrame, wide: pd.DataFrame, matches: pd.DataFrame, *, seed: int = 0) -> Estimate:
    """Return the mean difference wide - narrow over matched pairs of which both were scored.

    Args:
        narrow: One row a scored feature: ``feature`` and ``value``.
        wide: The same of the other dictionary.
        matches: As ``match_features`` returns them.
        seed: Seed of the run.
    """
    pairs = matches[matches["kind"] == "matched"].astype({"parent": int, "child": int})
    both = pairs.merge(narrow[["feature", "value"]], left_on="parent", right_on="feature")
    both = both.merge(wide[["feature", "value"]], left_on="child", right_on="feature", suffixes=("_narrow", "_wide"))
    differences = (both["value_wide"] - both["value_narrow"]).to_numpy(np.float64)
    return estimate_mean(differences, seed=seed, about=("paired change",))


def _mean(frame: pd.DataFrame) -> float | None:
    return float(frame["value"].mean()) if len(frame) else None


def _parts(narrow: _Sums, wide: _Sums) -> Floats:
    """Return each kind's part of the change and the change, [..., n_kinds + 1]."""
    middle = (narrow.mean + wide.mean) / 2
    parts = wide.above(middle) - narrow.above(middle)
    return np.concatenate([parts, wide.mean - narrow.mean], axis=-1)


def _once(frame: pd.DataFrame) -> _Sums:
    found = _sums(frame, np.ones((1, len(frame))))
    return _Sums(found.counts[0], found.values[0])


def _sums(frame: pd.DataFrame, times: NDArray[np.floating]) -> _Sums:
    """Return the sums of features drawn so many *times* each, [n_draws, n_features]."""
    is_kind = (frame["kind"].to_numpy()[:, None] == np.array(KINDS)).astype(np.float64)
    values = frame["value"].to_numpy(np.float64)[:, None]
    return _Sums(times @ is_kind, times @ (is_kind * values))


def _drawn_parts(narrow: pd.DataFrame, wide: pd.DataFrame, draws: np.random.Generator, resamples: int) -> Floats:
    """Return the parts of each bootstrap draw, [resamples, n_kinds + 1]."""
    size = max(1, CELLS_AT_ONCE // (len(narrow) + len(wide)))
    pieces = [min(size, resamples - done) for done in range(0, resamples, size)]
    return np.concatenate([_parts(_drawn(narrow, draws, n), _drawn(wide, draws, n)) for n in pieces])


def _drawn(frame: pd.DataFrame, draws: np.random.Generator, n_draws: int) -> _Sums:
    n = len(frame)
    return _sums(frame, draws.multinomial(n, np.full(n, 1 / n), size=n_draws).astype(np.float64))
