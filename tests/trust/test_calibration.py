"""A known share comes back through a judge of known errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.draws import generator
from autointerp.core.types import Reason
from autointerp.metrics.classification import Rates
from autointerp.trust.calibration import Anchors, calibrate_mean, calibrate_share, calibrated_rates, rogan_gladen

share = st.floats(0, 1)


@given(share, share, share)
def test_rogan_gladen_inverts_the_judge(theta: float, q1: float, q0: float) -> None:
    """theta q1 + (1 - theta)(1 - q0) yes answers give theta back; below 1.3 nothing is said."""
    p = theta * q1 + (1 - theta) * (1 - q0)
    found = rogan_gladen(p, sensitivity=q1, specificity=q0)
    if q1 + q0 < 1.2999:
        assert found is None
    elif q1 + q0 > 1.3001:
        assert found == pytest.approx(theta, abs=1e-6)


def test_coverage() -> None:
    """The 95% interval holds the true share in at least 90% of 200 simulated evaluations."""
    n_held = 0
    for seed in range(200):
        random = generator(seed, "test_coverage")
        anchors = Anchors(int(random.binomial(60, 0.85)), 60, int(random.binomial(60, 0.9)), 60)
        n_yes = int(random.binomial(100, 0.3 * 0.85 + 0.7 * 0.1))
        found = calibrate_share(n_yes, 100, anchors, seed=seed, key=("a",))
        assert found.low is not None
        assert found.high is not None
        n_held += found.low <= 0.3 <= found.high
    assert n_held >= 180


def test_anchors_widen_the_interval() -> None:
    """Fewer anchors, wider interval."""
    many = calibrate_share(40, 100, Anchors(900, 1000, 900, 1000), seed=0, key=())
    few = calibrate_share(40, 100, Anchors(9, 10, 9, 10), seed=0, key=())
    assert many.value == pytest.approx(few.value, abs=0.01)
    assert few.high - few.low > 1.5 * (many.high - many.low)  # type: ignore[operator]


def test_means_are_unbiased() -> None:
    """The mean of uncut shares over 600 evaluations is the truth, within 0.01; that of cut ones is not."""
    random = generator(0, "test_means")
    found = [
        calibrate_share(
            int(random.binomial(200, 0.03 * 0.8 + 0.97 * 0.2)),
            200,
            Anchors(int(random.binomial(100, 0.8)), 100, int(random.binomial(100, 0.8)), 100),
            seed=0,
            key=(number,),
        )
        for number in range(600)
    ]
    assert sum(one.uncut or 0.0 for one in found) / len(found) == pytest.approx(0.03, abs=0.01)
    assert sum(one.value or 0.0 for one in found) / len(found) > 0.04


def test_rates_are_corrected_together() -> None:
    """Recall and false fire seen through a 0.8 / 0.8 judge come back; a judge that knows too little gives none."""
    anchors = Anchors(80, 100, 80, 100)
    found = calibrated_rates(Rates(0.8 * 0.9 + 0.2 * 0.1, 0.2, 50, 50), anchors)
    assert found is not None
    assert found.recall == pytest.approx(0.9)
    assert found.false_fire == pytest.approx(0.0)
    assert calibrated_rates(Rates(0.5, 0.5, 9, 9), Anchors(6, 10, 6, 10)) is None
    assert calibrated_rates(Rates(None, 0.5, 0, 9), anchors) is None


@pytest.mark.parametrize(
    ("anchors", "status"),
    [(Anchors(6, 10, 6, 10), Reason.UNDECIDABLE), (Anchors(0, 0, 9, 10), Reason.TOO_FEW_EXAMPLES)],
)
def test_no_number_without_knowledge(anchors: Anchors, status: Reason) -> None:
    """A judge that knows too little, or was never tested, gives a reason and no number."""
    found = calibrate_share(4, 10, anchors, seed=0, key=())
    assert (found.value, found.low, found.high, found.status) == (None, None, None, status)


def test_the_mean_over_features_is_covered() -> None:
    """Features differ, judge and anchors err: the interval holds the mean true share in at least 90% of 200 runs."""
    n_held = 0
    for seed in range(200):
        random = generator(seed, "test_mean")
        anchors = Anchors(int(random.binomial(200, 0.85)), 200, int(random.binomial(200, 0.9)), 200)
        truth = random.beta(2, 2, size=30)
        shares = random.binomial(20, truth * 0.85 + (1 - truth) * 0.1) / 20
        found = calibrate_mean(shares, anchors, seed=seed, key=("m",))
        assert found.low is not None
        assert found.high is not None
        n_held += found.low <= 0.5 <= found.high
    assert n_held >= 180


@pytest.mark.parametrize("shares", [[0.0] * 8, [0.4], [0.2, 0.6]])
def test_few_or_equal_features_are_not_certain(shares: list[float]) -> None:
    """A bootstrap of them would have no width; the interval has one, and holds the value."""
    found = calibrate_mean(shares, Anchors(900, 1000, 900, 1000), seed=0, key=())
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.value <= found.high
    assert found.high - found.low > 0.05
    assert calibrate_mean([], Anchors(9, 10, 9, 10), seed=0, key=()).status is Reason.TOO_FEW_EXAMPLES
    assert calibrate_mean(shares, Anchors(6, 10, 6, 10), seed=0, key=()).status is Reason.UNDECIDABLE
