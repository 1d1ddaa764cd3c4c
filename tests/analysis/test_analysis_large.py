"""Above some thousand features intervals are the normal law's: they are the bootstrap's, in a fraction of the time."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from autointerp.analysis import agreement, estimates, fixed_density
from autointerp.analysis.agreement import agreements
from autointerp.analysis.estimates import LARGE, Estimate, Floats, estimate_mean
from autointerp.analysis.fixed_density import Scored, fixed_curve
from autointerp.analysis.width import curve_slope, estimate_slope

N = LARGE + 1_000


def drawn(seed: int, n: int = N) -> tuple[Floats, Floats]:
    """Return scores that lean on the weights beside them, so that neither mean nor interval is the plain one's."""
    draws = np.random.default_rng(seed)
    weights = draws.lognormal(0, 0.3, n)
    return np.clip(draws.normal(0.6, 0.2, n) + 0.1 * np.log(weights), 0, 1), weights


def by_width(*sizes: int) -> dict[int, Scored]:
    """Return three widths whose scores rise with density."""
    found = {}
    for width, n in zip((512, 1024, 2048), sizes, strict=True):
        values, weights = drawn(width, n)
        found[width] = Scored(values, weights * 1e-4)
    return found


def interval_of_ranks(x: np.ndarray, y: np.ndarray) -> tuple[float | None, ...]:
    sides = {"detection": x, "fuzzing": y}
    scores = pd.concat(
        pd.DataFrame({"feature": range(len(found)), "scorer": scorer, "metric": "auroc", "value": found})
        for scorer, found in sides.items()
    )
    values = scores.assign(dictionary="toy/4", explainer="examples", variant="", judge="j", control="none")
    (found,) = agreements(values.reset_index(drop=True))
    assert found.rho == pytest.approx(spearmanr(x, y).statistic)
    return found.low, found.high


WAYS: dict[str, Callable[[], tuple[float | None, ...]]] = {
    "mean": lambda: ends(estimate_mean(drawn(1)[0], seed=0, about=())),
    "weighted mean": lambda: ends(estimate_mean(drawn(1)[0], seed=0, about=(), weights=drawn(1)[1])),
    "slope": lambda: ends(
        estimate_slope({w: one.values for w, one in by_width(400, N, 3 * N).items()}, seed=0, about=())
    ),
    "slope at fixed density": lambda: ends(curve_slope(fixed_curve(by_width(4 * N, 6 * N, 10 * N), seed=0, about=()))),
    "widest at fixed density": lambda: ends(fixed_curve(by_width(4 * N, 6 * N, 10 * N), seed=0, about=()).means[-1]),
    "rank correlation": lambda: interval_of_ranks(*drawn(1)),
}


def ends(estimate: Estimate | None) -> tuple[float | None, ...]:
    assert estimate is not None
    return estimate.low, estimate.high


def test_few_that_weigh_all_are_few() -> None:
    """One feature with most of the firings: no interval of the normal law, which would reach beyond 1."""
    weights = np.ones(N)
    weights[0] = 1.5 * N
    values = np.append(1.0, np.full(N - 1, 0.6))
    found = estimate_mean(values, seed=0, about=(), weights=weights)
    assert found.high is not None
    assert found.high <= 1.0


def test_ranks_that_are_tied_have_no_formula() -> None:
    """Three features of thousands decide the correlation: the interval is as wide as that."""
    x, y = np.zeros(N), np.zeros(N)
    x[[0, 1, 2]] = y[[0, 1, 3]] = 1.0
    low, high = interval_of_ranks(x, y)
    assert low is not None
    assert high is not None
    assert high - low > 0.5


@pytest.mark.parametrize("name", WAYS)
def test_both_ways_give_one_interval(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ends, to a tenth of the interval's width: what two bootstraps differ by, too."""
    normal = np.array(WAYS[name](), dtype=float)
    for module in (estimates, agreement, fixed_density):
        monkeypatch.setattr(module, "LARGE", 10**9)
    bootstrap = np.array(WAYS[name](), dtype=float)
    assert not np.array_equal(normal, bootstrap)
    assert np.abs(normal - bootstrap).max() < 0.1 * np.ptp(bootstrap)
