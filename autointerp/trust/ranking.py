"""How well scores put labels in their true order: the figures of a certificate, over ladders."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autointerp.core.types import FloatArray
from autointerp.metrics.classification import auroc
from autointerp.metrics.intervals import Interval, auroc_interval, bootstrap_interval
from autointerp.trust.ladders import Ladder, Step

NEIGHBOURS = ("too_broad", "too_narrow")
Scored = tuple[tuple[Step, float], ...]
"""The labels of one ladder that have a score."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95% interval."""

    value: float
    low: float
    high: float


def scored_steps(ladder: Ladder, values: Mapping[str, float]) -> Scored:
    """Return the steps with a value; nothing unless the exact label and a truly worse one have one."""
    scored = tuple((step, values[step.explanation]) for step in ladder.steps if step.explanation in values)
    worth = {step.f1 for step, _ in scored}
    has_exact = any(step.rung == "exact" for step, _ in scored)
    return scored if has_exact and len(worth) > 1 else ()


def ladder_tau(scored: Scored, *, resolution: float) -> float | None:
    """Return Kendall's tau-b between score and true F1 in [-1, 1].

    F1 is rounded to *resolution* first: labels whose truth differs by less have no order to find.
    0 when all scores are equal, for a judge that says the same of every label ranks nothing; None
    when all truths are, for then there is nothing to rank.
    """
    truth = [round(step.f1 / resolution) for step, _ in scored]
    values = [value for _, value in scored]
    if len(set(truth)) < 2:
        return None
    if len(set(values)) < 2:
        return 0.0
    from scipy.stats import kendalltau  # a second to load

    return float(kendalltau(truth, values).statistic)


def is_exact_first(scored: Scored, *, resolution: float) -> bool:
    """Return whether the exact label scores above every label that is truly worse."""
    exact, best = next((step, value) for step, value in scored if step.rung == "exact")
    rivals = [value for step, value in scored if round(step.f1 / resolution) < round(exact.f1 / resolution)]
    return all(best > value for value in rivals)


def is_exact_above_neighbours(scored: Scored, *, resolution: float) -> bool | None:
    """Return whether the exact label scores above the too broad and the too narrow one; None unless both were asked.

    A neighbour that is worth as much as the exact label on these texts is not compared; None if neither is worth less.
    """
    if not {step.rung for step, _ in scored}.issuperset(NEIGHBOURS):
        return None
    exact, best = next((step, value) for step, value in scored if step.rung == "exact")
    worth = round(exact.f1 / resolution)
    rivals = [value for step, value in scored if step.rung in NEIGHBOURS and round(step.f1 / resolution) < worth]
    return all(best > value for value in rivals) if rivals else None


def mean_tau(taus: Sequence[float], *, seed: int, key: tuple[object, ...]) -> Figure | None:
    """Return the mean tau with a bootstrap over ladders; None without ladders.

    The interval also holds the bootstrap with one more ladder at tau = 0 among them (a
    pseudo-observation, as in Agresti and Coull 1998): a few perfect ladders do not prove certainty,
    and drawing them again would give an interval of width 0. With six perfect ladders it begins at 0.57.
    """
    if not taus:
        return None
    value = float(np.mean(taus))
    plain = bootstrap_interval(len(taus), _mean_of(taus), seed=seed, key=(*key, "tau"))
    cautious = bootstrap_interval(len(taus) + 1, _mean_of([*taus, 0.0]), seed=seed, key=(*key, "tau+"))
    # Fewer than three ladders say nothing about the others.
    return _figure(value, [plain, cautious]) if len(taus) >= 3 else Figure(value, -1.0, 1.0)


def right_against_wrong(
    ladders: Sequence[Scored], *, wrong_below: float, seed: int, key: tuple[object, ...]
) -> Figure | None:
    """Return the AUROC of exact labels against labels of F1 < *wrong_below*, scores pooled over features.

    The interval is the wider of the bootstrap over features and Newcombe's for as many labels: when
    every right label is above every wrong one, drawing features again cannot tell eight from eighty.
    None without wrong labels.
    """
    truth, value, owner = _right_and_wrong(ladders, wrong_below)
    area = auroc(truth, value)
    if area is None:
        return None

    def resampled(counts: FloatArray) -> FloatArray:
        found = [auroc(truth, value, row[owner]) for row in counts]
        return np.array([np.nan if one is None else one for one in found])

    by_feature = bootstrap_interval(len(ladders), resampled, seed=seed, key=(*key, "auroc"))
    n_right = float(truth.sum())
    by_number = auroc_interval(area, n_firing=n_right, n_silent=len(truth) - n_right)
    return _figure(area, [by_feature, by_number])


def _right_and_wrong(
    ladders: Sequence[Scored], wrong_below: float
) -> tuple[FloatArray, FloatArray, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Return is-right, score and number of the ladder, each shape [n_labels]."""
    rows = [
        (step.rung == "exact", value, number)
        for number, scored in enumerate(ladders)
        for step, value in scored
        if step.rung == "exact" or step.f1 < wrong_below
    ]
    right, value, owner = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(right, dtype=np.float64), np.array(value, dtype=np.float64), np.array(owner, dtype=np.int64)


def _mean_of(values: Sequence[float]) -> Callable[[FloatArray], FloatArray]:
    array = np.asarray(values, dtype=np.float64)

    def statistic(counts: FloatArray) -> FloatArray:
        means: FloatArray = counts @ array / counts.sum(axis=1)
        return means

    return statistic


def _figure(value: float, intervals: Sequence[Interval | None]) -> Figure:
    """Return the value with an interval that holds it and all given."""
    there = [interval for interval in intervals if interval]
    return Figure(value, min([value, *(low for low, _ in there)]), max([value, *(high for _, high in there)]))
