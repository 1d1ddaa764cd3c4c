"""Population figures: near the truth where there is something to know, open where there is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from autointerp.core.draws import generator
from autointerp.metrics.classification import population_f1
from autointerp.metrics.population import Stratum, false_fire_draws, population_figures
from autointerp.sampling.ranked import geometric_shares

SHARES = geometric_shares()
DENSITY, RECALL = 1e-3, 0.8
counts = st.integers(0, 200).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


def rates_of(auroc: float, false_fire: float = 5e-4) -> np.ndarray:
    """Yes rate of each stratum when windows that fit rank higher, by a Gaussian with this AUROC."""
    edges = norm.isf(np.concatenate([[0.0], np.cumsum(SHARES)[:-1], [1.0]]))
    return np.minimum(1.0, false_fire * np.diff(norm.sf(edges - norm.ppf(auroc) * np.sqrt(2))) / SHARES)


def figures(rates: np.ndarray, n_silent: int, *, seed: int):  # type: ignore[no-untyped-def]
    """Figures from *n_silent* answers spread evenly over the strata, and as many about firing windows by half."""
    draw = generator(seed, "answers")
    n = n_silent // len(rates)
    strata = [Stratum(s, n, int(draw.binomial(n, r))) for s, r in zip(SHARES, rates, strict=True)]
    hits = int(draw.binomial(n_silent // 2, RECALL))
    return population_figures(strata, n_hits=hits, n_firing=n_silent // 2, window_density=DENSITY, seed=seed)


@pytest.mark.parametrize("auroc", [0.7, 0.98])
def test_coverage(auroc: float) -> None:
    """The 95% interval of F1 holds the truth in at least 90% of 150 evaluations, however bad the ranking."""
    rates = rates_of(auroc)
    truth = population_f1(RECALL, float(rates @ SHARES), DENSITY)
    assert truth is not None
    found = [figures(rates, 600, seed=seed).f1 for seed in range(150)]
    assert np.mean([one.low <= truth <= one.high for one in found]) >= 0.9


def test_a_better_ranking_narrows_it() -> None:
    """Where the windows that fit stand first, as many answers say more."""
    widths = [
        np.mean([(f := figures(rates_of(a), 600, seed=s).f1).high - f.low for s in range(20)]) for a in (0.5, 0.99)
    ]
    assert widths[1] < 0.8 * widths[0]


def test_nothing_found_is_not_nothing_there() -> None:
    """No yes among many silent windows leaves the interval open; more of them push it up."""
    few, many = (
        population_figures([Stratum(1.0, n)], n_hits=50, n_firing=50, window_density=DENSITY, seed=0).f1
        for n in (300, 30_000)
    )
    assert few.low < many.low < 1
    assert few.value < many.value


def test_many_answers_decide_alone() -> None:
    """With thousands of answers in a stratum its posterior is their share, whatever the others say."""
    draws = false_fire_draws([Stratum(0.1, 5000, 4000), Stratum(0.9, 5000, 50)], generator(0, "many"))
    assert draws.mean(axis=0) == pytest.approx([0.8, 0.01], rel=0.05)


@settings(max_examples=40, deadline=None)
@given(st.lists(counts, min_size=1, max_size=6), counts, st.floats(1e-5, 0.5))
def test_figures_hold_together(rows: list[tuple[int, int]], firing: tuple[int, int], density: float) -> None:
    """Every figure lies in its interval and in [0, 1]; the same seed gives the same figures."""
    strata = [Stratum(1 / len(rows), n, yes) for n, yes in rows]
    one, again = (
        population_figures(strata, n_hits=firing[1], n_firing=firing[0], window_density=density, seed=1)
        for _ in range(2)
    )
    assert one == again
    for figure in (one.precision, one.recall, one.false_fire, one.f1):
        assert 0 <= figure.low <= figure.high <= 1
        assert 0 <= figure.value <= 1


def test_strata_are_checked() -> None:
    """More yes than answers, or no tiles at all, is a mistake."""
    with pytest.raises(ValueError, match="stratum"):
        Stratum(0.5, 3, 4)
    with pytest.raises(ValueError, match="stratum"):
        Stratum(0.0)
