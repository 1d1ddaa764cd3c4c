"""Completeness: a planted f50 is found again, made-up words count apart, what cannot be fitted says why."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from autointerp.analysis.completeness import fit_completeness


def planted(*, n: int, f50: float, slope: float, seed: int) -> pd.DataFrame:
    """Return concepts found with the probability of a logistic curve, and ten made-up words of which one is found."""
    draws = np.random.default_rng(seed)
    logs = draws.uniform(-8, -3, n)
    found = draws.random(n) < expit(slope * (logs - np.log10(f50)))
    real = pd.DataFrame({"concept": "c", "frequency": 10**logs, "is_found": found, "is_control": False})
    made_up = pd.DataFrame(
        {"concept": "m", "frequency": 0.0, "is_found": [True] + [False] * 9, "is_control": True},
    )
    return pd.concat([real, made_up], ignore_index=True)


def test_the_planted_frequency_is_found() -> None:
    """Of 600 concepts f50 is found within a fifth of a decade, its interval holds it, and the slope within a fifth."""
    fit = fit_completeness(planted(n=600, f50=3e-6, slope=3.0, seed=1), n_alive=1000)
    assert fit.f50 is not None
    assert fit.slope is not None
    assert fit.f50.value is not None
    assert abs(np.log10(fit.f50.value / 3e-6)) < 0.2
    assert fit.f50.low < 3e-6 < fit.f50.high
    assert abs(fit.slope - 3) < 0.6
    assert fit.alive_f50 == pytest.approx(1000 * fit.f50.value)
    assert (fit.false_found, fit.n_controls, fit.n) == (1, 10, 600)


def test_the_interval_covers() -> None:
    """In at least 18 of 20 repeats of 80 concepts the 95% interval holds the planted f50."""
    fits = [fit_completeness(planted(n=80, f50=1e-5, slope=2.0, seed=seed)) for seed in range(20)]
    assert sum(fit.f50 is not None and fit.f50.low <= 1e-5 <= fit.f50.high for fit in fits) >= 18


RARELY = [False, True, False, False, True, False, False, False, True, False]


@pytest.mark.parametrize(
    ("n", "found", "why"), [(5, [True, False] * 2 + [True], "10 needed"), (12, [True] * 12, "all of 12"),
                            (12, [False] * 12, "none of 12"), (12, [True] * 6 + [False] * 6, "not found more often"),
                            (12, [False, True] * 6, "too few concepts"), (30, [False] * 20 + RARELY, "beyond")],
)  # fmt: skip
def test_what_cannot_be_fitted_says_why(n: int, found: list[bool], why: str) -> None:
    """Few concepts, all or none found, or rare ones found rather than frequent ones: no number, and a reason."""
    frequency = np.logspace(-6, -3, n)
    fit = fit_completeness(
        pd.DataFrame({"concept": "c", "frequency": frequency, "is_found": found, "is_control": False})
    )
    assert fit.f50 is None
    assert why in fit.note


@pytest.mark.parametrize(("n_found", "mentions"), [(7, 11), (3, 51), (1, 5)])
def test_concepts_of_one_frequency_have_no_f50(n_found: int, mentions: int) -> None:
    """Rounding makes no rise of none."""
    frame = pd.DataFrame({"concept": "c", "frequency": mentions / 40_000, "is_control": False}, index=range(12))
    fit = fit_completeness(frame.assign(is_found=[True] * n_found + [False] * (12 - n_found)))
    assert (fit.f50, fit.note) == (None, "all concepts are written equally often")


def test_found_whatever_the_frequency_has_no_bounds() -> None:
    """Without a dependence there is no f50 with an interval, in most worlds: no number that means nothing."""
    frequency = np.logspace(-5, -3, 40)
    worlds = [np.random.default_rng(seed).random(40) < 0.5 for seed in range(20)]
    fits = [
        fit_completeness(pd.DataFrame({"concept": "c", "frequency": frequency, "is_found": w, "is_control": False}))
        for w in worlds
    ]
    assert sum(fit.f50 is not None for fit in fits) <= 2
