"""Several judges on the same items: how far they agree, and how many votes they amount to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import cohen_kappa_score

YES = 0.5


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two judges: share of equal answers, Cohen's kappa, share of yes among all their answers.

    ``kappa`` is None when both give one answer throughout: there is no chance agreement to take off.
    It falls with a prevalence near 0 or 1 however well they agree (Feinstein and Cicchetti 1990), so the
    three stand together.
    """

    judges: tuple[str, str]
    raw: float
    kappa: float | None
    prevalence: float
    n_items: int


@dataclass(frozen=True, slots=True)
class Panel:
    """All judges: agreement of each pair, ``effective_votes`` in [1, k], None where errors do not vary."""

    pairs: tuple[Agreement, ...]
    effective_votes: float | None


def panel_of(truth: ArrayLike, guesses: Mapping[str, ArrayLike]) -> Panel:
    """Return agreement and effective votes of the judges, on items that all of them answered.

    Args:
        truth: 1 where the feature fires, else 0, shape [n_items].
        guesses: P(yes) of each judge on these items, each of shape [n_items].
    """
    votes = {judge: np.asarray(values, dtype=np.float64) >= YES for judge, values in guesses.items()}
    fires = np.asarray(truth, dtype=np.float64) > 0
    pairs = tuple(_agreement(one, other, votes[one], votes[other]) for one, other in combinations(votes, 2))
    return Panel(pairs, effective_votes([vote != fires for vote in votes.values()]))


def effective_votes(errors: Sequence[ArrayLike]) -> float | None:
    """Return k / (1 + (k - 1) r): the independent votes that err together as seldom as these k, from 1 to k.

    r = mean correlation of the judges' errors, pair by pair (Kish 1965, design effect, for votes),
    taken as 0 where it is negative and left out for a judge that never, or always, errs. None
    without two judges whose errors vary. Three judges that make the same mistakes are one judge.
    """
    if len(errors) < 2:
        return None
    found = [r for one, other in combinations(errors, 2) if (r := _correlation(one, other)) is not None]
    if not found:
        return None
    shared = max(0.0, float(np.mean(found)))
    return len(errors) / (1 + (len(errors) - 1) * shared)


def share_of_gain_lost(*, home: float, away: float, chance: float) -> float | None:
    """Return how much of the score above chance is gone under another family's judge: 1 is all of it.

    None when the score at home is not above chance. A label that is right loses little; one that
    speaks a code known to the explainer's own family loses all. Above 1: worse than chance there.
    """
    return (home - away) / (home - chance) if home > chance else None


def _agreement(one: str, other: str, a: NDArray[np.bool_], b: NDArray[np.bool_]) -> Agreement:
    is_one_answer = len({*a.tolist(), *b.tolist()}) < 2
    return Agreement(
        judges=(one, other),
        raw=float((a == b).mean()),
        kappa=None if is_one_answer else float(cohen_kappa_score(a, b)),
        prevalence=float((a.mean() + b.mean()) / 2),
        n_items=len(a),
    )


def _correlation(one: ArrayLike, other: ArrayLike) -> float | None:
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else None
