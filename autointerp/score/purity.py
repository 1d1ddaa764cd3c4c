"""Purity: of the text on which the feature fires, how much fits the label? (FADE, arXiv 2502.16994)"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autointerp.core.types import Evidence, Prediction, Reason, Score
from autointerp.metrics.classification import answer_rates, effective_number
from autointerp.metrics.intervals import wilson_interval
from autointerp.score.detection import Detection
from autointerp.score.grading import Estimate, count_items, finish, template
from autointerp.score.tiles import choose_items, lacks_tiles

METRIC = "purity"
YES = 0.5


class Purity(Detection):
    """Detection's questions to the last letter (their replies serve both), graded the other way round.

    Variant ``above_0`` is over all firing tiles, ``above_0.5`` over those above half the feature's
    peak: the share that the judge finds to fit, tiles by their inclusion weights. ``chance`` is the share
    of all text that fits, by the same judge: what a feature that fires anywhere would have.
    """

    name = "purity"
    headline = ("above_0", METRIC)
    chance: float | None = None

    def grade(self, evidence: Evidence, predictions: Sequence[Prediction]) -> tuple[Score, ...]:
        """Return the share above each threshold, graded on what was read."""
        score = replace(template(evidence, predictions, scorer=self.name), metric=METRIC)
        lacks = lacks_tiles(evidence, self.settings)
        if lacks or not predictions:
            few = replace(score, status=Reason.TOO_FEW_EXAMPLES, reason=lacks or "nothing was asked")
            return self.of_each(few)
        peaks = {sample.window.item: sample.window.peak for sample in choose_items(evidence)}
        chance = _share_of_text(evidence, predictions)
        made = []
        for fraction, variant in zip(self.settings.purity_fractions, self._variants(), strict=True):
            mine = [p for p in predictions if p.truth > 0 and peaks[p.item] > fraction * evidence.peak]
            estimate = replace(_share_that_fits(mine), chance=chance)
            made.append(
                finish(replace(score, variant=variant), estimate, count_items(p.reason for p in mine), self.settings)
            )
        return tuple(made)

    def of_each(self, score: Score) -> tuple[Score, ...]:
        """Return the score without number for each threshold."""
        return tuple(replace(score, variant=variant, metric=METRIC) for variant in self._variants())

    def _variants(self) -> list[str]:
        return [f"above_{fraction:g}" for fraction in self.settings.purity_fractions]


def _share_that_fits(predictions: Sequence[Prediction]) -> Estimate:
    """Return the weighted share answered yes."""
    read = [p for p in predictions if p.guess is not None]
    weight = np.array([p.weight for p in read])
    if not weight.sum() > 0:
        return Estimate(METRIC, None, None, None, "no tile of this strength was read")
    yes = np.array([(p.guess or 0.0) >= YES for p in read])
    share = float(np.clip(weight[yes].sum() / weight.sum(), 0.0, 1.0))
    return Estimate(METRIC, share, wilson_interval(share, effective_number(weight)), None)


def _share_of_text(evidence: Evidence, predictions: Sequence[Prediction]) -> float | None:
    """Return the share of all tiles answered yes, at the true base rate of firing ones; None without both kinds."""
    read = [p for p in predictions if p.guess is not None]
    if not read:
        return None
    rates = answer_rates([p.truth for p in read], [p.guess or 0.0 for p in read], [p.weight for p in read])
    if rates.recall is None or rates.false_fire is None:
        return None
    return evidence.window_density * rates.recall + (1 - evidence.window_density) * rates.false_fire
