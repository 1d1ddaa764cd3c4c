"""Proportions set right for a judge's known errors; not for AUROC or F1."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from autointerp.core.draws import generator
from autointerp.core.types import FloatArray, Reason
from autointerp.metrics.classification import Rates

LEAST_SUM = 1.3
"""Sensitivity + specificity below which nothing is decided (PROTOCOLS, section 4)."""
N_DRAWS = 4000


@dataclass(frozen=True, slots=True)
class Anchors:
    """Answers on texts of known truth: *hits* yes of *n_firing*, *rejections* no of *n_silent*."""

    hits: int
    n_firing: int
    rejections: int
    n_silent: int

    @property
    def sensitivity(self) -> float:
        return self.hits / self.n_firing

    @property
    def specificity(self) -> float:
        return self.rejections / self.n_silent


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A share in [0, 1] with its 95% interval; all None exactly when *status* is not scored.

    ``uncut``: the same before it is cut to [0, 1]. Means over features are taken of these: a share of
    0.02 cut at 0 whenever noise takes it below is 0.03 on average.
    """

    value: float | None
    low: float | None
    high: float | None
    status: Reason
    uncut: float | None = None


def rogan_gladen(share: float, *, sensitivity: float, specificity: float) -> float | None:
    """Return (p + q0 - 1) / (q0 + q1 - 1), the true share behind the share answered yes, not cut to [0, 1].

    Rogan and Gladen 1978 (q1 = sensitivity, q0 = specificity). None when q0 + q1 < 1.3: the judge
    knows too little, and errors of the anchors would be blown up more than threefold.

    >>> round(rogan_gladen(0.5, sensitivity=0.8, specificity=0.8), 6)
    0.5
    """
    informed = sensitivity + specificity - 1
    if informed < LEAST_SUM - 1 - 1e-9:
        return None
    return (share + specificity - 1) / informed


def calibrate_share(n_yes: int, n: int, anchors: Anchors, *, seed: int, key: tuple[object, ...]) -> Calibrated:
    """Return the true share behind *n_yes* of *n* answers; the interval holds the anchors' uncertainty too.

    The formula's bias (``_ratio_bias``) is taken off. For the interval the three proportions are drawn
    from their Jeffreys posteriors Beta(k + 1/2, n - k + 1/2), then percentiles; draws from a judge no
    better than chance count as not knowing: 0 and 1 by turns.
    """
    if min(n, anchors.n_firing, anchors.n_silent) < 1:
        return Calibrated(None, None, None, Reason.TOO_FEW_EXAMPLES)
    random = generator(seed, "calibrate_share", *key)
    drawn = random.beta(n_yes + 0.5, n - n_yes + 0.5, size=N_DRAWS)
    return _calibrated(n_yes / n, drawn, anchors, random)


def calibrate_mean(shares: ArrayLike, anchors: Anchors, *, seed: int, key: tuple[object, ...]) -> Calibrated:
    """Return the true share behind the mean over features of shares answered yes, with its 95% interval.

    As ``calibrate_share``, but the features are the units that are drawn again (bootstrap), together with the
    anchors' posteriors. Where all features have one share, or there are fewer than 3, the mean is drawn from
    Beta(K mean + 1/2, K (1 - mean) + 1/2), as if each of the K features were one answer: wide, as it must be.

    Args:
        shares: Of each feature the share of its windows answered yes, in [0, 1], shape [K].
        anchors: What the judge is known by.
        seed: With *key*, decides the draws.
        key: Plain values that name what is calibrated.
    """
    each = np.asarray(shares, dtype=np.float64)
    if min(each.size, anchors.n_firing, anchors.n_silent) < 1:
        return Calibrated(None, None, None, Reason.TOO_FEW_EXAMPLES)
    random = generator(seed, "calibrate_mean", *key)
    return _calibrated(float(each.mean()), _drawn_means(each, random), anchors, random)


def calibrated_rates(rates: Rates, anchors: Anchors) -> Rates | None:
    """Return recall and false fire set right for the judge's errors, each cut to [0, 1].

    F1 and precision of these are the corrected ones: F1 itself is no proportion. None when the judge
    knows too little, or a rate is missing.
    """
    if rates.recall is None or rates.false_fire is None:
        return None
    found = [
        rogan_gladen(share, sensitivity=anchors.sensitivity, specificity=anchors.specificity)
        for share in (rates.recall, rates.false_fire)
    ]
    recall, false_fire = (None if one is None else min(1.0, max(0.0, one)) for one in found)
    return None if recall is None else Rates(recall, false_fire, rates.n_firing, rates.n_silent)


def _ratio_bias(share: float, anchors: Anchors) -> float:
    """Return by how much the formula is too large on average: it divides by an estimate.

    (share var(q0 + q1) - var(q0)) / (q0 + q1 - 1)^2, the second-order term of a ratio (Cochran 1977,
    Sampling Techniques, section 6.8). With a hundred anchors of each kind it is 0.01 and less.
    """
    q1, q0 = anchors.sensitivity, anchors.specificity
    of_q1, of_q0 = q1 * (1 - q1) / anchors.n_firing, q0 * (1 - q0) / anchors.n_silent
    return (share * (of_q1 + of_q0) - of_q0) / (q0 + q1 - 1) ** 2


def _calibrated(share: float, drawn: FloatArray, anchors: Anchors, random: np.random.Generator) -> Calibrated:
    """Return the true share behind *share*; *drawn* are draws of it, shape [N_DRAWS]."""
    plain = rogan_gladen(share, sensitivity=anchors.sensitivity, specificity=anchors.specificity)
    if plain is None:
        return Calibrated(None, None, None, Reason.UNDECIDABLE)
    uncut = plain - _ratio_bias(plain, anchors)
    value = min(1.0, max(0.0, uncut))
    low, high = np.quantile(_true_shares(drawn, anchors, random), [0.025, 0.975])
    return Calibrated(value, float(min(low, value)), float(max(high, value)), Reason.SCORED, uncut)


def _drawn_means(shares: FloatArray, random: np.random.Generator) -> FloatArray:
    """Return means over features drawn again, shape [N_DRAWS]."""
    k, mean = shares.size, float(shares.mean())
    if k < 3 or np.ptp(shares) == 0:
        return random.beta(k * mean + 0.5, k * (1 - mean) + 0.5, size=N_DRAWS)
    counts = random.multinomial(k, np.full(k, 1 / k), size=N_DRAWS)
    means: FloatArray = counts @ shares / k
    return means


def _true_shares(drawn: FloatArray, anchors: Anchors, random: np.random.Generator) -> FloatArray:
    """Return draws of the true share, shape [N_DRAWS], in [0, 1], from draws of the share answered yes."""
    q1, q0 = (
        random.beta(k + 0.5, total - k + 0.5, size=N_DRAWS)
        for k, total in ((anchors.hits, anchors.n_firing), (anchors.rejections, anchors.n_silent))
    )
    informed = q0 + q1 - 1
    unknown = np.arange(N_DRAWS) % 2
    shares: FloatArray = np.where(informed > 0, (drawn + q0 - 1) / np.where(informed > 0, informed, 1.0), unknown)
    return np.clip(shares, 0.0, 1.0)
