"""Embedding: is the label nearer to texts that fire than to silent ones? No model is asked (Paulo et al. 2024)."""

from collections.abc import Generator, Sequence
from dataclasses import replace

import numpy as np

from autointerp.core.steps import Answer, Embed, Step, Vector
from autointerp.core.types import Evidence, Failure, Labelled, Prediction, Reason, Reply, Score, Window
from autointerp.score.cost import estimate_tokens
from autointerp.score.grading import blank_prediction, count_items, finish, template, unscored
from autointerp.score.settings import ScoreSettings
from autointerp.score.tiles import choose_items, lacks_tiles
from autointerp.score.verdicts import estimate_items, of_each

METRIC = "auroc"
NO_LABEL = "(no description)"


class Embedding:
    """Cosine of the label's vector with every held-out tile's, by a sentence encoder: cheap, and blind to grammar."""

    name = "embedding"
    headline = ("", METRIC)
    chance: float | None = 0.5
    low = 0.0
    high = 1.0
    direction = 1
    uses_label = True
    needs: tuple[str, ...] = ("encoder",)

    def __init__(self, settings: ScoreSettings) -> None:
        self.settings = settings
        self.calls = 1 + settings.n_expected
        self.tokens_a_call = estimate_tokens(None, answer=0)

    def steps(self, evidence: Evidence, labelled: Labelled, judge: str) -> Generator[Step, Answer, list[Prediction]]:
        """Encode the label, then each tile; return a prediction a tile, whose guess is the cosine, -1 to 1."""
        if lacks_tiles(evidence, self.settings):
            return []
        make = blank_prediction(evidence, labelled, scorer=self.name, judge=judge)
        label = yield from _encode(labelled.explanation.text or NO_LABEL)
        predictions = []
        for sample in choose_items(evidence):
            text = yield from _encode(sample.window.text)
            guess, reason = _compare(label, text)
            predictions.append(
                make(
                    variant="",
                    item=sample.window.item,
                    truth=float(sample.window.is_firing),
                    guess=guess,
                    weight=sample.weight,
                    kind="cosine",
                    reason=reason,
                )
            )
        return predictions

    def grade(self, evidence: Evidence, predictions: Sequence[Prediction]) -> tuple[Score, ...]:
        """Return the AUROC: a cosine has no threshold, so nothing else can be said of it."""
        score = template(evidence, predictions, scorer=self.name)
        lacks = lacks_tiles(evidence, self.settings)
        if lacks or not predictions:
            few = replace(score, status=Reason.TOO_FEW_EXAMPLES, reason=lacks or "nothing was asked")
            return of_each(few, (METRIC,))
        read = [p for p in predictions if p.guess is not None]
        truth, guess = np.array([p.truth for p in read]), np.array([p.guess for p in read], dtype=np.float64)
        count = count_items(p.reason for p in predictions)
        return (finish(score, estimate_items(truth, guess)[0], count, self.settings),)

    def unscored(
        self, evidence: Evidence, labelled: Labelled | None, *, judge: str, status: Reason, reason: str
    ) -> tuple[Score, ...]:
        """Return the score without number, for a label that was never had."""
        score = unscored(evidence, labelled, scorer=self.name, judge=judge, status=status, reason=reason)
        return of_each(score, (METRIC,))


def _encode(text: str) -> Generator[Step, Answer, Vector | Failure]:
    answer = yield Embed(text)
    assert not isinstance(answer, Reply | Window), "an embed is answered by a vector"
    return answer


def _compare(one: Vector | Failure, other: Vector | Failure) -> tuple[float | None, Reason]:
    """Return the cosine, or why there is none; a vector without length points nowhere."""
    for answer in (one, other):
        if isinstance(answer, Failure):
            return None, answer.reason
    assert isinstance(one, Vector)
    assert isinstance(other, Vector)
    a, b = np.array(one.values), np.array(other.values)
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    value = float(a @ b) / length if length > 0 else np.nan
    return (value, Reason.SCORED) if np.isfinite(value) else (None, Reason.UNDEFINED)
