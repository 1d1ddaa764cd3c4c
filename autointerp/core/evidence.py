"""Features and what is known of them: windows, samples, the evidence of one feature. Imported from ``core.types``."""

import math
import re
from dataclasses import dataclass

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
