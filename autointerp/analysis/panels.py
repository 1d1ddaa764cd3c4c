"""Several judges on the same windows of the same labels by one scorer: agreement, and the votes they amount to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from autointerp.analysis.estimates import FEW_FEATURES
from autointerp.analysis.human import QUESTION, WINDOW_SCORERS
from autointerp.analysis.votes import Ranged, by_feature, cohen_kappa, over_features, phi, ranged, raw_agreement
from autointerp.core.types import FloatArray
from autointerp.metrics.intervals import wilson_interval
from autointerp.trust.panel import YES, Agreement, panel_of


@dataclass(frozen=True, slots=True)
class JudgesBeside:
    """Two judges, or all of more than two, on windows of the run's own labels that each of them answered.

    ``raw``, ``kappa`` and ``prevalence`` (share of yes) are of two and None of more; ``kappa`` is None also
    where both gave one answer throughout. ``votes``: how many independent judges err together as seldom, from
    1 to the number of judges; None where errors do not vary. Intervals are of 95%, over features, None where
    there is none to be had.
    """

    scorer: str
    variant: str
    judges: tuple[str, ...]
    raw: Ranged | None
    kappa: Ranged | None
    prevalence: float | None
    votes: Ranged | None
    n_items: int
    n_features: int

    @property
    def is_few(self) -> bool:
        """Whether the intervals are of so few features that they are too narrow."""
        return self.n_features < FEW_FEATURES


def judges_beside(predictions: pd.DataFrame, *, seed: int = 0) -> tuple[JudgesBeside, ...]:
    """Return every pair of judges that answered the same, by scorer and variant, then all of more than two together.

    Empty with one judge. Windows count as they were sampled, unweighted.
    """
    mine = predictions["scorer"].isin(WINDOW_SCORERS) & (predictions["control"] == "none")
    read = predictions[mine & predictions["guess"].notna()]
    groups = read.groupby(["scorer", "variant"], sort=True)
    return tuple(
        found
        for (scorer, variant), rows in groups
        for judges in _panels(sorted(rows["judge"].astype(str).unique()))
        for found in _beside(rows, (str(scorer), str(variant)), judges, seed)
    )


def _panels(judges: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield each pair, then all judges where there are more than two."""
    yield from combinations(judges, 2)
    if len(judges) > 2:
        yield tuple(judges)


def _beside(rows: pd.DataFrame, scored: tuple[str, str], judges: tuple[str, ...], seed: int) -> Iterator[JudgesBeside]:
    """Yield how the judges stand beside each other; nothing where no window was answered by all of them."""
    both = _answered_by_all(rows, judges)
    if both.empty:
        return
    fires = both["truth"].to_numpy(np.float64) > 0
    guesses = [both[number].to_numpy(np.float64) for number in range(len(judges))]
    panel = panel_of(fires, dict(zip(judges, guesses, strict=True)))
    errors = [_pair_tables(both, (one >= YES) != fires, (two >= YES) != fires) for one, two in combinations(guesses, 2)]
    about = (*scored, *judges)
    said = _pair_tables(both, *(guess >= YES for guess in guesses)) if len(judges) == 2 else None
    raw, kappa = (None, None) if said is None else _agreement(panel.pairs[0], said, seed, about)
    yield JudgesBeside(
        *scored,
        judges,
        raw=raw,
        kappa=kappa,
        prevalence=panel.pairs[0].prevalence if said is not None else None,
        votes=ranged(panel.effective_votes, _votes_interval(errors, len(judges), seed, about)),
        n_items=len(both),
        n_features=len(errors[0]),
    )


def _answered_by_all(rows: pd.DataFrame, judges: Sequence[str]) -> pd.DataFrame:
    """Return a row an item that all of them answered: ``QUESTION``, truth, and the guess of each under its number."""
    numbers = {judge: number for number, judge in enumerate(judges)}
    mine = rows[rows["judge"].isin(judges)].assign(number=lambda frame: frame["judge"].map(numbers).astype(int))
    table = mine.pivot_table(index=[*QUESTION, "truth"], columns="number", values="guess", aggfunc="first")
    return table.dropna().reset_index()


def _agreement(
    pair: Agreement, said: FloatArray, seed: int, about: Sequence[str]
) -> tuple[Ranged | None, Ranged | None]:
    """Return raw agreement and kappa of two judges with their intervals."""
    raw = over_features(said, raw_agreement, seed, ("raw", *about)) or wilson_interval(pair.raw, len(said))
    return ranged(pair.raw, raw), ranged(pair.kappa, over_features(said, cohen_kappa, seed, ("kappa", *about)))


def _pair_tables(rows: pd.DataFrame, one: np.ndarray, two: np.ndarray) -> FloatArray:
    """Return counts of (no no, no yes, yes no, yes yes) by feature, shape [n_features, 4]."""
    return by_feature(rows, 2 * one.astype(np.int64) + two, 4)


def _votes_interval(
    errors: Sequence[FloatArray], n_judges: int, seed: int, about: Sequence[str]
) -> tuple[float, float] | None:
    """Return the interval of ``trust.panel.effective_votes`` over features drawn again; 4 counts a pair and feature."""

    def votes(cells: FloatArray) -> FloatArray:
        found = np.stack([phi(cells[:, 4 * i : 4 * i + 4]) for i in range(len(errors))])
        known = ~np.isnan(found)
        n = known.sum(axis=0)
        shared = np.divide(np.where(known, found, 0.0).sum(axis=0), n, out=np.full(len(n), np.nan), where=n > 0)
        value: FloatArray = n_judges / (1 + (n_judges - 1) * np.maximum(0.0, shared))
        return value

    return over_features(np.hstack(errors), votes, seed, ("votes", *about))
