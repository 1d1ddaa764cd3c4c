"""What each dictionary is worth without any label: L0, share alive, variance and cross-entropy, density histogram."""

import numpy as np
import pandas as pd

PER_DECADE = 2
"""Bins of a density histogram in each power of ten."""


def quality_by_width(dictionaries: pd.DataFrame) -> pd.DataFrame:
    """Return one row a dictionary, narrow ones first by family; ``fraction_alive`` in [0, 1]; NaN = not measured."""
    columns = ["family", "width", "dictionary", "l0", "fraction_alive", "fraction_variance_explained"]
    alive = dictionaries["n_alive"].astype(float) / dictionaries["width"].astype(float)
    ordered = dictionaries.assign(fraction_alive=alive).sort_values(["family", "width", "dictionary"])
    return ordered[[*columns, "fraction_ce_recovered"]].reset_index(drop=True)


def density_histogram(features: pd.DataFrame) -> pd.DataFrame:
    """Return dictionary, low, high (densities per token, low inclusive) and n; features that never fired are at 0 to 0.

    Bins are halves of a power of ten, the same for every dictionary.
    """
    density = features["density"].to_numpy(np.float64)
    fires = density > 0
    # A hair upwards: the logarithm of a power of ten may fall just below its whole number.
    place = np.floor(np.log10(np.where(fires, density, 1.0)) * PER_DECADE + 1e-9)
    low, high = (np.where(fires, 10 ** ((place + step) / PER_DECADE), 0.0) for step in (0, 1))
    bins = features[["dictionary"]].assign(low=low, high=high)
    return bins.groupby(["dictionary", "low", "high"], sort=True).size().rename("n").reset_index()
