"""Labels under scorers: their questions, and the answers read and graded."""

from collections.abc import Sequence
from dataclasses import dataclass

from autointerp.core.protocols import Scorer
from autointerp.core.types import Evidence, Failure, Labelled, Prediction, Question, Reason, Reply, Score
from autointerp.pipeline.run import Run
from autointerp.score import SCORERS, prompt_of


@dataclass(frozen=True)
class Item:
    """One label of one feature under one scorer, with its questions."""

    scorer: Scorer
    evidence: Evidence
    labelled: Labelled
    questions: list[Question]


def scorers_of(run: Run) -> list[Scorer]:
    """Return the configured scorers."""
    made = []
    for name in run.config.score.scorers:
        prompt = prompt_of(name, run.score_settings)
        made.append(SCORERS[name](run.prompts[prompt] if prompt else None, run.score_settings))
    return made


def grade_items(
    items: Sequence[Item], replies: Sequence[Reply | Failure], *, judge: str
) -> list[tuple[list[Prediction], tuple[Score, ...]]]:
    """Read every reply and grade every label: pure, so a better parser or metric runs on stored replies for free."""
    remaining = iter(replies)
    graded = []
    for item in items:
        predictions = [
            p for q in item.questions for p in item.scorer.read(item.evidence, item.labelled, judge, q, next(remaining))
        ]
        graded.append((predictions, _grade(item, predictions, judge=judge)))
    return graded


def _grade(item: Item, predictions: Sequence[Prediction], *, judge: str) -> tuple[Score, ...]:
    if predictions:
        return item.scorer.grade(item.evidence, predictions)
    few, reason = Reason.TOO_FEW_EXAMPLES, "too few held-out windows"
    return item.scorer.unscored(item.evidence, item.labelled, judge=judge, status=few, reason=reason)
