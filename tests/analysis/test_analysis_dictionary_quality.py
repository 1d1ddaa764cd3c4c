"""Dictionaries without labels: shares alive, and every feature in one bin of density."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.analysis.dictionary_quality import density_histogram, quality_by_width


@given(st.lists(st.one_of(st.just(0.0), st.floats(1e-9, 1)), min_size=1, max_size=30))
def test_every_feature_is_in_one_bin(densities: list[float]) -> None:
    """Counts sum to the features; each bin that counts any holds at least one density; silent ones are apart."""
    found = density_histogram(pd.DataFrame({"dictionary": "toy/4", "density": densities}))
    assert found["n"].sum() == len(densities)
    assert found.loc[found["high"] == 0, "n"].sum() == densities.count(0.0)
    for row in found[found["high"] > 0].itertuples():
        assert any(row.low * 0.999 <= d <= row.high * 1.001 for d in densities)


def test_bins_by_hand() -> None:
    """Half powers of ten, the lower edge inclusive."""
    found = density_histogram(pd.DataFrame({"dictionary": "toy/4", "density": [0.001, 0.002, 0.01, 0.0]}))
    assert found["low"].tolist() == pytest.approx([0, 1e-3, 1e-2])
    assert found["n"].tolist() == [1, 2, 1]


def test_share_alive() -> None:
    """Of all features; unknown stays unknown."""
    rows = [
        {"dictionary": f"toy/{w}", "family": "toy", "width": w, "l0": 3.0, "n_alive": n,
         "fraction_variance_explained": 0.7, "fraction_ce_recovered": None}
        for w, n in ((8, None), (4, 3))
    ]  # fmt: skip
    found = quality_by_width(pd.DataFrame(rows))
    assert found["width"].tolist() == [4, 8]
    assert found["fraction_alive"].iloc[0] == 0.75
    assert pd.isna(found["fraction_alive"].iloc[1])
