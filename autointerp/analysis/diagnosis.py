"""What is the matter with a label or its feature, as tags derived from scores and answers; thresholds have names."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

OF_OUTPUTS = "logits"
"""The scorer that asks about promoted tokens and not about text."""


class Tag(StrEnum):
    """What can be the matter; a closed list."""

    TOO_BROAD = "too_broad"
    TOO_NARROW = "too_narrow"
    TOP_ONLY = "top_only"
    HARD_NEGATIVE_FAIL = "hard_negative_fail"
    SCORERS_DISAGREE = "scorers_disagree"
    JUDGES_DISAGREE = "judges_disagree"
    SINGLE_TOKEN = "single_token"
    DENSE = "dense"
    OUTPUT_FEATURE = "output_feature"
    DUPLICATE_LABEL = "duplicate_label"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where a tag is given; numbers are our choice.

    ``high_recall``, ``low_recall``: shares of firing windows the judge finds to fit. ``high_false_fire``,
    ``low_false_fire``: of silent ones. ``margin``: by how much a rate has to exceed the same rate with
    labels that deserve no credit; a judge who says yes to everything makes no label broad.
    ``top_gap``: recall on top windows less that on weak ones. ``hard_gap``: false fire on hard silent
    windows less that on random ones. ``skill_gap``: between two scorers, or two judges, of the way from
    chance to a perfect score. ``min_windows``: of a kind, before its rate is looked at.
    """

    high_recall: float = 0.7
    low_recall: float = 0.5
    high_false_fire: float = 0.3
    low_false_fire: float = 0.1
    margin: float = 0.1
    top_gap: float = 0.4
    hard_gap: float = 0.2
    skill_gap: float = 0.4
    single_token: float = 0.9
    dense: float = 0.1
    output_skill: float = 0.5
    min_windows: int = 3


THRESHOLDS = Thresholds()


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of windows a judge says yes to, in [0, 1]; None where there are too few of a kind.

    ``recall``: of firing windows; ``top`` and ``weak``: of the strongest and of those below half the
    peak. ``false_fire``: of silent windows; ``random``, ``hard``: of those drawn from all, and of
    those made hard (same token, near in embedding or direction).
    """

    recall: float | None = None
    top: float | None = None
    weak: float | None = None
    false_fire: float | None = None
    random: float | None = None
    hard: float | None = None


@dataclass(frozen=True, slots=True)
class Skill:
    """How far from chance (0) to perfect (1) a label got by one scorer and judge, with its interval.

    Scorers without a chance level have none.
    """

    scorer: str
    judge: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one label of one feature; ``worthless``: rates with labels that deserve no credit."""

    density: float = 0.0
    single_token: float | None = None
    is_duplicate: bool = False
    is_about_outputs: bool = False
    own: Rates = Rates()
    worthless: Rates = Rates()
    skills: tuple[Skill, ...] = ()


def diagnose(facts: Facts, thresholds: Thresholds = THRESHOLDS) -> tuple[Tag, ...]:
    """Return the tags that apply, in the order of ``Tag``; none is no praise, only nothing found."""
    t = thresholds
    found = {
        Tag.TOO_BROAD: _is_too_broad(facts, t),
        Tag.TOO_NARROW: _is_too_narrow(facts, t),
        Tag.TOP_ONLY: _is_gap(facts.own.top, facts.own.weak, t.top_gap) and _is_at_least(facts.own.top, t.high_recall),
        Tag.HARD_NEGATIVE_FAIL: _is_gap(facts.own.hard, facts.own.random, t.hard_gap)
        and _is_at_least(facts.own.hard, t.high_false_fire),
        Tag.SCORERS_DISAGREE: any(
            a.judge == b.judge and a.scorer != b.scorer and _disagree(a, b, t) for a, b in combinations(_read(facts), 2)
        ),
        Tag.JUDGES_DISAGREE: any(
            a.judge != b.judge and a.scorer == b.scorer and _disagree(a, b, t) for a, b in combinations(facts.skills, 2)
        ),
        Tag.SINGLE_TOKEN: _is_at_least(facts.single_token, t.single_token),
        Tag.DENSE: facts.density >= t.dense,
        Tag.OUTPUT_FEATURE: _is_about_outputs(facts, t),
        Tag.DUPLICATE_LABEL: facts.is_duplicate,
    }
    return tuple(tag for tag in Tag if found[tag])


def _is_too_broad(facts: Facts, t: Thresholds) -> bool:
    """Whether the label finds what fires and much that does not, more than the judge says yes to anyway.

    Without a worthless label to compare with nobody knows what the judge says yes to anyway.
    """
    own, other = facts.own, facts.worthless
    is_loose = _is_at_least(own.recall, t.high_recall) and _is_at_least(own.false_fire, t.high_false_fire)
    return is_loose and _is_gap(own.false_fire, other.false_fire, t.margin)


def _is_too_narrow(facts: Facts, t: Thresholds) -> bool:
    """Whether the label misses most of what fires though it finds some, and seldom fits what is silent."""
    own, other = facts.own, facts.worthless
    if own.recall is None or own.false_fire is None or other.recall is None:
        return False
    is_strict = own.recall < t.low_recall and own.false_fire <= t.low_false_fire
    return is_strict and _is_gap(own.recall, max(other.recall, own.false_fire), t.margin)


def _is_about_outputs(facts: Facts, t: Thresholds) -> bool:
    """Whether the label was written as one of outputs, or names the promoted tokens and not what is read."""
    named = [s.value for s in facts.skills if s.scorer == OF_OUTPUTS]
    read = [s.value for s in _read(facts) if s.scorer in ("detection", "fuzzing", "simulation")]
    is_named = bool(named) and max(named) >= t.output_skill
    return facts.is_about_outputs or (is_named and bool(read) and max(named) - max(read) >= t.skill_gap)


def _read(facts: Facts) -> list[Skill]:
    """Return the skills at the text a feature reads: a good label of that may say nothing of its outputs."""
    return [skill for skill in facts.skills if skill.scorer != OF_OUTPUTS]


def _disagree(a: Skill, b: Skill, t: Thresholds) -> bool:
    """Whether two skills are far apart and their intervals do not meet."""
    return abs(a.value - b.value) >= t.skill_gap and (a.low > b.high or b.low > a.high)


def _is_at_least(rate: float | None, bar: float) -> bool:
    return rate is not None and rate >= bar


def _is_gap(larger: float | None, smaller: float | None, gap: float) -> bool:
    # Rates are ratios of counts: 0.9 - 0.8 is as good as 0.1.
    return larger is not None and smaller is not None and larger - smaller >= gap - 1e-9


MEANINGS: dict[Tag, str] = {
    Tag.TOO_BROAD: "fits at least {high_recall:.0%} of the firing windows and {high_false_fire:.0%} of the silent "
    "ones, of these {margin:.0%} more than a worthless label",
    Tag.TOO_NARROW: "fits less than {low_recall:.0%} of the firing windows, though more than a worthless label, and "
    "at most {low_false_fire:.0%} of the silent ones",
    Tag.TOP_ONLY: "fits at least {high_recall:.0%} of the strongest windows, and {top_gap:.0%} fewer of the weak ones",
    Tag.HARD_NEGATIVE_FAIL: "fits at least {high_false_fire:.0%} of the silent windows that look alike, and "
    "{hard_gap:.0%} fewer of the random ones",
    Tag.SCORERS_DISAGREE: "two scorers of the text it fires on are {skill_gap:.0%} of the way from chance to "
    "perfect apart, and their intervals do not meet",
    Tag.JUDGES_DISAGREE: "the same of two judges by one scorer",
    Tag.SINGLE_TOKEN: "at least {single_token:.0%} of the feature's firings are on one token",
    Tag.DENSE: "the feature fires on at least {dense:.0%} of all tokens",
    Tag.OUTPUT_FEATURE: "the label names the tokens the feature promotes (at least {output_skill:.0%} of the way from "
    "chance to perfect) and not the text it fires on, or was written as a label of outputs",
    Tag.DUPLICATE_LABEL: "another feature of the dictionary has the same label by the same explainer",
}


def meaning(tag: Tag, thresholds: Thresholds = THRESHOLDS) -> str:
    """Return what the tag says, with the numbers it is given from."""
    values = {name: getattr(thresholds, name) for name in Thresholds.__slots__}
    return MEANINGS[tag].format(**values)


def tag_text(tags: Sequence[Tag]) -> str:
    """Return the tags as one cell: ``too broad, dense``, or nothing."""
    return ", ".join(tag.value.replace("_", " ") for tag in tags)
