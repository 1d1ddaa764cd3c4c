"""Yes-or-no verdicts: from replies to predictions, from predictions to rates on the items and in the population."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import isfinite

import numpy as np

from autointerp.core.types import Evidence, Failure, FloatArray, Prediction, Reason, Reply, Score
from autointerp.metrics.classification import (
    Rates,
    always_yes_f1,
    answer_rates,
    auroc,
    balanced_accuracy,
    population_f1,
    population_precision,
)
from autointerp.metrics.intervals import (
    auroc_interval,
    balanced_accuracy_interval,
    rates_interval,
    wilson_interval,
)
from autointerp.prompting.replies import is_refusal, read_yes_no
from autointerp.score.grading import Estimate, count_items, finish, unread_reason
from autointerp.score.settings import ScoreSettings

OF_ITEMS = ("auroc", "balanced_accuracy")
OF_POPULATION = ("recall", "false_fire", "precision", "f1")


def read_verdict(
    make: Callable[..., Prediction], reply: Reply | Failure, *, item: str, truth: bool, weight: float
) -> Prediction:
    """Return the prediction of one item: P(yes), or 1 or 0 where the judge only wrote its answer."""
    guess = None if isinstance(reply, Failure) else read_probability(reply)
    return make(
        variant="",
        item=item,
        truth=float(truth),
        guess=guess,
        weight=weight,
        kind="" if isinstance(reply, Failure) else reply.kind,
        reason=Reason.SCORED if guess is not None else why_unread(reply),
    )


def why_unread(reply: Reply | Failure) -> Reason:
    """Return why a reply gave no guess: it was not had, declines, or cannot be parsed."""
    return unread_reason(reply, is_refused=isinstance(reply, Reply) and is_refusal(reply.text))


def grade_verdicts(
    evidence: Evidence, predictions: Sequence[Prediction], score: Score, settings: ScoreSettings
) -> list[Score]:
    """Return the metrics in the order of ``OF_ITEMS`` and ``OF_POPULATION``, on what was read."""
    count = count_items(prediction.reason for prediction in predictions)
    key = (str(evidence.feature), score.explanation, score.judge, score.control, score.draw)
    estimates = _estimate(predictions, evidence.window_density, seed=settings.seed, key=key)
    return [finish(score, estimate, count, settings) for estimate in estimates]


def of_each(score: Score, metrics: Sequence[str]) -> tuple[Score, ...]:
    """Return the score without number once for each metric."""
    return tuple(replace(score, metric=metric) for metric in metrics)


def read_probability(reply: Reply) -> float | None:
    """Return P(yes) in [0, 1]; None when the reply holds no answer."""
    if not reply.probabilities:
        return read_yes_no(reply.text)
    row = reply.probabilities[0]
    if len(reply.probabilities) != 1 or len(row) != 2 or not all(isfinite(p) and p >= 0 for p in row):
        return None
    return row[0] / sum(row) if sum(row) > 0 else None


def _estimate(
    predictions: Sequence[Prediction], window_density: float, *, seed: int, key: tuple[object, ...]
) -> list[Estimate]:
    """Return the metrics in their order: two of the items as asked, four of the population."""
    read = [p for p in predictions if p.guess is not None]
    truth, guess = np.array([p.truth for p in read]), np.array([p.guess for p in read], dtype=np.float64)
    weighted = answer_rates(truth, guess, np.array([p.weight for p in read]))
    return [
        *estimate_items(truth, guess),
        _rate("recall", weighted.recall, weighted.n_firing),
        _rate("false_fire", weighted.false_fire, weighted.n_silent),
        *_of_population(weighted, window_density, seed=seed, key=key),
    ]


def estimate_items(truth: FloatArray, guess: FloatArray) -> list[Estimate]:
    """Return AUROC and balanced accuracy, every item counted once."""
    rates, area, accuracy = answer_rates(truth, guess), auroc(truth, guess), balanced_accuracy(truth, guess)
    around = None if area is None else auroc_interval(area, n_firing=rates.n_firing, n_silent=rates.n_silent)
    absent = "only firing or only silent items were read"
    return [
        Estimate("auroc", area, around, 0.5, absent),
        Estimate("balanced_accuracy", accuracy, balanced_accuracy_interval(rates), 0.5, absent),
    ]


def _rate(metric: str, share: float | None, n: float) -> Estimate:
    """Return a population share with Wilson's interval; it has no chance level of its own."""
    interval = None if share is None else wilson_interval(share, n)
    return Estimate(metric, share, interval, None, "no item with weight was read")


def _of_population(rates: Rates, window_density: float, *, seed: int, key: tuple[object, ...]) -> list[Estimate]:
    """Return precision and F1 at the true base rate of firing tiles."""
    precision = partial(population_precision, window_density=window_density)
    f1 = partial(population_f1, window_density=window_density)
    has_both = rates.recall is not None and rates.false_fire is not None
    return [
        Estimate(
            name,
            statistic(rates.recall, rates.false_fire) if has_both else None,  # type: ignore[arg-type]
            rates_interval(rates, statistic, seed=seed, key=(name, *key)),
            chance,
            absent if has_both else "only firing or only silent items were read",
        )
        for name, statistic, chance, absent in (
            ("precision", precision, window_density, "no item was answered yes"),
            ("f1", f1, always_yes_f1(window_density), "the density is 0"),
        )
    ]
