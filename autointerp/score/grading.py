"""From predictions to scores: what all scorers share."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from autointerp.core.types import Evidence, Failure, Labelled, Prediction, Reason, Reply, Score
from autointerp.metrics.intervals import Interval
from autointerp.score.settings import ScoreSettings


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric's value and interval, or why it is undefined; ``chance`` is what a worthless label gets."""

    metric: str
    value: float | None
    interval: Interval | None
    chance: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """Items asked and read, and why the others were not read, most often first."""

    n_asked: int
    n_read: int
    reasons: tuple[Reason, ...] = ()


def few_examples(evidence: Evidence, settings: ScoreSettings) -> str:
    """Return why the feature has too few held-out examples; empty when it has enough."""
    if evidence.n_available < settings.min_available:
        return f"{evidence.n_available} held-out firing windows available, {settings.min_available} needed"
    return ""


def blank_prediction(evidence: Evidence, labelled: Labelled, *, scorer: str, judge: str) -> Callable[..., Prediction]:
    """Return a maker of predictions that differ only in variant, item, truth, guess, weight, kind and reason."""

    def make(**fields: object) -> Prediction:
        return Prediction(
            feature=evidence.feature,
            explanation=labelled.explanation.key,
            scorer=scorer,
            judge=judge,
            control=labelled.control,
            draw=labelled.draw,
            **fields,  # type: ignore[arg-type]
        )

    return make


def unread_reason(reply: Reply | Failure, *, is_refused: bool) -> Reason:
    """Return why a reply gave no guess."""
    if isinstance(reply, Failure):
        return reply.reason
    return Reason.JUDGE_REFUSED if is_refused else Reason.PARSE_FAILED


def count_items(reasons: Iterable[Reason]) -> Count:
    """Return the counts of items from the reason of each."""
    tally = Counter(reasons)
    n_read = tally.pop(Reason.SCORED, 0)
    missed = sorted(tally, key=lambda reason: (-tally[reason], reason.value))
    return Count(n_read + tally.total(), n_read, tuple(missed))


def template(evidence: Evidence, predictions: Sequence[Prediction], *, scorer: str) -> Score:
    """Return an unscored score with the names the predictions share.

    Without predictions those are empty: the caller knows what it would have asked (``unscored``).
    """
    names = {(p.explanation, p.scorer, p.judge, p.control, p.draw) for p in predictions}
    assert len(names) <= 1, f"predictions of {len(names)} labels, judges, controls or draws are not one score"
    explanation, _, judge, control, draw = next(iter(names), ("", scorer, "", "none", 0))
    return _empty_score(evidence, explanation, scorer=scorer, judge=judge, control=control, draw=draw)


def unscored(
    evidence: Evidence, labelled: Labelled | None, *, scorer: str, judge: str, status: Reason, reason: str
) -> Score:
    """Return a score without number, metric and variant; *labelled* is None where no label was had."""
    score = _empty_score(
        evidence,
        labelled.explanation.key if labelled else "",
        scorer=scorer,
        judge=judge,
        control=labelled.control if labelled else "none",
        draw=labelled.draw if labelled else 0,
    )
    return replace(score, status=status, reason=reason)


def finish(score: Score, estimate: Estimate, count: Count, settings: ScoreSettings) -> Score:
    """Return the score of one metric: the estimate, or the reason why too little was read."""
    score = replace(score, metric=estimate.metric, chance=estimate.chance, n_asked=count.n_asked, n_read=count.n_read)
    if count.n_read == 0 or count.n_read < settings.min_fraction_read * count.n_asked:
        status = count.reasons[0] if count.reasons else Reason.TOO_FEW_EXAMPLES
        return replace(score, status=status, reason=f"{count.n_read} of {count.n_asked} read")
    if estimate.value is None:
        return replace(score, status=Reason.UNDEFINED, reason=estimate.reason)
    low, high = estimate.interval or (None, None)
    return replace(score, value=estimate.value, low=low, high=high, status=Reason.SCORED, reason="")


def _empty_score(evidence: Evidence, explanation: str, *, scorer: str, judge: str, control: str, draw: int) -> Score:
    return Score(
        feature=evidence.feature,
        explanation=explanation,
        scorer=scorer,
        variant="",
        judge=judge,
        control=control,
        draw=draw,
        metric="",
        value=None,
        low=None,
        high=None,
        chance=None,
        n_asked=0,
        n_read=0,
        status=Reason.PENDING,
    )
