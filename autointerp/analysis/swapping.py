"""Which labels beat other features' labels on the same windows, at a false discovery rate; no call is spent."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from autointerp.analysis.answers import Judged, judged_labels
from autointerp.analysis.diagnosis import OF_OUTPUTS
from autointerp.analysis.statements import plural
from autointerp.core.types import FeatureId, FloatArray
from autointerp.metrics.intervals import wilson_interval
from autointerp.trust.controls import benjamini_hochberg
from autointerp.trust.swaps import item_gains, least_p, swap_p_values

LEVEL = 0.05
"""The false discovery rate below which a label counts as better than swapped ones."""


@dataclass(frozen=True, slots=True)
class SwapTest:
    """One label under one scorer, variant and judge.

    ``p``: how often labels drawn anew for each window lead by as much as this one. ``q``: the same
    after Benjamini-Hochberg over the features of its dictionary, explainer, scorer, variant and judge,
    ``n_tested`` of them. ``is_decidable``: whether q could be small enough had every label of them done as
    well as its windows allow.
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
    n_tested: int = 1
    is_decidable: bool = True

    @property
    def is_better(self) -> bool:
        return self.is_decidable and self.q <= LEVEL

    @property
    def least(self) -> float:
        """The smallest p that its windows and labels allow."""
        return least_p(1 + self.n_rivals, self.n_windows)

    @property
    def answer(self) -> str:
        """Whether the feature is labelled: ``yes``, ``no``, or ``undecidable`` with so few windows."""
        return "yes" if self.is_better else "no" if self.is_decidable else "undecidable"

    @property
    def group(self) -> tuple[str, str, str, str, str]:
        """What the test is adjusted and counted within."""
        return self.feature.dictionary, self.explainer, self.scorer, self.variant, self.judge


def items_of(scorer: str, n: int) -> str:
    """Return how many of what the scorer judges: ``1 window``, and of logits ``3 tokens``."""
    return plural(n, "token", "tokens") if scorer == OF_OUTPUTS else plural(n, "window", "windows")


@dataclass(frozen=True, slots=True)
class Passed:
    """How many features' labels beat swapped ones, of those with a p value; such features are labelled.

    ``low``, ``high``: Wilson's 95% interval of the share. ``n_undecidable`` of the tested had too few windows,
    at most ``most_undecidable``, for any answers to show it; they count as not labelled.
    """

    dictionary: str
    explainer: str
    scorer: str
    variant: str
    judge: str
    n_better: int
    n_tested: int
    low: float
    high: float
    n_undecidable: int
    most_undecidable: int
    windows: tuple[int, int]

    @property
    def share(self) -> float:
        return self.n_better / self.n_tested

    @property
    def is_decidable(self) -> bool:
        """Whether any of the tested could have been labelled."""
        return self.n_undecidable < self.n_tested


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
    return tuple(_passed(name, groups[name]) for name in sorted(groups))


def _passed(name: tuple[str, str, str, str, str], tests: Sequence[SwapTest]) -> Passed:
    n_better, n = sum(test.is_better for test in tests), len(tests)
    interval = wilson_interval(n_better / n, n)
    assert interval is not None, "a group has a test"
    undecidable = [test.n_windows for test in tests if not test.is_decidable]
    sizes = [test.n_windows for test in tests]
    ends = min(sizes), max(sizes)
    return Passed(*name, n_better, n, *interval, len(undecidable), max(undecidable, default=0), ends)


def _gains(judged: Judged) -> list[FloatArray]:
    """Return the gains of each label by window, shape [1 + n_rivals, n_windows], as a list of one or of none."""
    fires = judged.truth > 0
    if fires.all() or not fires.any():
        return []
    by_item = item_gains(fires, judged.guess, judged.rivals)
    by_window = np.zeros((len(by_item), judged.windows.max() + 1))
    np.add.at(by_window.T, judged.windows, by_item.T)
    return [by_window]


def _p_values(gains: Sequence[FloatArray], *, seed: int) -> list[float]:
    """Return one p value each, in order; labels with as many rivals and windows share the draws.

    So a p value is the same whichever other labels are tested beside it.
    """
    places: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, one in enumerate(gains):
        places[one.shape].append(place)
    found = dict.fromkeys(range(len(gains)), 1.0)
    for shape, mine in places.items():
        p_values = swap_p_values([gains[place] for place in mine], seed=seed, key=("report", *shape))
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
    """Return the tests with their q, and whether any answers could have made it small enough."""
    return [
        replace(test, q=float(q), n_tested=len(group), is_decidable=bool(least <= LEVEL))
        for group in _grouped(tests).values()
        for test, q, least in zip(
            group,
            benjamini_hochberg([one.p for one in group]),
            # Adjusting never turns the order of p values round: no answers get a smaller q than this.
            benjamini_hochberg([one.least for one in group]),
            strict=True,
        )
    ]


def _grouped(tests: Iterable[SwapTest]) -> dict[tuple[str, str, str, str, str], list[SwapTest]]:
    groups: defaultdict[tuple[str, str, str, str, str], list[SwapTest]] = defaultdict(list)
    for test in tests:
        groups[test.group].append(test)
    return dict(groups)
