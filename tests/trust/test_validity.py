"""Scores rank labels as they deserve: the benchmark's validity, on one feature of each kind."""

from collections.abc import Sequence

import numpy as np
import pytest

from autointerp.core.types import Window
from autointerp.metrics.classification import answer_rates, population_f1
from autointerp.trust.frames import SideSizes
from autointerp.trust.ladders import Ladder, Step, at_density, ladder_among
from autointerp.trust.oracle import Oracle, says_yes
from autointerp.trust.planting import PlantSettings, plant_among, population
from autointerp.trust.ranking import ladder_tau
from autointerp.trust.zoo import ZooFeature

SETTINGS = PlantSettings(
    held_out=SideSizes(top=0, firing=60, silent=120, near=60), min_available=10**6, n_template_docs=200
)
Judged = tuple[Ladder, list[tuple[float, float]]]


def judged(feature: ZooFeature, tiles: Sequence[Window], judge: Oracle) -> Judged:
    """The ladder, and recall and false fire of each label under the judge."""
    everything = population(feature, tiles, SETTINGS)
    ladder, samples = ladder_among(feature, everything), plant_among(feature, everything, SETTINGS).held_out
    rates = []
    for step in ladder.steps:
        yes = [says_yes(judge, label=step.rung, item=s.window.item, fits=s.window.item in step.fits) for s in samples]
        found = answer_rates([s.window.is_firing for s in samples], yes, [s.weight for s in samples])
        rates.append((found.recall or 0.0, found.false_fire or 0.0))
    return ladder, rates


def scores_at(one: Judged, density: float) -> tuple[tuple[Step, float], ...]:
    """Each label's true step and its population F1."""
    steps = at_density(one[0], density).steps
    return tuple((step, population_f1(*rates, density) or 0.0) for step, rates in zip(steps, one[1], strict=True))


@pytest.fixture(scope="module")
def features(one_of_each_kind: tuple[ZooFeature, ...]) -> list[ZooFeature]:
    """Those dense enough for sixty firing windows out of two hundred made-up documents."""
    return [feature for feature in one_of_each_kind if feature.kind != "noise"]


def test_a_perfect_judge_ranks_labels_as_they_deserve(features: list[ZooFeature], tiles: list[Window]) -> None:
    """Mean tau-b of at least 0.9 at densities of 1e-3 and above; the exact label above its neighbours."""
    found = [judged(feature, tiles, Oracle()) for feature in features]
    for density in (1e-3, 0.1, 0.3):
        pairs = [scores_at(one, density) for one in found]
        assert np.mean([ladder_tau(one, resolution=1e-9) for one in pairs]) >= 0.9
        for one in pairs:
            worse = [v for step, v in one if step.rung in ("too_broad", "too_narrow") and step.f1 < one[0][0].f1]
            assert all(one[0][1] > value for value in worse)


def test_a_noisy_judge_still_ranks_dense_features(features: list[ZooFeature], tiles: list[Window]) -> None:
    """A 0.8 / 0.8 judge: mean tau-b of at least 0.7 where a tenth of the windows fire; a coin ranks nothing."""
    noisy = [scores_at(judged(feature, tiles, Oracle(0.8, 0.8)), 0.1) for feature in features]
    assert np.mean([ladder_tau(one, resolution=1e-9) for one in noisy]) >= 0.7
    coin = [scores_at(judged(feature, tiles, Oracle(0.5, 0.5)), 0.1) for feature in features]
    assert abs(np.mean([ladder_tau(one, resolution=1e-9) for one in coin])) <= 0.3
