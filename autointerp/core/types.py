"""The values that travel between stages: frozen, validated when built, free of I/O."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from autointerp.core.draws import content_key


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


SIDES = ("shown", "select", "held_out")


@dataclass(frozen=True, slots=True, order=True)
class FeatureId:
    """``family/width#index``; *dictionary* is the part before the ``#``."""

    dictionary: str
    index: int

    def __str__(self) -> str:
        return f"{self.dictionary}#{self.index}"

    @classmethod
    def parse(cls, text: str) -> "FeatureId":
        """Read ``smol-l12/2048#17``. Raises ValueError when the text has another form."""
        found = re.fullmatch(r"(?P<dictionary>[^#\s]+)#(?P<index>\d+)", text.strip())
        if not found:
            msg = f"{text!r} is not a feature; write it as family/width#index, for example smol-l12/2048#17"
            raise ValueError(msg)
        return cls(found["dictionary"], int(found["index"]))


@dataclass(frozen=True, slots=True)
class Window:
    """A run of tokens from one document with one feature's activations.

    ``tokens`` are display strings, one a token, whose concatenation is the text (a character split
    over several byte tokens stands whole in the first and the others are empty). ``start`` counts
    tokens from the beginning of the document. Activations are f * |d|, finite and >= 0.
    """

    doc: str
    start: int
    tokens: tuple[str, ...]
    activations: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.tokens or len(self.tokens) != len(self.activations):
            n_tokens, n_activations = len(self.tokens), len(self.activations)
            msg = f"window {self.item}: {n_tokens} tokens, {n_activations} activations; need T >= 1 of each"
            raise ValueError(msg)
        if not all(math.isfinite(a) and a >= 0 for a in self.activations):
            msg = f"window {self.item}: activations must be finite and >= 0"
            raise ValueError(msg)

    @property
    def item(self) -> str:
        """The name of this window in predictions: ``doc:start``."""
        return f"{self.doc}:{self.start}"

    @property
    def text(self) -> str:
        return "".join(self.tokens)

    @property
    def peak(self) -> float:
        return max(self.activations)

    @property
    def is_firing(self) -> bool:
        return self.peak > 0


@dataclass(frozen=True, slots=True)
class Sample:
    """A window, the stratum it was drawn from and its inclusion weight (1 / inclusion probability).

    Strata: ``top``, ``firing:0`` .. ``firing:9`` (linear buckets between 0 and the peak), ``random``,
    ``silent:random``, ``silent:same_token``, ``silent:near``, ``silent:sibling:FEATURE`` and
    ``silent:other:FEATURE`` (a window on which that feature fires: of a near direction, or any) and
    ``neighbour`` (the other half of a 64-token simulation window; weight 0, it stands for nothing by itself).
    """

    window: Window
    stratum: str
    weight: float

    def __post_init__(self) -> None:
        if self.stratum.startswith("silent") and self.window.is_firing:
            msg = f"window {self.window.item} fires (peak {self.window.peak:.3g}) but stands in stratum {self.stratum}"
            raise ValueError(msg)
        if self.stratum.startswith(("top", "firing")) and not self.window.is_firing:
            msg = f"window {self.window.item} is silent but stands in stratum {self.stratum}"
            raise ValueError(msg)
        if not (math.isfinite(self.weight) and self.weight >= 0):
            msg = f"window {self.window.item}: weight {self.weight} must be finite and >= 0"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class TokenStat:
    """One token of the shown side: how often it was seen, how often the feature fired on it, mean activation."""

    token: str
    seen: int
    fired: int
    mean_activation: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """A feature's sampled windows, divided by document. A leaking one cannot be built.

    ``density``: firing share of tokens. ``window_density``: firing share of 32-token tiles.
    ``peak``: largest activation seen on any side. ``n_available``: held-out firing tiles there were
    to draw from. ``token_stats``: the shown side's firing tokens; ``base_rate`` of a token is
    ``seen / n_shown_tokens``. ``promoted``, ``suppressed``: output tokens, the strongest first.
    """

    feature: FeatureId
    density: float
    window_density: float
    peak: float
    shown: tuple[Sample, ...]
    select: tuple[Sample, ...]
    held_out: tuple[Sample, ...]
    n_available: int
    promoted: tuple[str, ...] = ()
    suppressed: tuple[str, ...] = ()
    token_stats: tuple[TokenStat, ...] = ()
    n_shown_tokens: int = 0
    siblings: tuple[FeatureId, ...] = ()

    def __post_init__(self) -> None:
        owner: dict[str, str] = {}
        for side in SIDES:
            for sample in getattr(self, side):
                doc = sample.window.doc
                if owner.setdefault(doc, side) != side:
                    msg = f"{self.feature}: document {doc} is on two sides, {owner[doc]} and {side}"
                    raise ValueError(msg)
        if not 0 <= self.density <= 1 or not 0 <= self.window_density <= 1:
            msg = f"{self.feature}: density {self.density} and window density {self.window_density} must lie in [0, 1]"
            raise ValueError(msg)


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


Wants = Text | YesNo | Digits


@dataclass(frozen=True, slots=True)
class About:
    """What a question is about, for bookkeeping and for oracle judges; never shown to a judge, not in the key.

    ``marked``: the positions of the window whose tokens are marked. ``options``: the windows to choose from.
    """

    feature: FeatureId
    item: str
    label: str = ""
    window: Window | None = None
    marked: tuple[int, ...] = ()
    options: tuple[Window, ...] = ()


@dataclass(frozen=True)
class Question:
    """What is asked of a language model. ``key`` hashes everything that decides the reply.

    ``role``: who is asked where one run has several models, ``explainer``, ``judge`` or ``writer``; empty
    for the only one. Neither it nor ``about`` is in the key.
    """

    system: str
    prompt: str
    max_tokens: int
    wants: Wants
    sampling: tuple[tuple[str, float], ...] = ()
    repeat: str = ""
    about: About | None = field(default=None, compare=False)
    role: str = field(default="", compare=False)

    @cached_property
    def key(self) -> str:
        return content_key(
            self.system, self.prompt, self.max_tokens, repr(self.wants), self.sampling, self.repeat, length=32
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """As billed; an unknown price is None, never 0.

    ``probabilities``: for YesNo one row (P(yes), P(no)) renormalised; for Digits one row a
    placeholder of scale + 1 probabilities that sum to 1; else empty. ``kind``: how the graded answer
    was had (``logprob``, ``prompt_logprob``, ``decisions``, ``verbalised``, ``oracle``, ``text``).
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
    """One thing asked for and not had."""

    stage: str
    about: str
    reason: Reason
    detail: str


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
