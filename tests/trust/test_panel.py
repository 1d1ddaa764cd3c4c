"""Judges that make the same mistakes are one judge, and a label in code is found out by another family."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.types import About, Explanation, Question, Window, YesNo
from autointerp.metrics.classification import auroc
from autointerp.trust.codewords import coded_label, family_meanings, plain_label
from autointerp.trust.oracle import Oracle, judge_function, says_yes
from autointerp.trust.panel import effective_votes, panel_of, share_of_gain_lost
from autointerp.trust.predicates import Predicate
from autointerp.trust.templates import template_windows
from autointerp.trust.zoo import ZooFeature

TRUTH = np.tile([1.0, 0.0], 1000)


def panel_votes(correlation: float) -> dict[str, list[float]]:
    """Three oracles of 0.8 / 0.8 on 2,000 items."""
    judges = {name: Oracle(0.8, 0.8, seed, correlation) for name, seed in (("a", 1), ("b", 2), ("c", 3))}
    return {
        name: [float(says_yes(judge, label="x", item=str(i), fits=bool(t))) for i, t in enumerate(TRUTH)]
        for name, judge in judges.items()
    }


@pytest.mark.parametrize(("correlation", "votes"), [(0.0, 3.0), (0.5, 1.5), (1.0, 1.0)])
def test_votes_of_three(correlation: float, votes: float) -> None:
    """k / (1 + (k - 1) r): three independent judges, half shared errors, one judge three times."""
    found = panel_of(TRUTH, panel_votes(correlation))
    assert found.effective_votes == pytest.approx(votes, abs=0.2)
    assert len(found.pairs) == 3
    # Of 0.8 judges: they agree where both are right or both wrong.
    expected = correlation + (1 - correlation) * (0.8**2 + 0.2**2)
    assert all(pair.raw == pytest.approx(expected, abs=0.04) for pair in found.pairs)


def test_kappa_by_hand() -> None:
    """Agreement 3 of 4 where chance agrees on half: (0.75 - 0.5) / 0.5."""
    pair = panel_of([1, 1, 0, 0], {"a": [1, 1, 0, 0], "b": [1, 0, 0, 0]}).pairs[0]
    assert (pair.raw, pair.n_items) == (0.75, 4)
    assert pair.kappa == pytest.approx(0.5)
    assert pair.prevalence == pytest.approx(3 / 8)
    assert panel_of([1, 0], {"a": [1, 1], "b": [1, 1]}).pairs[0].kappa is None


@given(st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=2, max_size=5))
def test_votes_lie_between_one_and_all(errors: list[list[bool]]) -> None:
    """Never less than one judge, never more than there are."""
    found = effective_votes(errors)
    assert found is None or 1 - 1e-9 <= found <= len(errors) + 1e-9


def detection(meanings: Mapping[str, Predicate], label: Explanation, tiles: list[Window]) -> float:
    """AUROC of a label under a perfect judge that reads as it does."""
    judge = judge_function(Oracle(), meanings)
    guesses = [
        judge(Question("", "", 1, YesNo(), about=About(label.feature, tile.item, label.text, tile))) for tile in tiles
    ]
    return auroc([tile.is_firing for tile in tiles], guesses) or 0.0


def test_a_codeword_loses_its_gain_elsewhere(one_of_each_kind: tuple[ZooFeature, ...]) -> None:
    """A label in code scores 1 at home and chance under another family: at least 90% of its gain is lost."""
    at_home = family_meanings(one_of_each_kind, reads_code=True)
    elsewhere = family_meanings(one_of_each_kind, reads_code=False)
    for feature in one_of_each_kind:
        tiles = list(template_windows(feature, 30, seed=0))
        home, away = (detection(meanings, coded_label(feature), tiles) for meanings in (at_home, elsewhere))
        assert home == 1.0
        lost = share_of_gain_lost(home=home, away=away, chance=detection(at_home, plain_label(feature), tiles))
        assert lost is not None
        assert lost >= 0.9, feature.name


def test_nothing_gained_nothing_lost() -> None:
    """Without a gain at home there is no share to lose."""
    assert share_of_gain_lost(home=0.5, away=0.4, chance=0.5) is None
    assert share_of_gain_lost(home=0.9, away=0.7, chance=0.5) == pytest.approx(0.5)
