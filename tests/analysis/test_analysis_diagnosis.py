"""Tags follow from what is known of a label, and from nothing a worthless label would show as well."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from autointerp.analysis.diagnosis import Facts, Rates, Skill, Tag, diagnose, meaning

shares = st.none() | st.floats(0, 1)
rates = st.builds(Rates, shares, shares, shares, shares, shares, shares)


@st.composite
def skills(draw: st.DrawFn) -> Skill:
    """A skill inside its interval."""
    low, value, high = sorted(draw(st.floats(-1, 1)) for _ in range(3))
    scorer = draw(st.sampled_from(["detection", "fuzzing", "simulation", "logits"]))
    return Skill(scorer, draw(st.sampled_from("ab")), value, low, high)


facts = st.builds(
    Facts,
    st.floats(0, 1),
    shares,
    st.booleans(),
    st.booleans(),
    rates,
    rates,
    st.lists(skills(), max_size=5).map(tuple),
)
BROAD = Facts(own=Rates(recall=0.9, false_fire=0.5), worthless=Rates(recall=0.2, false_fire=0.2))
NARROW = Facts(own=Rates(recall=0.3, false_fire=0.0), worthless=Rates(recall=0.0, false_fire=0.0))


@given(facts)
def test_tags_stand_once_in_their_order(known: Facts) -> None:
    """Each tag at most once, in the order of the list; never both too broad and too narrow."""
    found = diagnose(known)
    assert list(found) == [tag for tag in Tag if tag in found]
    assert not {Tag.TOO_BROAD, Tag.TOO_NARROW} <= set(found)


@given(facts)
def test_the_order_of_scores_does_not_matter(known: Facts) -> None:
    """The same tags whichever scorer or judge was asked first."""
    assert diagnose(replace(known, skills=known.skills[::-1])) == diagnose(known)


def test_nothing_known_is_nothing_found() -> None:
    """No tag is given for want of windows or scores."""
    assert diagnose(Facts()) == ()


@given(rates)
def test_a_judge_who_says_the_same_of_any_label_condemns_none(said: Rates) -> None:
    """Where worthless labels have the same rates the label is neither too broad nor too narrow."""
    assert not {Tag.TOO_BROAD, Tag.TOO_NARROW} & set(diagnose(Facts(own=said, worthless=said)))


@given(st.floats(0.5, 1))
def test_more_false_fires_leave_a_label_too_broad(false_fire: float) -> None:
    """The tag does not go away as the label gets worse; a narrow one keeps its own as it misses no more."""
    assert Tag.TOO_BROAD in diagnose(replace(BROAD, own=replace(BROAD.own, false_fire=false_fire)))
    assert diagnose(NARROW) == (Tag.TOO_NARROW,)


@given(facts, skills(), skills())
def test_intervals_that_meet_are_no_disagreement(known: Facts, one: Skill, other: Skill) -> None:
    """However far apart the values are."""
    assume(one.low <= other.high and other.low <= one.high)
    found = diagnose(replace(known, skills=(one, other)))
    assert not {Tag.SCORERS_DISAGREE, Tag.JUDGES_DISAGREE} & set(found)


def test_every_tag_can_be_given_alone() -> None:
    """One case each, and every tag has its meaning with the numbers filled in."""
    good, bad = Skill("detection", "a", 0.9, 0.8, 1.0), Skill("fuzzing", "a", 0.1, 0.0, 0.2)
    cases = {
        Tag.TOO_BROAD: BROAD,
        Tag.TOO_NARROW: NARROW,
        Tag.TOP_ONLY: Facts(own=Rates(top=0.9, weak=0.3)),
        Tag.HARD_NEGATIVE_FAIL: Facts(own=Rates(hard=0.5, random=0.1)),
        Tag.SCORERS_DISAGREE: Facts(skills=(good, bad)),
        Tag.JUDGES_DISAGREE: Facts(skills=(good, replace(bad, scorer="detection", judge="b"))),
        Tag.SINGLE_TOKEN: Facts(single_token=0.95),
        Tag.DENSE: Facts(density=0.2),
        Tag.OUTPUT_FEATURE: Facts(is_about_outputs=True),
        Tag.DUPLICATE_LABEL: Facts(is_duplicate=True),
    }
    assert set(cases) == set(Tag)
    assert all(diagnose(case) == (tag,) for tag, case in cases.items())
    assert all("{" not in meaning(tag) for tag in Tag)
