"""Sensitivity: does the feature fire on new texts that fit the label, and stay silent on near-misses?

Declared unsolved in Scaling Monosemanticity; arXiv 2509.23717 writes texts as here and finds that it
falls with width; FADE (arXiv 2502.16994) calls it responsiveness.
"""

from collections.abc import Generator, Sequence
from dataclasses import replace

import numpy as np

from autointerp.core.steps import Answer, Passage, Step
from autointerp.core.types import (
    Evidence,
    Failure,
    Labelled,
    Prediction,
    Prompt,
    Question,
    Reason,
    Reply,
    Score,
    Text,
    Window,
)
from autointerp.metrics.classification import auroc
from autointerp.metrics.intervals import auroc_interval, wilson_interval
from autointerp.prompting.files import render
from autointerp.prompting.texts import read_texts
from autointerp.prompting.windows import safe_text
from autointerp.score.cost import estimate_tokens
from autointerp.score.grading import Estimate, blank_prediction, count_items, finish, template, unscored
from autointerp.score.settings import ScoreSettings
from autointerp.score.verdicts import why_unread

FITS, MISSES = "fits", "misses"
TOKENS_A_TEXT = 40
Written = list[str | Reason]
"""A text, or why there is none, for each that was wanted."""


class Sensitivity:
    """A writer writes texts that fit the label and near-misses; the subject is run on them.

    Variant ``above_0`` counts a text as firing when any token is above 0, ``above_0.1`` above a tenth of
    the feature's peak: share of fitting texts that fire (``sensitivity``, whose chance is the share of
    tiles that do), and of near-misses (``false_fire``). ``auroc`` compares the two kinds by their
    strongest token. It says nothing of texts that fit the label and that the writer did not think of.
    """

    name = "sensitivity"
    headline = ("", "auroc")
    chance: float | None = 0.5
    low = 0.0
    high = 1.0
    direction = 1
    uses_label = True
    needs: tuple[str, ...] = ("text", "subject")

    def __init__(self, prompt: Prompt, settings: ScoreSettings) -> None:
        self.prompt = prompt
        self.settings = settings
        n = settings.n_written
        self.calls = 2 + 2 * n
        written = 2 * estimate_tokens(prompt, text=0, answer=n * TOKENS_A_TEXT)
        self.tokens_a_call = (written + 2 * n * TOKENS_A_TEXT) // self.calls

    def steps(self, evidence: Evidence, labelled: Labelled, judge: str) -> Generator[Step, Answer, list[Prediction]]:
        """Have texts of both kinds written and run; return a prediction a text that was wanted.

        Truth is the strongest activation, guess 1 for a text written to fit and 0 for a near-miss; None,
        with its reason, for one that was not written or could not be run.
        """
        make = blank_prediction(evidence, labelled, scorer=self.name, judge=judge)
        predictions = []
        for kind in (FITS, MISSES):
            texts = yield from self._write(labelled, kind)
            for number, text in enumerate(texts):
                peak = text if isinstance(text, Reason) else (yield from _run(text, evidence))
                is_had = not isinstance(peak, Reason)
                predictions.append(
                    make(
                        variant="",
                        item=f"written:{kind}:{number}",
                        truth=0.0 if isinstance(peak, Reason) else peak,
                        guess=float(kind == FITS) if is_had else None,
                        weight=1.0,
                        kind="written",
                        reason=peak if isinstance(peak, Reason) else Reason.SCORED,
                    )
                )
        return predictions

    def grade(self, evidence: Evidence, predictions: Sequence[Prediction]) -> tuple[Score, ...]:
        """Return the AUROC, then both shares above each threshold."""
        score = template(evidence, predictions, scorer=self.name)
        if not predictions:
            few = replace(score, status=Reason.TOO_FEW_EXAMPLES, reason="no text was asked for")
            return tuple(replace(few, variant=v, metric=m) for v, m in self._names())
        whole = finish(score, _compare(predictions), count_items(p.reason for p in predictions), self.settings)
        shares = (
            self._share(evidence, predictions, replace(score, variant=variant), metric)
            for variant, metric in self._names()[1:]
        )
        return (whole, *shares)

    def unscored(
        self, evidence: Evidence, labelled: Labelled | None, *, judge: str, status: Reason, reason: str
    ) -> tuple[Score, ...]:
        """Return every metric without number, for a label that was never had."""
        score = unscored(evidence, labelled, scorer=self.name, judge=judge, status=status, reason=reason)
        return tuple(replace(score, variant=variant, metric=metric) for variant, metric in self._names())

    def _names(self) -> list[tuple[str, str]]:
        shares = ("sensitivity", "false_fire")
        return [("", "auroc"), *((f"above_{f:g}", share) for f in self.settings.fire_fractions for share in shares)]

    def _write(self, labelled: Labelled, kind: str) -> Generator[Step, Answer, Written]:
        """Ask the writer for texts of one kind."""
        n = self.settings.n_written
        label = safe_text(labelled.explanation.text)
        system, prompt = render(self.prompt, label=label, n=n, fits=kind == FITS)
        answer = yield Question(system, prompt, n * 2 * TOKENS_A_TEXT, Text(), role="writer")
        assert isinstance(answer, Reply | Failure), "a question is answered by a reply"
        texts = read_texts(answer.text, n=n) if isinstance(answer, Reply) else ()
        missing: Written = [why_unread(answer)] * (n - len(texts))
        return [*texts, *missing]

    def _share(self, evidence: Evidence, predictions: Sequence[Prediction], score: Score, metric: str) -> Score:
        """Return the share of one kind of texts that fire above the threshold of the score's variant."""
        fraction = float(score.variant.removeprefix("above_"))
        kind = FITS if metric == "sensitivity" else MISSES
        mine = [p for p in predictions if p.item.startswith(f"written:{kind}:")]
        read = [p for p in mine if p.guess is not None]
        # A random tile is the only chance level there is, and only for firing at all.
        chance = evidence.window_density if kind == FITS and fraction == 0 else None
        share = sum(p.truth > fraction * evidence.peak for p in read) / len(read) if read else None
        interval = None if share is None else wilson_interval(share, len(read))
        estimate = Estimate(metric, share, interval, chance, "no text was read")
        return finish(score, estimate, count_items(p.reason for p in mine), self.settings)


def _run(text: str, evidence: Evidence) -> Generator[Step, Answer, float | Reason]:
    """Run the subject on a text; return the feature's largest activation, or why there is none."""
    answer = yield Passage(text, evidence.feature)
    if isinstance(answer, Failure):
        return answer.reason
    assert isinstance(answer, Window), "a passage is answered by a window"
    return answer.peak


def _compare(predictions: Sequence[Prediction]) -> Estimate:
    """Return P(a fitting text fires stronger than a near-miss), ties counted half."""
    read = [p for p in predictions if p.guess is not None]
    fits, peak = np.array([p.guess for p in read], dtype=np.float64), np.array([p.truth for p in read])
    area = auroc(fits, peak)
    n_fits = float(fits.sum())
    interval = None if area is None else auroc_interval(area, n_firing=n_fits, n_silent=len(read) - n_fits)
    return Estimate("auroc", area, interval, 0.5, "only fitting texts or only near-misses were read")
