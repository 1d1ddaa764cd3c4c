"""What is the matter with a label or its feature, as tags derived from scores and answers; thresholds have names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autointerp.core.types import FloatArray

BoolArray = NDArray[np.bool_]

OF_OUTPUTS = "logits"
"""The scorer that asks about promoted tokens and not about text."""

OF_TEXT = ("detection", "fuzzing", "simulation")
"""Scorers of the text a feature reads: a good label of that may say nothing of its outputs."""


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
    """Shares of windows a judge says yes to, in [0, 1], shape [n_labels] each; NaN where there are too few of a kind.

    ``recall``: of firing windows; ``top`` and ``weak``: of the strongest and of those below half the
    peak. ``false_fire``: of silent windows; ``random``, ``hard``: of those drawn from all, and of
    those made hard (same token, near in embedding or direction).
    """

    recall: FloatArray
    top: FloatArray
    weak: FloatArray
    false_fire: FloatArray
    random: FloatArray
    hard: FloatArray


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of labels, a column a fact, shape [n_labels] each; NaN where a number is not known.

    ``worthless``: rates with labels that deserve no credit. ``skills``: how far from chance (0) to
    perfect (1) labels got, a row a score in any order: ``label`` (its place, in [0, n_labels)),
    ``scorer``, ``judge``, ``value`` and its interval ``low``, ``high``. Scorers without a chance level
    have none.
    """

    density: FloatArray
    single_token: FloatArray
    is_duplicate: BoolArray
    is_about_outputs: BoolArray
    own: Rates
    worthless: Rates
    skills: pd.DataFrame


def diagnose(facts: Facts, thresholds: Thresholds = THRESHOLDS) -> NDArray[np.object_]:
    """Return the tags that apply to each label, shape [n_labels]: tuples in the order of ``Tag``.

    No tag is no praise, only nothing found. Labels with the same tags share one tuple.
    """
    t, own = thresholds, facts.own
    skills = _by_label(facts.skills)
    # A comparison with NaN is false: what is not known gives no tag.
    found = {
        Tag.TOO_BROAD: _is_too_broad(own, facts.worthless, t),
        Tag.TOO_NARROW: _is_too_narrow(own, facts.worthless, t),
        Tag.TOP_ONLY: _is_gap(own.top, own.weak, t.top_gap) & (own.top >= t.high_recall),
        Tag.HARD_NEGATIVE_FAIL: _is_gap(own.hard, own.random, t.hard_gap) & (own.hard >= t.high_false_fire),
        Tag.SCORERS_DISAGREE: _has_apart(skills[skills["scorer"] != OF_OUTPUTS], "scorer", "judge", len(own.top), t),
        Tag.JUDGES_DISAGREE: _has_apart(skills, "judge", "scorer", len(own.top), t),
        Tag.SINGLE_TOKEN: facts.single_token >= t.single_token,
        Tag.DENSE: facts.density >= t.dense,
        Tag.OUTPUT_FEATURE: facts.is_about_outputs | _is_named_by_outputs(skills, len(own.top), t),
        Tag.DUPLICATE_LABEL: facts.is_duplicate,
    }
    return _tuples([found[tag] for tag in Tag])


def _tuples(found: Sequence[BoolArray]) -> NDArray[np.object_]:
    """Return the tags of each label, of whether it has each one."""
    numbers = sum(has.astype(np.int64) << place for place, has in enumerate(found))
    shared = np.empty(1 << len(found), dtype=object)
    for number in np.flatnonzero(np.bincount(numbers)):
        shared[number] = tuple(tag for place, tag in enumerate(Tag) if number >> place & 1)
    tags: NDArray[np.object_] = shared[numbers]
    return tags


def _is_too_broad(own: Rates, other: Rates, t: Thresholds) -> BoolArray:
    """Whether the label finds what fires and much that does not, more than the judge says yes to anyway.

    Without a worthless label to compare with nobody knows what the judge says yes to anyway.
    """
    is_loose = (own.recall >= t.high_recall) & (own.false_fire >= t.high_false_fire)
    return is_loose & _is_gap(own.false_fire, other.false_fire, t.margin)


def _is_too_narrow(own: Rates, other: Rates, t: Thresholds) -> BoolArray:
    """Whether the label misses most of what fires though it finds some, and seldom fits what is silent."""
    is_strict = (own.recall < t.low_recall) & (own.false_fire <= t.low_false_fire)
    return is_strict & _is_gap(own.recall, np.maximum(other.recall, own.false_fire), t.margin)


def _is_gap(larger: FloatArray, smaller: FloatArray, gap: float) -> BoolArray:
    # Rates are ratios of counts: 0.9 - 0.8 is as good as 0.1.
    is_gap: BoolArray = larger - smaller >= gap - 1e-9
    return is_gap


# ---- skills


def _by_label(skills: pd.DataFrame) -> pd.DataFrame:
    """Return the skills sorted by label, names as categories: millions of strings are slow to compare."""
    return skills.astype({"scorer": "category", "judge": "category"}).sort_values("label", kind="stable")


def _has_apart(skills: pd.DataFrame, name: str, other: str, n_labels: int, t: Thresholds) -> BoolArray:
    """Return whether two of a label's skills, of one *other* and different *name*, are far apart.

    That is, by the gap, and their intervals do not meet. Shape [n_labels].
    """
    label = skills["label"].to_numpy(np.int64)
    column = {key: skills[key].to_numpy(np.float64) for key in ("value", "low", "high")}
    name_code, other_code = (skills[key].cat.codes.to_numpy() for key in (name, other))
    has_apart = np.zeros(n_labels, dtype=bool)
    for a, b in _pairs(label):
        is_pair = (name_code[a] != name_code[b]) & (other_code[a] == other_code[b])
        is_far = np.abs(column["value"][a] - column["value"][b]) >= t.skill_gap
        is_clear = (column["low"][a] > column["high"][b]) | (column["low"][b] > column["high"][a])
        has_apart[label[a[is_pair & is_far & is_clear]]] = True
    return has_apart


def _pairs(label: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the places of all pairs of one *label*, which is sorted: neighbours, then next but one, and so on."""
    later = np.arange(len(label))
    rank = later - np.searchsorted(label, label)
    for lag in range(1, int(rank.max(initial=0)) + 1):
        later = later[rank[later] >= lag]
        yield later - lag, later


def _is_named_by_outputs(skills: pd.DataFrame, n_labels: int, t: Thresholds) -> BoolArray:
    """Return whether a label names the promoted tokens and not what is read, shape [n_labels]."""
    named = _best(skills[skills["scorer"] == OF_OUTPUTS], n_labels)
    read = _best(skills[skills["scorer"].isin(OF_TEXT)], n_labels)
    is_named: BoolArray = (named >= t.output_skill) & (named - read >= t.skill_gap)
    return is_named


def _best(skills: pd.DataFrame, n_labels: int) -> FloatArray:
    """Return the highest skill of each label, shape [n_labels]; NaN where there is none."""
    best = np.full(n_labels, np.nan)
    np.fmax.at(best, skills["label"].to_numpy(np.int64), skills["value"].to_numpy(np.float64))
    return best


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
