"""Power laws: exact ones are found, and nothing is fitted where nothing can be."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.analysis.fixed_density import FixedCurve
from autointerp.analysis.power_law import fit_fixed, fit_loss, fit_scores, loss_laws

WIDTHS = [512, 1024, 2048, 4096]


@given(st.floats(-2, 2), st.floats(0.1, 10), st.integers(4, 8))
def test_an_exact_law_is_found(exponent: float, scale: float, n: int) -> None:
    """y = scale * x ** exponent gives both back, with no room about them."""
    x = [2.0**k for k in range(4, 4 + n)]
    law = fit_loss("loss", "width", x, [scale * one**exponent for one in x])
    assert law.exponent is not None
    assert (law.exponent.value, law.scale) == (pytest.approx(exponent, abs=1e-6), pytest.approx(scale, rel=1e-4))
    assert law.exponent.half_width == pytest.approx(0, abs=1e-4)


def test_the_interval_of_losses_holds_the_truth() -> None:
    """Losses scattered about a law: 95% intervals hold the exponent in about 95% of repeats."""
    x, draws = np.array([2.0**k for k in range(9, 14)]), np.random.default_rng(0)
    laws = [fit_loss("loss", "width", x, 3 * x**-0.2 * np.exp(draws.normal(0, 0.05, 5))) for _ in range(400)]
    held = [law.exponent.low <= -0.2 <= law.exponent.high for law in laws if law.exponent is not None]
    assert 0.92 <= np.mean(held) <= 0.98


def test_scores_have_an_interval_over_features() -> None:
    """1 - score falls as width ** -0.3: the interval holds it, and is the same the second time."""
    draws = np.random.default_rng(1)
    by_width = {w: 1 - 4 * w**-0.3 + draws.normal(0, 0.05, 200) for w in WIDTHS}
    law = fit_scores("1 - AUROC", by_width, seed=0, about=("a",))
    assert law.exponent is not None
    assert law.exponent.low < -0.3 < law.exponent.high
    assert law == fit_scores("1 - AUROC", by_width, seed=0, about=("a",))
    compute = fit_scores("1 - AUROC", by_width, seed=0, about=("a",), x=[w**2.0 for w in WIDTHS])
    assert compute.against == "compute"
    assert compute.exponent.value == pytest.approx(law.exponent.value / 2)


def test_three_widths_are_points() -> None:
    """Points and no fit; the same where four dictionaries share three widths."""
    for x in ([512, 1024, 2048], [512, 1024, 2048, 2048]):
        law = fit_loss("loss", "width", x, [0.3, 0.2, 0.1, 0.1][: len(x)])
        assert law.exponent is None
        assert len(law.y) == len(x)
        assert "3 points of different width, 4 needed" in law.note
    assert "0 points" in fit_fixed("1 - AUROC", FixedCurve(note="densities hardly meet")).note


def test_a_perfect_score_has_no_logarithm() -> None:
    """Means of 1, or so near it that a bootstrap sample reaches it, are not fitted; the note says so."""
    perfect = {w: np.ones(5) for w in WIDTHS}
    assert "no logarithm" in fit_scores("1 - AUROC", perfect, seed=0, about=()).note
    nearly = {w: np.array([1.0, 1.0, 0.9]) for w in WIDTHS}
    assert "bootstrap samples" in fit_scores("1 - AUROC", nearly, seed=0, about=()).note


def test_loss_against_width_and_compute() -> None:
    """One law a family and axis: the loss of the last step against compute; unknown losses and lone ones are none."""
    dictionaries = pd.DataFrame(
        {"dictionary": [f"toy/{w}" for w in WIDTHS], "family": "toy", "width": WIDTHS,
         "fraction_variance_explained": [1 - w**-0.5 for w in WIDTHS]}
    )  # fmt: skip
    alone = pd.DataFrame(
        [{"dictionary": "pca/64", "family": "pca", "width": 64, "fraction_variance_explained": 0.5},
         {"dictionary": "ica/64", "family": "ica", "width": 64, "fraction_variance_explained": None}]
    )  # fmt: skip
    training = pd.DataFrame(
        {"dictionary": f"toy/{w}", "family": "toy", "width": w, "step": step, "flops": float(w * step), "loss": loss}
        for w in WIDTHS
        for step, loss in ((1, 0.9), (8, w**-0.25))
    )
    by_width, by_compute = loss_laws(pd.concat([dictionaries, alone]), training)
    assert (by_width.of, by_width.against) == ("loss of toy", "width")
    assert by_width.exponent.value == pytest.approx(-0.5)
    assert by_compute.exponent.value == pytest.approx(-0.25)
    assert by_compute.x == tuple(8.0 * w for w in WIDTHS)
    assert len(loss_laws(dictionaries)) == 1
