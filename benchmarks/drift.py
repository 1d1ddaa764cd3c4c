"""Whether a swapped judge is found, and an unchanged one left alone: ``python benchmarks/drift.py [--json] [--small]``.

Made-up judges answer the same anchors in every evaluation (``autointerp/trust/drift_streams.py``): 100 of them, after
ten evaluations by the old judge. A swap moves the accuracy by 0.1; of the anchors it keeps some are answered as before.
``noise``: how often the same judge answers the same anchor otherwise than it mostly does. At 0.15 an accuracy of 0.85
is all there is to know of an anchor: no test finds such a swap in 300 answers every time, so it has no bar.

Every figure is printed by name with its bar, if it has one; exit 1 when one falls short. ``--small`` takes fewer
streams; its figures are not results.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from itertools import product

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
from trials.figure import Figure, at_least, at_most, conclude, report

from autointerp.analysis.attributing import LABELS, Change, attribution
from autointerp.trust.drift_streams import MadeJudge, Swap, stream, wealth_of_streams
from autointerp.trust.drifting import DriftSettings

N_ANCHORS, N_BEFORE, N_AFTER = 100, 10, 3
"""Three evaluations of 100 anchors are the 300 within which a swap is to be found."""
ALARM = 1 / DriftSettings().alpha
STEADY, USUAL, UNSTEADY, ALIKE = 0.02, 0.05, 0.1, 0.15
KEPT = (0.0, 0.5, 1.0)
BARS = {STEADY: 0.95, USUAL: 0.95}
FULL, SMALL = (2000, 300), (200, 60)
"""Streams of clean answers, and of each swap."""


def rang(noise: float, swap: Swap | None, *, n_streams: int, n_rounds: int, seed: int) -> np.ndarray:
    """Return whether the alarm rings after each round, shape [n_streams, n_rounds]."""
    right = stream(
        MadeJudge(0.85, noise), swap, n_streams=n_streams, n_anchors=N_ANCHORS, n_rounds=n_rounds, swap_at=N_BEFORE,
        seed=seed,
    )  # fmt: skip
    return wealth_of_streams(right, seed=seed + 1) >= ALARM


def of_clean_streams(n_streams: int) -> Iterator[Figure]:
    """Yield the share of streams of 10,000 answers of an unchanged judge with an alarm."""
    for noise in (STEADY, USUAL, ALIKE):
        found = rang(noise, None, n_streams=n_streams, n_rounds=10_000 // N_ANCHORS, seed=11).any(axis=1).mean()
        yield at_most(f"false_alarms_in_10000_clean_noise_{noise:g}", found, 0.01)


def of_swaps(n_streams: int) -> Iterator[Figure]:
    """Yield how often a swap is found within 300 anchors, and how often what fell is put down to the judge."""
    judged = []
    for noise in (STEADY, USUAL, UNSTEADY, ALIKE):
        found = []
        for change, kept in product((-0.1, 0.1), KEPT):
            alarms = rang(noise, Swap(change, kept), n_streams=n_streams, n_rounds=N_BEFORE + N_AFTER, seed=13)
            found.append(alarms[:, N_BEFORE:].any(axis=1))
        share = float(np.mean(found))
        name = f"found_within_300_noise_{noise:g}"
        yield at_least(name, share, BARS[noise]) if noise in BARS else report(name, share)
        yield report(f"{name}_least_of_the_swaps", min(float(one.mean()) for one in found))
        judged += [one for one in found if noise <= USUAL]
    yield at_least("swaps_put_down_to_the_judge", np.mean([is_judge(bool(a)) for one in judged for a in one]), 0.9)


def of_feature_changes(n_streams: int) -> Iterator[Figure]:
    """Yield how often a change of the features alone, after which the anchors are as before, is blamed on no judge."""
    clean = rang(USUAL, None, n_streams=n_streams, n_rounds=N_BEFORE + N_AFTER, seed=17)[:, N_BEFORE:].any(axis=1)
    yield at_least(
        "changes_of_features_not_put_down_to_the_judge", np.mean([not is_judge(bool(a)) for a in clean]), 0.9
    )


def is_judge(has_alarm: bool) -> bool:
    """Return whether the verdict on runs whose labels were written anew speaks of the judge."""
    changes = (Change(LABELS, "labels in other words", "0", "20 of 24"),)
    return "**not** attributable to the labels" in attribution(changes, alarm="anchors" if has_alarm else "")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--json", action="store_true")
    options.add_argument("--small", action="store_true")
    chosen = options.parse_args()
    n_clean, n_swapped = SMALL if chosen.small else FULL
    figures = []
    for figure in (*of_clean_streams(n_clean), *of_swaps(n_swapped), *of_feature_changes(n_swapped)):
        print(figure, flush=True)
        figures.append(figure)
    return conclude(figures, as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
