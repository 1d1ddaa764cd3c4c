"""A trend with width over several trainings: a mixed model, refused with fewer than three seeds a width."""

import warnings

import numpy as np
import pandas as pd

from autointerp.analysis.estimates import Estimate
from autointerp.analysis.width import MIN_WIDTHS

MIN_SEEDS = 3
Z95 = 1.959963984540054


def mixed_slope(values: pd.DataFrame) -> tuple[Estimate | None, str]:
    """Return the slope per doubling with an interval over trainings as well as features, or None and the reason.

    A random intercept a dictionary, by restricted maximum likelihood (statsmodels MixedLM): what one training happens
    to give no longer passes for a change with width. ``n`` counts dictionaries; the interval is Wald's, and with few
    dictionaries rather too short.

    Args:
        values: Columns width, seed and value, one row a feature; of one family but for the seed.
    """
    n_seeds = values.groupby("width")["seed"].nunique()
    if len(n_seeds) < MIN_WIDTHS:
        return None, f"{len(n_seeds)} widths, {MIN_WIDTHS} needed"
    if n_seeds.min() < MIN_SEEDS:
        return None, f"a width has {n_seeds.min()} trainings, {MIN_SEEDS} needed"
    return _fitted(values)


def _fitted(values: pd.DataFrame) -> tuple[Estimate | None, str]:
    from statsmodels.regression.mixed_linear_model import MixedLM

    design = np.column_stack([np.ones(len(values)), np.log2(values["width"].to_numpy(float))])
    groups = values["width"].astype(str) + ":" + values["seed"].astype(str)
    with warnings.catch_warnings():
        # A variance between trainings of 0 lies on the edge of what is allowed, which is no fault of the fit.
        warnings.simplefilter("ignore")
        fit = MixedLM(values["value"].to_numpy(float), design, groups.to_numpy()).fit(reml=True)
    slope, error = float(fit.fe_params[1]), float(fit.bse_fe[1])
    if not fit.converged or not np.isfinite([slope, error]).all():
        return None, "the mixed model did not converge"
    return Estimate(slope, slope - Z95 * error, slope + Z95 * error, error, groups.nunique()), ""
