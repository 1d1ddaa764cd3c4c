"""What the stages expect of one another; no implementation."""

from collections.abc import Generator, Iterator, Sequence
from typing import Protocol

from autointerp.core.steps import Answer, Step
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
    Window,
)


class LLM(Protocol):
    """Anything that answers questions; the only asynchronous protocol."""

    name: str
    """``provider:model``, as written in the configuration and stored as ``judge`` or ``model``."""

    async def answer(self, question: Question) -> Reply:
        """Return the reply. Raises AskFailed for this question, ProviderUnavailable for all."""
        ...


class ActivationStore(Protocol):
    """Where windows come from: a harvest or a zoo."""

    def features(self) -> Iterator[FeatureId]: ...

    def windows(self, feature: FeatureId) -> Iterator[Window]: ...


class Explainer(Protocol):
    """Writes a label. ``question`` returns None when no model is needed; then ``read`` gets no reply."""

    name: str

    def question(self, evidence: Evidence) -> Question | None: ...

    def read(self, evidence: Evidence, reply: Reply | None) -> Explanation | Failure: ...


class Scorer(Protocol):
    """Ask, read, grade: no I/O.

    ``headline``: the (variant, metric) it is read by, of which ``chance``, ``low``, ``high`` and
    ``direction`` speak; ``chance`` is None when a worthless label has no fixed score, ``direction`` is
    +1 when higher is better. ``calls`` questions a label at most and
    ``tokens_a_call`` tokens of each, roughly, are for estimates before anything is asked. ``needs``: some
    of ``digits``, ``yes_no``, ``text``, ``subject``, ``encoder``. ``uses_label`` is False where the
    feature itself is judged, whatever its label.
    """

    name: str
    headline: tuple[str, str]
    chance: float | None
    low: float
    high: float
    direction: int
    calls: int
    tokens_a_call: int
    uses_label: bool
    needs: tuple[str, ...]

    def questions(self, evidence: Evidence, labelled: Labelled) -> list[Question]:
        """Return the questions in a fixed order; none means too few examples."""
        ...

    def read(
        self, evidence: Evidence, labelled: Labelled, judge: str, question: Question, reply: Reply | Failure
    ) -> list[Prediction]:
        """Return one prediction an item, also for what could not be read (guess None with a reason)."""
        ...

    def grade(self, evidence: Evidence, predictions: Sequence[Prediction]) -> tuple[Score, ...]:
        """Return one score a metric and variant from the predictions of one label, judge, control and draw."""
        ...

    def unscored(
        self, evidence: Evidence, labelled: Labelled | None, *, judge: str, status: Reason, reason: str
    ) -> tuple[Score, ...]:
        """Return every score of ``grade`` without a number; *labelled* is None where no label was had."""
        ...


class StepExplainer(Protocol):
    """Writes a label by steps: one that asks again, or that tries its labels on the select side."""

    name: str

    def steps(self, evidence: Evidence) -> Generator[Step, Answer, Explanation | Failure]:
        """Yield one step at a time, be sent its answer, and return the label."""
        ...


class StepScorer(Protocol):
    """Asks and reads by steps, for it needs the subject, an encoder, or an answer before the next question.

    The attributes are those of ``Scorer``; ``calls`` counts steps.
    """

    name: str
    headline: tuple[str, str]
    chance: float | None
    low: float
    high: float
    direction: int
    calls: int
    tokens_a_call: int
    uses_label: bool
    needs: tuple[str, ...]

    def steps(self, evidence: Evidence, labelled: Labelled, judge: str) -> Generator[Step, Answer, list[Prediction]]:
        """Yield one step at a time, be sent its answer, and return one prediction an item, read or not."""
        ...

    def grade(self, evidence: Evidence, predictions: Sequence[Prediction]) -> tuple[Score, ...]:
        """Return one score a metric and variant, as a ``Scorer`` does: stored predictions are graded again for free."""
        ...

    def unscored(
        self, evidence: Evidence, labelled: Labelled | None, *, judge: str, status: Reason, reason: str
    ) -> tuple[Score, ...]:
        """Return every score of ``grade`` without a number; *labelled* is None where no label was had."""
        ...
