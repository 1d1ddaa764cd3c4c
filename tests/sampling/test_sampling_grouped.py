"""Rows in groups."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autointerp.sampling.grouped import places_in


@given(st.sets(st.integers(-50, 5_000), min_size=1), st.data())
def test_places_are_those_a_search_finds(numbers: set[int], data: st.DataObject) -> None:
    """Every value is found where it stands among the known ones, in any order and as often as it is asked for."""
    known = np.array(sorted(numbers))
    values = np.array(data.draw(st.lists(st.sampled_from(sorted(numbers)))), np.int64)
    assert places_in(known, values).tolist() == np.searchsorted(known, values).tolist()
