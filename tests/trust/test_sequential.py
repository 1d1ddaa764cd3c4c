"""Answers go where they decide most, and no further than the budget."""

from hypothesis import given
from hypothesis import strategies as st

from autointerp.metrics.sequential import SequentialSettings, Verdict, verdict_of
from autointerp.trust.sequential import allocate, expected_need

SETTINGS = SequentialSettings()
counts = st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(st.lists(counts, max_size=12), st.integers(0, 300))
def test_allocation_spends_what_there_is_where_it_helps(labels: list[tuple[int, int]], budget: int) -> None:
    """Never more than the budget, nothing for decided labels, all of it while somebody needs it."""
    given_out = allocate(labels, budget)
    needs = [expected_need(right, n, SETTINGS) for right, n in labels]
    assert sum(given_out) == min(budget, sum(needs))
    for (right, n), number, need in zip(labels, given_out, needs, strict=True):
        assert 0 <= number <= need
        if n and verdict_of(right, n, SETTINGS) is not Verdict.OPEN:
            assert number == 0


def test_the_nearest_to_a_decision_comes_first() -> None:
    """Of a label nearly decided, a fresh one and a doubtful one, a small budget goes to the first."""
    assert allocate([(28, 40), (6, 6), (0, 0)], 2)[1] > 0
    assert allocate([(28, 40), (6, 6), (0, 0)], 2)[0] == 0
