"""What is known of one feature and its labels, as values: what ``features show`` prints or gives as JSON."""

from dataclasses import asdict, dataclass
from typing import Any

MARKS = ("\u2039", "\u203a")
"""Around the tokens that fire."""


@dataclass(frozen=True, slots=True)
class Against:
    """What a control got by the same measure on this feature, and by how much the label exceeds it."""

    control: str
    value: float
    excess: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One headline measure of a label.

    ``p``: how often labels drawn anew for each window, this or another feature's, do as well; None
    where no other label was asked. ``labelled``: ``yes`` where that holds with at most 5% false discoveries
    among the ``n_tested`` labels of the dictionary that were tested alike, else ``no``, or ``undecidable``
    with so few items as ``judged`` says; None without p. ``is_main``: whether a verdict speaks of it.
    """

    measure: str
    value: float | None
    low: float | None
    high: float | None
    n_read: int
    n_asked: int
    chance: float | None
    controls: tuple[Against, ...]
    standing: str
    judge: str
    judge_family: str
    is_same_family: bool
    p: float | None
    status: str
    reason: str
    is_main: bool
    labelled: str | None = None
    n_tested: int = 0
    judged: str = ""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A window the judge was wrong about, given the label; ``p_yes`` is what it said."""

    scorer: str
    judge: str
    item: str
    p_yes: float
    truth: str
    stratum: str
    text: str


@dataclass(frozen=True, slots=True)
class Labelled:
    """One label with all that is known of it; ``mistakes`` are of ``n_verdicts`` answers, the surest first."""

    text: str
    explainer: str
    model: str
    tags: tuple[str, ...]
    meanings: tuple[str, ...]
    scores: tuple[Measured, ...]
    mistakes: tuple[Mistake, ...]
    n_verdicts: int


@dataclass(frozen=True, slots=True)
class FeaturePage:
    """One feature. All text is safe for a terminal.

    ``windows``: marked texts by ``side · stratum``; ``examination``: what the zoo found of the judges, a sentence
    each; ``unwritten``: labels that were asked for and not had, with the reason; ``relatives``: a line a relative
    at another width, empty before ``features match``.
    """

    feature: str
    run: str
    verdict: str
    facts: dict[str, str]
    examination: tuple[str, ...]
    labels: tuple[Labelled, ...]
    unwritten: tuple[str, ...]
    windows: dict[str, tuple[str, ...]]
    tested_on: str
    relatives: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
