"""Labels under scorers: what is put to the judge, and the answers read and graded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from autointerp.core.protocols import Scorer, StepScorer
from autointerp.core.types import (
    Evidence,
    Explanation,
    Failure,
    FeatureId,
    Labelled,
    Prediction,
    Question,
    Reason,
    Reply,
    Score,
)
from autointerp.pipeline.run import Run
from autointerp.score import SCORERS, STEP_PROMPTS, STEP_SCORERS, prompt_of
from autointerp.score.sequential import Sequential

Graded = tuple[list[Prediction], tuple[Score, ...]]
"""The predictions of one label under one scorer, and what they come to."""

Pair = tuple[Evidence, Labelled]

GRADED_KINDS = frozenset({"decisions", "logprob", "prompt_logprob", "verbalised"})
"""How a judge can give a graded answer, see ``Reply.kind``."""


@dataclass(frozen=True)
class Item:
    """One label of one feature under one scorer, with its questions."""

    scorer: Scorer
    evidence: Evidence
    labelled: Labelled
    questions: list[Question]


@dataclass(frozen=True)
class Trial:
    """Which scorers test the labels, with which judge; ``suffix`` tells apart the parts that hold what came of it."""

    scorers: tuple[str, ...]
    judge: str
    suffix: str = ""

    def part(self, chunk: str) -> str:
        """Return the name of the parts of a chunk."""
        return chunk + self.suffix


def configured(run: Run) -> Trial:
    """Return what the run's configuration says."""
    return Trial(run.config.score.scorers, run.config.score.judge)


def scorers_of(run: Run, names: Iterable[str] | None = None) -> list[Scorer]:
    """Return those of the named scorers (the configured ones) that ask all their questions at once."""
    made = []
    for name in run.config.score.scorers if names is None else names:
        if name in SCORERS:
            prompt = prompt_of(name, run.score_settings)
            made.append(SCORERS[name](run.prompts[prompt] if prompt else None, run.score_settings))
    return made


def step_scorers_of(run: Run, names: Iterable[str]) -> list[StepScorer]:
    """Return those of the named scorers that go by steps."""
    made = []
    for name in names:
        if name in STEP_SCORERS:
            prompt = STEP_PROMPTS[name]
            made.append(STEP_SCORERS[name](run.prompts[prompt] if prompt else None, run.score_settings))
    return made


def examined_of(run: Run) -> list[Scorer]:
    """Return the configured scorers that a judge is examined with: they ask about labels, and can ask all at once.

    ``sequential`` comes to the same verdict from all answers as from those up to its decision. Other
    scorers by steps ask a writer or an encoder beside the judge, or in its place.
    """
    by_steps = step_scorers_of(run, run.config.score.scorers)
    at_once: list[Scorer] = [*scorers_of(run), *(s for s in by_steps if isinstance(s, Sequential))]
    return [scorer for scorer in at_once if scorer.uses_label]


def judge_of(run: Run, scorer: Scorer | StepScorer, judge: str) -> str:
    """Return who stands as judge in the tables: an encoder, or the writer of texts, where the judge is not asked."""
    if "encoder" in scorer.needs:
        return f"encoder:{run.config.score.encoder}"
    if "subject" in scorer.needs:
        return run.config.score.writer or run.config.explain.model
    return judge


def without_label(feature: FeatureId) -> Labelled:
    """Return what stands for the label where the feature itself is judged; such a scorer is asked once a feature."""
    text = "(the feature itself, without a label)"
    return Labelled(Explanation(feature, text, explainer="control:unlabelled", model="none"))


def pairs_for(scorer: Scorer | StepScorer, labels: Sequence[Pair], evidence: Sequence[Evidence]) -> Sequence[Pair]:
    """Return what the scorer is to judge: every label, or every feature once."""
    return labels if scorer.uses_label else [(e, without_label(e.feature)) for e in evidence]


def grade_items(items: Sequence[Item], replies: Sequence[Reply | Failure], *, judge: str) -> list[Graded]:
    """Read every reply and grade every label: pure, so a better parser or metric runs on stored replies for free."""
    remaining = iter(replies)
    graded = []
    for item in items:
        predictions = [
            p for q in item.questions for p in item.scorer.read(item.evidence, item.labelled, judge, q, next(remaining))
        ]
        graded.append((predictions, grade_one(item.scorer, item.evidence, item.labelled, predictions, judge=judge)))
    return graded


def grade_one(
    scorer: Scorer | StepScorer,
    evidence: Evidence,
    labelled: Labelled,
    predictions: Sequence[Prediction],
    *,
    judge: str,
) -> tuple[Score, ...]:
    """Return the scores of one label; unscored where nothing was asked."""
    if predictions:
        return grade_known(scorer, evidence, predictions)
    few, reason = Reason.TOO_FEW_EXAMPLES, "too few held-out windows"
    return scorer.unscored(evidence, labelled, judge=judge, status=few, reason=reason)


def grade_known(
    scorer: Scorer | StepScorer, evidence: Evidence, predictions: Sequence[Prediction]
) -> tuple[Score, ...]:
    """Return the scores of one label from its predictions, without a number where kinds of answer are mixed.

    A probability read from a distribution and one that was written down are not on one scale (a server
    that was changed between two attempts gives both): pooled, they rank windows by kind.
    """
    scores = scorer.grade(evidence, predictions)
    kinds = sorted({p.kind for p in predictions if p.guess is not None} & GRADED_KINDS)
    if len(kinds) < 2:
        return scores
    reason = f"answers of kinds {' and '.join(kinds)} are not pooled; ask again with one kind"
    empty = {"value": None, "low": None, "high": None, "status": Reason.UNDECIDABLE, "reason": reason}
    return tuple(replace(score, **empty) for score in scores)  # type: ignore[arg-type]
