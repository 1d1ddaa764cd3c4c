"""A known share comes back through a judge of known errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.draws import generator
from autointerp.core.types import Reason
from autointerp.trust.calibration import Anchors, calibrate_share, rogan_gladen

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
    assert many.value == few.value
    assert few.high - few.low > 1.5 * (many.high - many.low)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("anchors", "status"),
    [(Anchors(6, 10, 6, 10), Reason.UNDECIDABLE), (Anchors(0, 0, 9, 10), Reason.TOO_FEW_EXAMPLES)],
)
def test_no_number_without_knowledge(anchors: Anchors, status: Reason) -> None:
    """A judge that knows too little, or was never tested, gives a reason and no number."""
    found = calibrate_share(4, 10, anchors, seed=0, key=())
    assert (found.value, found.low, found.high, found.status) == (None, None, None, status)
