"""Trying labels on the select side, which neither wrote them nor will score them."""

from collections.abc import Generator
from dataclasses import replace

from autointerp.core.protocols import Scorer
from autointerp.core.steps import Answer, Step
from autointerp.core.types import Evidence, Explanation, Failure, Labelled, Prediction, Question, Reply

JUDGE = "select"
"""What stands as judge in these predictions, which are not kept."""


def on_select(evidence: Evidence) -> Evidence:
    """Return the evidence with the select side in the place of the held-out one, which is gone.

    Choosing on the held-out side would raise its score by itself: .75 to .80 with five labels (PROTOCOLS,
    section 2).
    """
    return replace(evidence, select=(), held_out=evidence.select)


def ask_for_text(question: Question) -> Generator[Step, Answer, Reply | Failure]:
    """Ask the explaining model; return its reply, or why there is none."""
    answer = yield replace(question, role="explainer")
    assert isinstance(answer, Reply | Failure), "a question is answered by a reply"
    return answer


def predict_on_select(
    scorer: Scorer, evidence: Evidence, explanation: Explanation
) -> Generator[Step, Answer, list[Prediction]]:
    """Put a label to the judge on the select side; return the predictions, none with too few examples there."""
    tried, labelled = on_select(evidence), Labelled(explanation)
    predictions: list[Prediction] = []
    for question in scorer.questions(tried, labelled):
        answer = yield replace(question, role="judge")
        assert isinstance(answer, Reply | Failure), "a question is answered by a reply"
        predictions += scorer.read(tried, labelled, JUDGE, question, answer)
    return predictions


def headline_value(scorer: Scorer, evidence: Evidence, predictions: list[Prediction]) -> float | None:
    """Return the scorer's main figure, larger is better; None when it is unscored."""
    if not predictions:
        return None
    for score in scorer.grade(on_select(evidence), predictions):
        if (score.variant, score.metric) == scorer.headline:
            return None if score.value is None else score.value * scorer.direction
    return None
