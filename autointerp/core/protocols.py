"""What the stages expect of one another; no implementation."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from autointerp.core.types import (
    Evidence,
    Explanation,
    Failure,
    FeatureId,
    Labelled,
    Prediction,
    Question,
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
    +1 when higher is better. ``calls`` and ``tokens`` are what one label costs, roughly. ``needs``: some
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
    tokens: int
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
