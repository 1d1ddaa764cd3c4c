"""Detection: does this text contain what the label says? (Paulo et al. 2024, section 3; one item a question)"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import isfinite

import numpy as np

from autointerp.core.types import (
    About,
    Evidence,
    Failure,
    FloatArray,
    Labelled,
    Prediction,
    Prompt,
    Question,
    Reason,
    Reply,
    Sample,
    Score,
    YesNo,
)
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
from autointerp.prompting.files import render
from autointerp.prompting.replies import is_refusal, read_yes_no
from autointerp.prompting.windows import plain_text, safe_text
from autointerp.score.grading import (
    Estimate,
    blank_prediction,
    count_items,
    few_examples,
    finish,
    template,
    unread_reason,
    unscored,
)
from autointerp.score.settings import ScoreSettings

TEXT_ENDS = ("<text>", "</text>")
METRICS = ("auroc", "balanced_accuracy", "recall", "false_fire", "precision", "f1")


class Detection:
    """One question a held-out tile; the judge sees the label and the text, no mark, count or strength."""

    name = "detection"
    chance: float | None = 0.5
    low = 0.0
    high = 1.0
    direction = 1
    tokens_a_call = 220
    needs: tuple[str, ...] = ("yes_no",)

    def __init__(self, prompt: Prompt, settings: ScoreSettings) -> None:
        self.prompt = prompt
        self.settings = settings
        self.calls = settings.n_expected

    def questions(self, evidence: Evidence, labelled: Labelled) -> list[Question]:
        """Return one question a tile in the order of their names; none when there are too few examples."""
        if self._lacks(evidence):
            return []
        label = safe_text(labelled.explanation.text, forbidden=TEXT_ENDS)
        return [self._question(evidence, labelled, label, sample) for sample in choose_items(evidence)]

    def read(
        self, evidence: Evidence, labelled: Labelled, judge: str, question: Question, reply: Reply | Failure
    ) -> list[Prediction]:
        """Return one prediction: P(yes), or 1 or 0 where the judge only wrote its answer."""
        assert question.about is not None, "detection questions say what they are about"
        sample = next(s for s in choose_items(evidence) if s.window.item == question.about.item)
        guess = None if isinstance(reply, Failure) else _read_probability(reply)
        refused = isinstance(reply, Reply) and is_refusal(reply.text)
        make = blank_prediction(evidence, labelled, scorer=self.name, judge=judge)
        return [
            make(
                variant="",
                item=sample.window.item,
                truth=float(sample.window.is_firing),
                guess=guess,
                weight=sample.weight,
                kind="" if isinstance(reply, Failure) else reply.kind,
                reason=Reason.SCORED if guess is not None else unread_reason(reply, is_refused=refused),
            )
        ]

    def grade(self, evidence: Evidence, predictions: Sequence[Prediction]) -> tuple[Score, ...]:
        """Return one score for each of ``METRICS``, graded on what was read."""
        score = template(evidence, predictions, scorer=self.name)
        lacks = self._lacks(evidence)
        if lacks or not predictions:
            few = replace(score, status=Reason.TOO_FEW_EXAMPLES, reason=lacks or "nothing was asked")
            return tuple(replace(few, metric=metric) for metric in METRICS)
        count = count_items(prediction.reason for prediction in predictions)
        key = (str(evidence.feature), score.explanation, score.judge, score.control, score.draw)
        estimates = _estimate(predictions, evidence.window_density, seed=self.settings.seed, key=key)
        return tuple(finish(score, estimate, count, self.settings) for estimate in estimates)

    def unscored(
        self, evidence: Evidence, labelled: Labelled | None, *, judge: str, status: Reason, reason: str
    ) -> tuple[Score, ...]:
        """Return one score without number for each of ``METRICS``, for a label never put to the judge."""
        score = unscored(evidence, labelled, scorer=self.name, judge=judge, status=status, reason=reason)
        return tuple(replace(score, metric=metric) for metric in METRICS)

    def _question(self, evidence: Evidence, labelled: Labelled, label: str, sample: Sample) -> Question:
        text = plain_text(sample.window, forbidden=TEXT_ENDS)
        system, prompt = render(self.prompt, label=label, text=text)
        about = About(evidence.feature, sample.window.item, labelled.explanation.text, sample.window, self.name)
        return Question(system, prompt, self.settings.max_tokens, YesNo(), about=about)

    def _lacks(self, evidence: Evidence) -> str:
        """Return what is missing for a score; empty when nothing is."""
        kinds = {sample.window.is_firing for sample in choose_items(evidence)}
        absent = " or ".join(name for name, fires in (("firing", True), ("silent", False)) if fires not in kinds)
        return few_examples(evidence, self.settings) or (f"no {absent} held-out window" if absent else "")


def choose_items(evidence: Evidence) -> list[Sample]:
    """Return the held-out tiles, each once, by name; halves that only complete a pair are left out."""
    tiles = {s.window.item: s for s in reversed(evidence.held_out) if s.stratum != "neighbour"}
    return [tiles[item] for item in sorted(tiles)]


def _read_probability(reply: Reply) -> float | None:
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
    """Return the metrics in the order of ``METRICS``: two of the items as asked, four of the population."""
    read = [p for p in predictions if p.guess is not None]
    truth, guess = np.array([p.truth for p in read]), np.array([p.guess for p in read], dtype=np.float64)
    weighted = answer_rates(truth, guess, np.array([p.weight for p in read]))
    return [
        *_of_items(truth, guess),
        _rate("recall", weighted.recall, weighted.n_firing),
        _rate("false_fire", weighted.false_fire, weighted.n_silent),
        *_of_population(weighted, window_density, seed=seed, key=key),
    ]


def _of_items(truth: FloatArray, guess: FloatArray) -> list[Estimate]:
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
