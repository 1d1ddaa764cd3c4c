"""The next questions go where they narrow the answer."""

from autointerp.metrics.population import Stratum
from autointerp.sampling.ranked import geometric_shares
from autointerp.trust.population import Asked, next_questions

SHARES = geometric_shares(5, finest=0.001)
ROOM = (10_000,) * 5


def test_all_answers_are_placed() -> None:
    """As many as asked for, none beyond what is left."""
    asked = Asked(40, 50, tuple(Stratum(share, 20) for share in SHARES))
    placed = next_questions(asked, 200, window_density=1e-3, n_firing_left=3, n_silent_left=ROOM, seed=0)
    assert placed.n_firing <= 3
    assert placed.n_firing + sum(placed.n_silent) == 200


def test_what_is_known_is_not_asked_again() -> None:
    """A stratum with thousands of like answers gets fewer than it would without them."""
    fresh = Asked(40, 50, tuple(Stratum(share, 20, 1) for share in SHARES))
    known = Asked(40, 50, (*fresh.strata[:4], Stratum(SHARES[4], 50_000, 0)))
    before, after = (
        next_questions(asked, 300, window_density=1e-3, n_firing_left=500, n_silent_left=ROOM, seed=0).n_silent[4]
        for asked in (fresh, known)
    )
    assert after < 0.7 * before


def test_common_features_need_their_recall() -> None:
    """Where a third of all tiles fire, firing tiles get most of the answers; where a thousandth does, few."""
    asked = Asked(5, 10, tuple(Stratum(share, 50, 0) for share in SHARES))
    common, rare = (
        next_questions(asked, 100, window_density=d, n_firing_left=900, n_silent_left=ROOM, seed=0).n_firing
        for d in (0.3, 1e-3)
    )
    assert common > 50 > rare
