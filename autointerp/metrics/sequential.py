"""Asking until it is decided: tests of a label that may be looked at after every answer.

A label is good when the judge is right about it on a share of at least ``good`` of the items, bad
below ``bad``; between lies the zone where either answer will do. Items come in a keyed order, so that
each answer is right with the same probability; or firing and silent ones in turns, and then it is
looked after whole pairs alone (``decide``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
from scipy.special import betaln, logsumexp

from autointerp.metrics.intervals import Interval


class Verdict(StrEnum):
    """What the answers so far say of a label."""

    GOOD = "good"
    BAD = "bad"
    OPEN = "open"
    UNDECIDABLE = "undecidable"


@dataclass(frozen=True, slots=True)
class SequentialSettings:
    """What is tested and when to give up; numbers are our choice.

    ``bad`` < ``good`` bound the indifference zone; each error has probability at most ``alpha``,
    however often one looks. ``max_items``: after so many without a decision the label is undecidable.
    ``good_bets``, ``bad_bets``: accuracies the tests bet on, in equal shares; the nearer a bet is to the
    truth, the sooner it wins, and losing bets cost at most log(number of bets) / gain items.
    """

    bad: float = 0.6
    good: float = 0.8
    alpha: float = 0.05
    max_items: int = 120
    good_bets: tuple[float, ...] = (0.8, 0.95)
    bad_bets: tuple[float, ...] = (0.6, 0.45)

    @classmethod
    def between(cls, bad: float, good: float, *, alpha: float, max_items: int) -> "SequentialSettings":
        """Return the test with bets on the zone's edges, three quarters of the way to 1 and a quarter of that to 0."""
        bets = (good, 1 - (1 - good) / 4), (bad, 0.75 * bad)
        return cls(bad, good, alpha, max_items, good_bets=bets[0], bad_bets=bets[1])

    def __post_init__(self) -> None:
        is_ordered = 0 < self.bad < self.good < 1 and min(self.good_bets) > self.bad and max(self.bad_bets) < self.good
        if not is_ordered or not 0 < self.alpha < 1:
            msg = f"sequential: need 0 < bad < good < 1, bets on the right side and alpha in (0, 1); got {self}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict after *n* answers of which *n_right* were right, with an interval valid at any time."""

    verdict: Verdict
    n: int
    n_right: int
    interval: Interval


def log_wealth(n_right: int, n: int, *, null: float, bets: Sequence[float]) -> float:
    """Return the log of an e-process against "accuracy is *null*, or on its far side from the bets".

    The mean over bets q of (q / null)^right ((1 - q) / (1 - null))^wrong: what 1 has become that was
    bet on q at fair odds. Under the null hypothesis it is a supermartingale that starts at 1, so
    P(it ever reaches 1 / alpha) <= alpha (Ville 1939; Ramdas, Grunwald, Vovk and Shafer 2023,
    "Game-theoretic statistics and safe anytime-valid inference", Statistical Science 38:576; with one
    bet it is Wald's likelihood ratio of 1945).
    """
    q = np.asarray(bets)
    gains = n_right * np.log(q / null) + (n - n_right) * np.log((1 - q) / (1 - null))
    return float(logsumexp(gains) - np.log(len(q)))


def decide(right: Sequence[bool], settings: SequentialSettings | None = None, *, every: int = 1) -> Decision:
    """Return the decision after these answers, in the order they came; the first crossing stands.

    Later answers do not undo a decision: an answer asked after it is not looked at.

    Args:
        right: Whether each answer was right.
        settings: The test.
        every: Looked at after each so many answers, the rest left out; 2 where two kinds of items come in
            turns. A bet's wealth grows over a pair by (1 + c d)(1 + c e), where d and e are what either
            kind's accuracy lies above the null; that is at most (1 + c (d + e) / 2)^2, so under the null the
            wealth seen is a supermartingale however unlike the two are. After half a pair it is not.
    """
    settings = settings or SequentialSettings()
    n, n_right, verdict = 0, 0, Verdict.OPEN
    for n_next in range(every, min(len(right), settings.max_items) + 1, every):
        n_right += sum(right[n:n_next])
        n, verdict = n_next, verdict_of(n_right, n_next, settings)
        if verdict is not Verdict.OPEN:
            break
    return Decision(verdict, n, n_right, confidence_sequence(n_right, n, alpha=settings.alpha))


@lru_cache(maxsize=1 << 14)
def verdict_of(n_right: int, n: int, settings: SequentialSettings) -> Verdict:
    """Return what *n_right* of *n* answers say, had nothing been decided before."""
    edge = -np.log(settings.alpha)
    if log_wealth(n_right, n, null=settings.bad, bets=settings.good_bets) >= edge:
        return Verdict.GOOD
    if log_wealth(n_right, n, null=settings.good, bets=settings.bad_bets) >= edge:
        return Verdict.BAD
    return Verdict.UNDECIDABLE if n >= settings.max_items else Verdict.OPEN


def confidence_sequence(n_right: int, n: int, *, alpha: float = 0.05) -> Interval:
    """Return the accuracies not yet ruled out, in [0, 1]; holds the truth at all times at once with 1 - alpha.

    Those p whose beta-binomial e-process B(right + 1/2, wrong + 1/2) / B(1/2, 1/2) / p^right (1 - p)^wrong
    is below 1 / alpha (Robbins 1970, "Statistical methods related to the law of the iterated logarithm").
    Wider than a fixed-size interval: it may be looked at after every answer.
    """
    from scipy.optimize import brentq  # here and below: a second to load, which most who import this never need

    wrong = n - n_right
    evidence = betaln(n_right + 0.5, wrong + 0.5) - betaln(0.5, 0.5) + np.log(alpha)

    def slack(p: float) -> float:
        return float(n_right * np.log(p) + wrong * np.log1p(-p) - evidence)

    tiny, middle = 1e-12, min(max(n_right / n, 1e-9), 1 - 1e-9) if n else 0.5
    low = 0.0 if n_right == 0 else brentq(slack, tiny, middle)
    high = 1.0 if wrong == 0 else brentq(slack, middle, 1 - tiny)
    return float(low), float(high)


# ---- operating characteristics


@dataclass(frozen=True, slots=True)
class Course:
    """How a test ends at one true accuracy: probabilities of each verdict, and answers needed on average."""

    good: float
    bad: float
    undecidable: float
    mean_items: float


def course_at(accuracy: float, settings: SequentialSettings | None = None) -> Course:
    """Return the test's fate at one true accuracy, exactly: all paths of counts are followed, none is drawn."""
    settings = settings or SequentialSettings()
    alive = np.array([1.0])
    ends = dict.fromkeys(Verdict, 0.0)
    mean_items = 0.0
    for n in range(1, settings.max_items + 1):
        mean_items += alive.sum()
        alive = np.append(alive * (1 - accuracy), 0.0) + np.append(0.0, alive * accuracy)
        for n_right in np.flatnonzero(alive):
            verdict = verdict_of(int(n_right), n, settings)
            if verdict is not Verdict.OPEN:
                ends[verdict] += float(alive[n_right])
                alive[n_right] = 0.0
    return Course(ends[Verdict.GOOD], ends[Verdict.BAD], ends[Verdict.UNDECIDABLE], float(mean_items))


def fixed_size(settings: SequentialSettings | None = None) -> tuple[int, int]:
    """Return (n, least number right to be called good) of the smallest fixed design with both errors <= alpha."""
    from scipy.stats import binom

    settings = settings or SequentialSettings()
    n = 1
    while True:
        edges = np.arange(n + 2)
        fits = (binom.sf(edges - 1, n, settings.bad) <= settings.alpha) & (
            binom.cdf(edges - 1, n, settings.good) <= settings.alpha
        )
        if fits.any():
            return n, int(np.flatnonzero(fits)[0])
        n += 1


def error_at(accuracy: float, course: Course, settings: SequentialSettings | None = None) -> float:
    """Return the probability of a wrong decision, 0 inside the indifference zone."""
    settings = settings or SequentialSettings()
    if accuracy <= settings.bad:
        return course.good
    return course.bad if accuracy >= settings.good else 0.0
