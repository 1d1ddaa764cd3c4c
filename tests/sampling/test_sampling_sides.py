"""Sides: 50 / 10 / 40 by document, whatever else there is."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.types import SIDES
from autointerp.sampling.sides import side_of

SHARES = {"shown": 0.5, "select": 0.1, "held_out": 0.4}


def test_shares_within_binomial_bounds() -> None:
    """Of 10,000 documents each side gets its share, within four standard deviations, for several seeds."""
    n = 10_000
    for seed in range(3):
        counts = Counter(side_of(f"doc/{i}", seed=seed) for i in range(n))
        for side in SIDES:
            share = SHARES[side]
            assert abs(counts[side] - n * share) < 4 * (n * share * (1 - share)) ** 0.5


@given(st.lists(st.text(), unique=True), st.integers(0, 5), st.randoms())
def test_independent_of_order_and_company(docs: list[str], seed: int, shuffler: object) -> None:
    """A document's side depends on its name and the seed alone."""
    alone = {doc: side_of(doc, seed=seed) for doc in docs}
    shuffled = list(docs)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    assert {doc: side_of(doc, seed=seed) for doc in shuffled} == alone
    assert set(alone.values()) <= set(SIDES)


def test_seed_matters() -> None:
    """Another seed divides the documents anew: about 1 - (.25 + .01 + .16) = 58% change sides."""
    changed = sum(side_of(f"d{i}", seed=0) != side_of(f"d{i}", seed=1) for i in range(2000))
    assert 1060 < changed < 1260
