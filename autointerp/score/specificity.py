"""Specificity: how cleanly does the label name what is marked, 0 to 3, over the whole range of activations?

Scaling Monosemanticity, "assessing interpretability": the distribution of the rubric's score within bins
of activation. Ours is the wording of the rubric.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isfinite

import numpy as np

from autointerp.core.types import (
    About,
    Digits,
    Evidence,
    Failure,
    FloatArray,
    Labelled,
    Prediction,
    Prompt,
    Question,
    Reason,
    Reply,
    Score,
)
from autointerp.metrics.classification import effective_number
from autointerp.metrics.correlation import expected_value
from autointerp.metrics.intervals import bootstrap_interval, wilson_interval
from autointerp.prompting.files import render
from autointerp.prompting.replies import read_digits
from autointerp.prompting.windows import MARKS, safe_text
from autointerp.score.cost import estimate_tokens
from autointerp.score.grading import Estimate, blank_prediction, count_items, finish, template, unscored
from autointerp.score.marking import MISPLACED, Marked, choose_marked
from autointerp.score.settings import ScoreSettings
from autointerp.score.tiles import choose_items, lacks_tiles
from autointerp.score.verdicts import estimate_items, why_unread

LARGEST = 3
N_BINS = 4
SILENT = "silent"
VARIANTS = (SILENT, *(f"bin:{number}" for number in range(N_BINS)))
SHARES = tuple(f"share_of_{number}" for number in range(LARGEST + 1))


class Specificity:
    """One question a marked tile, firing ones over all strengths and silent ones whose marks say nothing.

    Variant ``bin:0`` holds tiles whose peak is in the lowest quarter of the feature's range, ``bin:3``
    in the highest; each has the mean of the rubric and the share of each of its steps, tiles by their
    inclusion weights. The variant without name has the AUROC of firing against silent tiles by rubric,
    and the mean over firing tiles, whose ``chance`` is the mean over silent ones.
    """

    name = "specificity"
    headline = ("", "auroc")
    chance: float | None = 0.5
    low = 0.0
    high = 1.0
    direction = 1
    uses_label = True
    needs: tuple[str, ...] = ("digits",)

    def __init__(self, prompt: Prompt, settings: ScoreSettings) -> None:
        self.prompt = prompt
        self.settings = settings
        self.calls = settings.n_expected
        self.tokens_a_call = estimate_tokens(prompt)

    def questions(self, evidence: Evidence, labelled: Labelled) -> list[Question]:
        """Return one question a marked tile in keyed order; none when there are too few examples."""
        if lacks_tiles(evidence, self.settings):
            return []
        marked = [m for m in choose_marked(evidence, self.settings) if not m.item.endswith(f":{MISPLACED}")]
        return [self._question(evidence, labelled.explanation.text, m) for m in marked]

    def read(
        self, evidence: Evidence, labelled: Labelled, judge: str, question: Question, reply: Reply | Failure
    ) -> list[Prediction]:
        """Return one prediction: truth is the tile's peak, guess the expected step of the rubric, 0 to 3."""
        assert question.about is not None, "specificity questions say what they are about"
        item = question.about.item
        sample = next(s for s in choose_items(evidence) if s.window.item == item)
        guess = None if isinstance(reply, Failure) else _read_step(reply)
        make = blank_prediction(evidence, labelled, scorer=self.name, judge=judge)
        return [
            make(
                variant="",
                item=item,
                truth=sample.window.peak,
                guess=guess,
                weight=sample.weight,
                kind="" if isinstance(reply, Failure) else reply.kind,
                reason=Reason.SCORED if guess is not None else why_unread(reply),
            )
        ]

    def grade(self, evidence: Evidence, predictions: Sequence[Prediction]) -> tuple[Score, ...]:
        """Return AUROC and mean over all strengths, then mean and shares of each bin."""
        score = template(evidence, predictions, scorer=self.name)
        lacks = lacks_tiles(evidence, self.settings)
        if lacks or not predictions:
            few = replace(score, status=Reason.TOO_FEW_EXAMPLES, reason=lacks or "nothing was asked")
            return tuple(_named(few))
        whole = self._grade_whole(predictions, score)
        return (*whole, *(found for name in VARIANTS for found in self._grade_bin(evidence, predictions, score, name)))

    def unscored(
        self, evidence: Evidence, labelled: Labelled | None, *, judge: str, status: Reason, reason: str
    ) -> tuple[Score, ...]:
        """Return every metric of every variant without number, for a label never put to the judge."""
        return tuple(_named(unscored(evidence, labelled, scorer=self.name, judge=judge, status=status, reason=reason)))

    def _question(self, evidence: Evidence, label: str, marked: Marked) -> Question:
        settings, (opening, closing) = self.settings, MARKS
        system, prompt = render(
            self.prompt,
            label=safe_text(label, forbidden=MARKS),
            text=marked.text(),
            opening=opening,
            closing=closing,
            after=settings.after,
            placeholder=settings.placeholder,
        )
        about = About(evidence.feature, marked.item, label, marked.window, self.name, marked=marked.places)
        wants = Digits(1, settings.placeholder, settings.after, LARGEST)
        return Question(system, prompt, 1, wants, about=about)

    def _grade_whole(self, predictions: Sequence[Prediction], score: Score) -> list[Score]:
        read = [p for p in predictions if p.guess is not None]
        count = count_items(p.reason for p in predictions)
        truth, guess = np.array([float(p.truth > 0) for p in read]), np.array([p.guess for p in read], np.float64)
        silent = _mean([p for p in read if p.truth == 0], seed=0, key=()).value
        mean = _mean([p for p in read if p.truth > 0], seed=self.settings.seed, key=_key(score))
        found = [estimate_items(truth, guess)[0], replace(mean, chance=silent)]
        return [finish(score, estimate, count, self.settings) for estimate in found]

    def _grade_bin(
        self, evidence: Evidence, predictions: Sequence[Prediction], score: Score, variant: str
    ) -> Iterator[Score]:
        mine = [p for p in predictions if _bin_of(p.truth, evidence.peak) == variant]
        read = [p for p in mine if p.guess is not None]
        estimates = [_mean(read, seed=self.settings.seed, key=(variant, *_key(score))), *_shares(read)]
        count = count_items(p.reason for p in mine)
        for estimate in estimates:
            yield finish(replace(score, variant=variant), estimate, count, self.settings)


def _named(score: Score) -> Iterator[Score]:
    """Yield the score without number under every variant and metric."""
    yield from (replace(score, metric=metric) for metric in ("auroc", "mean"))
    for variant in VARIANTS:
        yield from (replace(score, variant=variant, metric=metric) for metric in ("mean", *SHARES))


def _bin_of(peak: float, largest: float) -> str:
    """Return the variant a tile with this peak belongs to."""
    return f"bin:{min(int(N_BINS * peak / largest), N_BINS - 1)}" if peak > 0 else SILENT


def _mean(read: Sequence[Prediction], *, seed: int, key: tuple[object, ...]) -> Estimate:
    """Return the weighted mean of the rubric, 0 to 3, with a bootstrap over tiles."""
    weight, guess = np.array([p.weight for p in read]), np.array([p.guess for p in read], dtype=np.float64)
    if not weight.sum() > 0:
        return Estimate("mean", None, None, None, "no tile of this strength was read")

    def resampled(counts: FloatArray) -> FloatArray:
        total = counts @ weight
        return np.where(total > 0, counts @ (weight * guess) / np.where(total > 0, total, 1.0), np.nan)

    value = float(weight @ guess / weight.sum())
    return Estimate("mean", value, bootstrap_interval(len(read), resampled, seed=seed, key=key), None)


def _shares(read: Sequence[Prediction]) -> Iterator[Estimate]:
    """Yield the weighted share of each step of the rubric, expected steps rounded."""
    weight = np.array([p.weight for p in read])
    step = np.array([int(float(p.guess or 0.0) + 0.5) for p in read])
    for number, metric in enumerate(SHARES):
        if not weight.sum() > 0:
            yield Estimate(metric, None, None, None, "no tile of this strength was read")
            continue
        share = float(weight[step == number].sum() / weight.sum())
        yield Estimate(metric, share, wilson_interval(share, effective_number(weight)), None)


def _key(score: Score) -> tuple[object, ...]:
    return (str(score.feature), score.explanation, score.judge, score.control, score.draw)


def _read_step(reply: Reply) -> float | None:
    """Return the expected step, 0 to 3; None when the reply holds no answer."""
    if not reply.probabilities:
        written = read_digits(reply.text, count=1, scale=LARGEST)
        return float(written[0]) if written else None
    row = reply.probabilities[0]
    if len(reply.probabilities) != 1 or len(row) != LARGEST + 1 or not all(isfinite(p) and p >= 0 for p in row):
        return None
    return expected_value(row)
