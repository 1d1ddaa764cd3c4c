"""The values that travel between stages: frozen, validated when built, free of I/O.

All of them are imported from here; those of features and windows are defined in ``core.evidence``.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from autointerp.core.draws import content_key
from autointerp.core.evidence import SIDES as SIDES
from autointerp.core.evidence import Evidence as Evidence
from autointerp.core.evidence import FeatureId as FeatureId
from autointerp.core.evidence import Sample as Sample
from autointerp.core.evidence import TokenStat as TokenStat
from autointerp.core.evidence import Window as Window


class Reason(StrEnum):
    """Why something has no number; a closed list."""

    SCORED = "scored"
    DEAD = "dead"
    TOO_FEW_EXAMPLES = "too_few_examples"
    NOT_SAMPLED = "not_sampled"
    EXPLAIN_FAILED = "explain_failed"
    EXPLAIN_REFUSED = "explain_refused"
    JUDGE_REFUSED = "judge_refused"
    PARSE_FAILED = "parse_failed"
    PROVIDER_ERROR = "provider_error"
    TIMEOUT = "timeout"
    BUDGET_STOPPED = "budget_stopped"
    CANCELLED = "cancelled"
    UNDEFINED = "undefined"
    UNDECIDABLE = "undecidable"
    PENDING = "pending"


# ---- questions and replies


@dataclass(frozen=True, slots=True)
class Text:
    """The reply is text."""


@dataclass(frozen=True, slots=True)
class YesNo:
    """The reply is P(yes) / (P(yes) + P(no)) at the first token of the answer."""


@dataclass(frozen=True, slots=True)
class Digits:
    """The reply is a distribution over 0..``scale`` in place of every ``placeholder`` of the prompt.

    ``count`` placeholders stand after the last line of the prompt that equals ``after`` (the items
    before it are examples). scale = 9 reads one-digit tokens; scale = 10 needs "10" as one token.
    ``follows``: the digit would stand behind the placeholder, which then is a mere separator.
    """

    count: int
    placeholder: str
    after: str
    scale: int
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Json:
    """The reply is text that is one JSON object fitting ``schema`` (a JSON Schema, itself written as JSON)."""

    schema: str


Wants = Text | YesNo | Digits | Json


@lru_cache(maxsize=1024)
def _written(wants: Wants) -> str:
    """Return what is wanted as it stands in keys; a run has few kinds and millions of questions."""
    return repr(wants)


@dataclass(frozen=True, slots=True)
class About:
    """What a question is about, for bookkeeping and for oracle judges; never shown to a judge, not in the key.

    ``marked``: the positions of the window whose tokens are marked. ``options``: the windows to choose from.
    """

    feature: FeatureId
    item: str
    label: str = ""
    window: Window | None = None
    scorer: str = ""
    marked: tuple[int, ...] = ()
    options: tuple[Window, ...] = ()


@dataclass(frozen=True)
class Question:
    """What is asked of a language model. ``key`` hashes everything that decides the reply.

    ``kinds``: the kinds of graded answer the asker can do with, none named for any; a judge that has
    only others refuses before anything is spent. It decides whether, not what: it is not in the key.
    ``role``: who is asked where one run has several models, ``explainer``, ``judge`` or ``writer``; empty
    for the only one; not in the key either.
    """

    system: str
    prompt: str
    max_tokens: int
    wants: Wants
    sampling: tuple[tuple[str, float], ...] = ()
    repeat: str = ""
    about: About | None = field(default=None, compare=False)
    kinds: tuple[str, ...] = field(default=(), compare=False)
    role: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        # Made once, as by cached_property, whose lock in Python 3.11 takes longer than the hash.
        kept: dict[str, str] = self.__dict__
        if "_key" not in kept:
            kept["_key"] = content_key(
                self.system, self.prompt, self.max_tokens, _written(self.wants), self.sampling, self.repeat, length=32
            )
        return kept["_key"]


@dataclass(frozen=True, slots=True)
class Reply:
    """As billed; an unknown price is None, never 0.

    ``probabilities``: for YesNo one row (P(yes), P(no)) renormalised; for Digits one row a
    placeholder of scale + 1 probabilities that sum to 1; else empty. ``kind``: how the graded answer
    was had (``logprob``, ``prompt_logprob``, ``decisions``, ``verbalised``, ``oracle``, ``text``).
    ``fingerprint``: the provider's name for the exact system that answered, "" when it gives none.
    ``is_cut``: the answer ran into ``max_tokens``. ``failed``: the ``Reason`` for which a reply that was
    paid for is no answer (``detail`` says more), "" for an answer; such a reply is never in a score.
    """

    question: str
    model: str
    text: str
    probabilities: tuple[tuple[float, ...], ...]
    kind: str
    tokens_in: int
    tokens_out: int
    tokens_cached: int
    seconds: float
    usd: float | None
    cached: bool = False
    tries: int = 1
    fingerprint: str = ""
    is_cut: bool = False
    failed: str = ""
    detail: str = ""


LABEL_KINDS = ("input token", "input concept", "context", "output", "position", "none")


@dataclass(frozen=True, slots=True)
class Explanation:
    """A label with its provenance. Text is empty only for the blank control.

    ``text`` is the short form. ``long``: the long form, ``kind``: one of ``LABEL_KINDS``, ``concepts``: each
    thing that sets the feature off, where it has several; empty where the explainer was not asked.
    """

    feature: FeatureId
    text: str
    explainer: str
    model: str
    prompt_version: str = ""
    question: str = ""
    tokens: int = 0
    usd: float | None = None
    long: str = ""
    kind: str = ""
    concepts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind and self.kind not in LABEL_KINDS:
            msg = f"{self.feature}: a label of kind {self.kind!r}; known: {', '.join(LABEL_KINDS)}"
            raise ValueError(msg)
        if not self.text.strip() and self.explainer != "control:blank":
            msg = f"{self.feature}: an explanation from {self.explainer} must not be empty"
            raise ValueError(msg)

    @property
    def key(self) -> str:
        """The name of this explanation in tables."""
        return content_key(str(self.feature), self.text, self.explainer, self.model, self.prompt_version)


@dataclass(frozen=True, slots=True)
class Prediction:
    """One item's guess beside the truth. ``guess`` is None exactly when ``reason`` is not scored.

    item = ``doc:start`` or ``doc:start:position``. Truth of a simulation = the raw activation; of a
    detection 1.0 (fires) or 0.0. ``kind``: how the graded answer was had.
    """

    feature: FeatureId
    explanation: str
    scorer: str
    variant: str
    judge: str
    control: str
    draw: int
    item: str
    truth: float
    guess: float | None
    weight: float
    kind: str
    reason: Reason

    def __post_init__(self) -> None:
        if (self.guess is None) == (self.reason is Reason.SCORED):
            msg = f"prediction {self.item}: guess {self.guess} does not go with reason {self.reason}"
            raise ValueError(msg)
        for name, value in (("truth", self.truth), ("weight", self.weight), ("guess", self.guess)):
            if value is not None and not math.isfinite(value):
                msg = f"prediction {self.item}: {name} is {value}"
                raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Score:
    """One number with its interval and counts, or a reason. ``value`` is None exactly when unscored."""

    feature: FeatureId
    explanation: str
    scorer: str
    variant: str
    judge: str
    control: str
    draw: int
    metric: str
    value: float | None
    low: float | None
    high: float | None
    chance: float | None
    n_asked: int
    n_read: int
    status: Reason
    reason: str = ""

    def __post_init__(self) -> None:
        if (self.value is None) == (self.status is Reason.SCORED):
            msg = f"score of {self.feature}: value {self.value} does not go with status {self.status}"
            raise ValueError(msg)
        for name, number in (("value", self.value), ("low", self.low), ("high", self.high), ("chance", self.chance)):
            if number is not None and not math.isfinite(number):
                msg = f"score of {self.feature}: {name} is {number}; use None with a reason"
                raise ValueError(msg)
        if not 0 <= self.n_read <= self.n_asked:
            msg = f"score of {self.feature}: {self.n_read} read of {self.n_asked} asked"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing asked for and not had. ``reply``: what was paid for all the same, for the ledger."""

    stage: str
    about: str
    reason: Reason
    detail: str
    reply: Reply | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt file: words with holes (Jinja2, StrictUndefined); version = hash of its words."""

    name: str
    system: str
    template: str

    @property
    def version(self) -> str:
        return content_key(self.name, self.system, self.template, length=12)


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a scorer is given to judge with: a label and what it stands for in the tables.

    ``control``: ``none``, ``shuffled``, ``blank``, ``lookup``; ``draw`` numbers repeated controls.
    """

    explanation: Explanation
    control: str = "none"
    draw: int = 0


Prompts = Mapping[str, Prompt]
FloatArray = NDArray[np.float64]
