"""A test that may be looked at after every answer errs no more often than it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.draws import generator
from autointerp.metrics.sequential import (
    SequentialSettings,
    Verdict,
    confidence_sequence,
    course_at,
    decide,
    error_at,
    fixed_size,
    log_wealth,
    verdict_of,
)

SETTINGS = SequentialSettings()
counts = st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize("accuracy", [0.5, 0.6, 0.7, 0.8, 0.97])
def test_errors_under_peeking(accuracy: float) -> None:
    """Followed exactly over all paths: the wrong verdict in at most 5%, and the four ends are all there are."""
    course = course_at(accuracy)
    assert error_at(accuracy, course) <= SETTINGS.alpha
    assert course.good + course.bad + course.undecidable == pytest.approx(1)
    assert course.mean_items <= SETTINGS.max_items


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.2])
@pytest.mark.parametrize("accuracy", [0.6, 0.8])
def test_errors_of_items_in_turns(accuracy: float, spread: float) -> None:
    """However unlike the two kinds' accuracies, looked at after pairs the wrong verdict comes in at most 5%."""
    wrong = Verdict.GOOD if accuracy <= SETTINGS.bad else Verdict.BAD
    kinds = accuracy + spread, accuracy - spread
    alive, error = np.array([1.0]), 0.0
    for n in range(2, SETTINGS.max_items + 1, 2):
        for p in kinds:
            alive = np.convolve(alive, [1 - p, p])
        for n_right in np.flatnonzero(alive):
            verdict = verdict_of(int(n_right), n, SETTINGS)
            error += alive[n_right] * (verdict is wrong)
            alive[n_right] *= verdict is Verdict.OPEN
    assert error <= SETTINGS.alpha


@pytest.mark.parametrize("accuracy", [0.6, 0.9])
def test_the_exact_course_is_what_happens(accuracy: float) -> None:
    """Simulated answers end as the exact course says, within four standard errors of 600 repeats."""
    course, n = course_at(accuracy), 600
    answers = generator(0, "course", str(accuracy)).random((n, SETTINGS.max_items)) < accuracy
    found = [decide(row.tolist()) for row in answers]
    share = sum(one.verdict is Verdict.GOOD for one in found) / n
    assert abs(share - course.good) <= 4 * (course.good * (1 - course.good) / n) ** 0.5
    assert sum(one.n for one in found) / n == pytest.approx(course.mean_items, rel=0.15)


def test_fewer_answers_than_a_fixed_design() -> None:
    """Far from the zone a fifth to a third of the fixed design's items is enough."""
    n, edge = fixed_size()
    assert n == 60
    assert SETTINGS.bad * n < edge < SETTINGS.good * n
    assert course_at(0.97).mean_items < n / 4
    assert course_at(0.5).mean_items < n / 3


@given(st.lists(st.booleans(), max_size=130))
def test_the_first_decision_stands(right: list[bool]) -> None:
    """Answers after a decision change nothing, and no earlier prefix had decided."""
    found = decide(right)
    assert decide(right[: found.n]) == found
    if found.verdict is not Verdict.OPEN:
        assert decide([*right[: found.n], not any(right), True]) == found
    assert all(decide(right[:n]).verdict is Verdict.OPEN for n in range(1, found.n))


@given(st.lists(st.booleans(), max_size=130))
def test_half_a_pair_decides_nothing(right: list[bool]) -> None:
    """Looked at after pairs, the decision is that of a pair's end, and the answer behind it is left out."""
    found = decide(right, every=2)
    assert found.n % 2 == 0
    assert decide(right[: len(right) // 2 * 2], every=2) == found
    assert found.n_right == sum(right[: found.n])
    if found.verdict is Verdict.OPEN:
        assert found.n == len(right) // 2 * 2


def test_a_test_between_other_edges() -> None:
    """Between the edges of the settings as they are it is that very test; between others it can be told apart."""
    same = SequentialSettings.between(0.6, 0.8, alpha=0.05, max_items=120)
    assert same.good_bets == pytest.approx(SETTINGS.good_bets)
    assert same.bad_bets == pytest.approx(SETTINGS.bad_bets)
    high = SequentialSettings.between(0.8, 0.95, alpha=0.05, max_items=400)
    assert decide([True] * 60, high).verdict is Verdict.GOOD
    assert decide([True, False] * 60, high).verdict is Verdict.BAD


@given(counts, st.floats(0.1, 0.9), st.lists(st.floats(0.05, 0.95), min_size=1, max_size=3))
def test_wealth_is_fair_under_the_null(count: tuple[int, int], null: float, bets: list[float]) -> None:
    """Whatever was bet, at the null accuracy the wealth after one more answer is, on average, what it was."""
    right, n = count
    now = log_wealth(right, n, null=null, bets=bets)
    after = [log_wealth(right + more, n + 1, null=null, bets=bets) for more in (0, 1)]
    expected = (1 - null) * 2.718281828459045 ** (after[0] - now) + null * 2.718281828459045 ** (after[1] - now)
    assert expected == pytest.approx(1, rel=1e-6)


def test_the_confidence_sequence_holds_the_truth_at_all_times() -> None:
    """In 95% of 400 courses of 100 answers, within four standard errors, the true accuracy never leaves it."""
    n_held = 0
    for seed in range(400):
        right = generator(seed, "sequence").random(100) < 0.7
        hits = right.cumsum()
        intervals = (confidence_sequence(int(hits[n]), n + 1) for n in range(100))
        n_held += all(low <= 0.7 <= high for low, high in intervals)
    assert n_held >= 380 - 4 * (400 * 0.95 * 0.05) ** 0.5


@given(counts)
def test_the_confidence_sequence_holds_the_share_seen(count: tuple[int, int]) -> None:
    """The interval lies in [0, 1], holds the observed share, and nothing is known before the first answer."""
    right, n = count
    low, high = confidence_sequence(right, n)
    assert 0 <= low <= high <= 1
    if n:
        assert low <= right / n <= high
    else:
        assert (low, high) == (0.0, 1.0)


@pytest.mark.parametrize(
    "changes", [{"bad": 0.8, "good": 0.6}, {"alpha": 0.0}, {"good_bets": (0.5,)}, {"bad_bets": (0.8,)}]
)
def test_impossible_settings_are_refused(changes: dict[str, float]) -> None:
    """A bet on the wrong side of its null would be no test."""
    with pytest.raises(ValueError, match="sequential"):
        SequentialSettings(**changes)  # type: ignore[arg-type]
