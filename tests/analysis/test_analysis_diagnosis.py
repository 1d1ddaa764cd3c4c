"""Tags follow from what is known of a label, and from nothing a worthless label would show as well."""

from dataclasses import replace

import numpy as np
import pandas as pd
from hypothesis import assume, given
from hypothesis import strategies as st

from autointerp.analysis.diagnosis import Facts, Rates, Tag, diagnose, meaning

KINDS = ("recall", "top", "weak", "false_fire", "random", "hard")
SKILL = ("label", "scorer", "judge", "value", "low", "high")
Skill = tuple[str, str, float, float, float]
"""Scorer, judge, value, low and high."""


def rates(**known: float | None) -> Rates:
    """The rates of one label."""
    return Rates(**{kind: np.array([known.get(kind)], dtype=np.float64) for kind in KINDS})


NONE = rates()


def skills(*each: Skill) -> pd.DataFrame:
    """The skills of one label."""
    return pd.DataFrame([(0, *skill) for skill in each], columns=list(SKILL))


def facts(
    density: float = 0.0, single_token: float | None = None, is_duplicate: bool = False, is_about_outputs: bool = False,
    own: Rates = NONE, worthless: Rates = NONE, skilled: tuple[Skill, ...] = (),
) -> Facts:  # fmt: skip
    """What is known of one label."""
    return Facts(
        density=np.array([density]),
        single_token=np.array([single_token], dtype=np.float64),
        is_duplicate=np.array([is_duplicate]),
        is_about_outputs=np.array([is_about_outputs]),
        own=own,
        worthless=worthless,
        skills=skills(*skilled),
    )


def together(each: list[Facts]) -> Facts:
    """What is known of several labels, as columns; skills of all labels mixed."""
    columns = {
        name: np.concatenate([getattr(one, name) for one in each])
        for name in ("density", "single_token", "is_duplicate", "is_about_outputs")
    }
    own, worthless = (
        Rates(**{kind: np.concatenate([getattr(getattr(one, name), kind) for one in each]) for kind in KINDS})
        for name in ("own", "worthless")
    )
    labelled = [one.skills.assign(label=label) for label, one in enumerate(each)]
    skilled = pd.concat([rows for rows in labelled if len(rows)] or [skills()])
    return Facts(**columns, own=own, worthless=worthless, skills=skilled.sort_values("value"))


def tags_of(known: Facts) -> tuple[Tag, ...]:
    """The tags of one label."""
    (tags,) = diagnose(known)
    assert isinstance(tags, tuple)
    return tags


shares = st.none() | st.floats(0, 1)
some_rates = st.fixed_dictionaries(dict.fromkeys(KINDS, shares)).map(lambda known: rates(**known))


@st.composite
def some_skill(draw: st.DrawFn) -> Skill:
    """A skill inside its interval."""
    low, value, high = sorted(draw(st.floats(-1, 1)) for _ in range(3))
    scorer = draw(st.sampled_from(["detection", "fuzzing", "simulation", "logits"]))
    return scorer, draw(st.sampled_from("ab")), value, low, high


some_facts = st.builds(
    facts,
    st.floats(0, 1),
    shares,
    st.booleans(),
    st.booleans(),
    some_rates,
    some_rates,
    st.lists(some_skill(), max_size=5).map(tuple),
)
BROAD = facts(own=rates(recall=0.9, false_fire=0.5), worthless=rates(recall=0.2, false_fire=0.2))
NARROW = facts(own=rates(recall=0.3, false_fire=0.0), worthless=rates(recall=0.0, false_fire=0.0))


@given(some_facts)
def test_tags_stand_once_in_their_order(known: Facts) -> None:
    """Each tag at most once, in the order of the list; never both too broad and too narrow."""
    found = tags_of(known)
    assert list(found) == [tag for tag in Tag if tag in found]
    assert not {Tag.TOO_BROAD, Tag.TOO_NARROW} <= set(found)


@given(some_facts)
def test_the_order_of_scores_does_not_matter(known: Facts) -> None:
    """The same tags whichever scorer or judge was asked first."""
    assert tags_of(replace(known, skills=known.skills[::-1])) == tags_of(known)


@given(st.lists(some_facts, min_size=1, max_size=6))
def test_labels_do_not_mix(each: list[Facts]) -> None:
    """Many labels at once have the tags that each has alone, though their skills stand mixed."""
    assert diagnose(together(each)).tolist() == [tags_of(one) for one in each]


@given(st.permutations([0.9, 0.6, 0.3]), st.booleans())
def test_any_two_of_many_scores_may_disagree(values: list[float], is_scorer: bool) -> None:
    """Of three skills only the first and the last are far enough apart; in whatever order they stand, that is found."""
    names = (
        [("detection", "a"), ("fuzzing", "a"), ("simulation", "a")] if is_scorer else [("detection", j) for j in "abc"]
    )
    skilled = tuple((*name, v, v - 0.01, v + 0.01) for name, v in zip(names, values, strict=True))
    assert tags_of(facts(skilled=skilled)) == (Tag.SCORERS_DISAGREE if is_scorer else Tag.JUDGES_DISAGREE,)
    for left in range(3):
        near = tuple(skill for skill in skilled if skill[2] != skilled[left][2])
        assert bool(tags_of(facts(skilled=near))) == (skilled[left][2] == 0.6)


@given(st.sampled_from(["detection", "fuzzing", "simulation"]), st.floats(-1, 1))
def test_a_label_of_outputs_is_one_that_says_little_of_the_text(scorer: str, read: float) -> None:
    """Named outputs beside what the best scorer of the text says; without such a scorer nobody knows."""
    named = ("logits", "a", 0.8, 0.0, 1.0)
    assert tags_of(facts(skilled=(named,))) == ()
    found = tags_of(facts(skilled=(named, (scorer, "a", read, -1.0, 1.0), (scorer, "a", -1.0, -1.0, 1.0))))
    assert found == ((Tag.OUTPUT_FEATURE,) if 0.8 - read >= 0.4 else ())


def test_nothing_known_is_nothing_found() -> None:
    """No tag is given for want of windows or scores."""
    assert tags_of(facts()) == ()


@given(some_rates)
def test_a_judge_who_says_the_same_of_any_label_condemns_none(said: Rates) -> None:
    """Where worthless labels have the same rates the label is neither too broad nor too narrow."""
    assert not {Tag.TOO_BROAD, Tag.TOO_NARROW} & set(tags_of(facts(own=said, worthless=said)))


@given(st.floats(0.5, 1))
def test_more_false_fires_leave_a_label_too_broad(false_fire: float) -> None:
    """The tag does not go away as the label gets worse; a narrow one keeps its own as it misses no more."""
    assert Tag.TOO_BROAD in tags_of(replace(BROAD, own=replace(BROAD.own, false_fire=np.array([false_fire]))))
    assert tags_of(NARROW) == (Tag.TOO_NARROW,)


@given(some_facts, some_skill(), some_skill())
def test_intervals_that_meet_are_no_disagreement(known: Facts, one: Skill, other: Skill) -> None:
    """However far apart the values are."""
    (*_, one_low, one_high), (*_, other_low, other_high) = one, other
    assume(one_low <= other_high and other_low <= one_high)
    found = tags_of(replace(known, skills=skills(one, other)))
    assert not {Tag.SCORERS_DISAGREE, Tag.JUDGES_DISAGREE} & set(found)


def test_every_tag_can_be_given_alone() -> None:
    """One case each, and every tag has its meaning with the numbers filled in."""
    good, bad = ("detection", "a", 0.9, 0.8, 1.0), ("fuzzing", "a", 0.1, 0.0, 0.2)
    cases = {
        Tag.TOO_BROAD: BROAD,
        Tag.TOO_NARROW: NARROW,
        Tag.TOP_ONLY: facts(own=rates(top=0.9, weak=0.3)),
        Tag.HARD_NEGATIVE_FAIL: facts(own=rates(hard=0.5, random=0.1)),
        Tag.SCORERS_DISAGREE: facts(skilled=(good, bad)),
        Tag.JUDGES_DISAGREE: facts(skilled=(good, ("detection", "b", *bad[2:]))),
        Tag.SINGLE_TOKEN: facts(single_token=0.95),
        Tag.DENSE: facts(density=0.2),
        Tag.OUTPUT_FEATURE: facts(is_about_outputs=True),
        Tag.DUPLICATE_LABEL: facts(is_duplicate=True),
    }
    assert set(cases) == set(Tag)
    assert all(tags_of(case) == (tag,) for tag, case in cases.items())
    assert all("{" not in meaning(tag) for tag in Tag)
