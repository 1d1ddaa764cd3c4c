"""Which labels beat other features' labels on the same windows, at a false discovery rate; no call is spent."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from autointerp.analysis.answers import Judged, aligned, judged_labels
from autointerp.core.types import FeatureId, FloatArray
from autointerp.trust.controls import benjamini_hochberg
from autointerp.trust.swaps import item_gains, swap_p_values

LEVEL = 0.05
"""The false discovery rate below which a label counts as better than swapped ones."""


@dataclass(frozen=True, slots=True)
class SwapTest:
    """One label under one scorer, variant and judge.

    ``p``: how often labels drawn anew for each window lead by as much as this one. ``q``: the same
    after Benjamini-Hochberg over the features of its dictionary, explainer, scorer, variant and judge.
    """

    feature: FeatureId
    explanation: str
    explainer: str
    scorer: str
    variant: str
    judge: str
    p: float
    q: float
    n_windows: int
    n_rivals: int

    @property
    def is_better(self) -> bool:
        return self.q <= LEVEL

    @property
    def group(self) -> tuple[str, str, str, str, str]:
        """What the test is adjusted and counted within."""
        return self.feature.dictionary, self.explainer, self.scorer, self.variant, self.judge


@dataclass(frozen=True, slots=True)
class Passed:
    """How many features' labels beat swapped ones, of those that could be tested."""

    dictionary: str
    explainer: str
    scorer: str
    variant: str
    judge: str
    n_better: int
    n_tested: int


def swap_tests(predictions: pd.DataFrame, explanations: pd.DataFrame, *, seed: int = 0) -> tuple[SwapTest, ...]:
    """Return a test of every label that has answers to another feature's label on firing and on silent items.

    Whole windows are swapped: what a judge says of the tokens of one window was said at once.
    """
    tested = [(judged, gains) for judged in judged_labels(predictions, explanations) for gains in _gains(judged)]
    p_values = _p_values([gains for _, gains in tested], seed=seed)
    return tuple(_adjusted([_test(j, g, p) for (j, g), p in zip(tested, p_values, strict=True)]))


def passed(tests: Iterable[SwapTest]) -> tuple[Passed, ...]:
    """Return the counts by dictionary, explainer, scorer, variant and judge, in that order."""
    groups = _grouped(tests)
    return tuple(Passed(*name, sum(t.is_better for t in groups[name]), len(groups[name])) for name in sorted(groups))


def _gains(judged: Judged) -> list[FloatArray]:
    """Return the gains of each label by window, shape [1 + n_rivals, n_windows], as a list of one or of none."""
    own, rivals = aligned(judged)
    fires = own["truth"].to_numpy(np.float64) > 0
    if not rivals.size or fires.all() or not fires.any():
        return []
    by_item = item_gains(fires, own["guess"].to_numpy(np.float64), rivals)
    _, window = np.unique(own["window"].to_numpy(str), return_inverse=True)
    by_window = np.zeros((len(by_item), window.max() + 1))
    np.add.at(by_window.T, window, by_item.T)
    return [by_window]


def _p_values(gains: Sequence[FloatArray], *, seed: int) -> list[float]:
    """Return one p value each, in order; labels with as many rivals share the draws."""
    places: defaultdict[int, list[int]] = defaultdict(list)
    for place, one in enumerate(gains):
        places[len(one)].append(place)
    found = dict.fromkeys(range(len(gains)), 1.0)
    for n_labels, mine in places.items():
        p_values = swap_p_values([gains[place] for place in mine], seed=seed, key=("report", n_labels))
        found |= dict(zip(mine, map(float, p_values), strict=True))
    return list(found.values())


def _test(judged: Judged, gains: FloatArray, p: float) -> SwapTest:
    return SwapTest(
        feature=judged.feature,
        explanation=judged.explanation,
        explainer=judged.explainer,
        scorer=judged.scorer,
        variant=judged.variant,
        judge=judged.judge,
        p=p,
        q=p,
        n_windows=gains.shape[1],
        n_rivals=len(gains) - 1,
    )


def _adjusted(tests: Sequence[SwapTest]) -> list[SwapTest]:
    """Return the tests with their q."""
    return [
        replace(test, q=float(q))
        for group in _grouped(tests).values()
        for test, q in zip(group, benjamini_hochberg([one.p for one in group]), strict=True)
    ]


def _grouped(tests: Iterable[SwapTest]) -> dict[tuple[str, str, str, str, str], list[SwapTest]]:
    groups: defaultdict[tuple[str, str, str, str, str], list[SwapTest]] = defaultdict(list)
    for test in tests:
        groups[test.group].append(test)
    return dict(groups)
