"""What a generator of steps yields and is sent, where the next question depends on the last answer."""

from dataclasses import dataclass

from autointerp.core.types import Failure, FeatureId, Question, Reply, Window


@dataclass(frozen=True, slots=True)
class Passage:
    """Run the subject on this text; the answer is the whole text as one window with this feature's activations."""

    text: str
    feature: FeatureId


@dataclass(frozen=True, slots=True)
class Embed:
    """Encode this text; the answer is a ``Vector``."""

    text: str


@dataclass(frozen=True, slots=True)
class Vector:
    """A text as numbers, of the same length for every text of one encoder."""

    values: tuple[float, ...]


Step = Question | Passage | Embed
Answer = Reply | Window | Vector | Failure
"""To a question a reply, to a passage a window, to an embed a vector; or why it was not had."""
