"""What is said of dictionary size where the answer is known: ``python benchmarks/analysis.py [--json] [--small]``.

Made-up families of four widths (``autointerp/trust/widening.py``) whose labels are equally good at every width,
while features get rarer: a naive test of half firing tiles and half unverified ones rises by about 0.14, and what
is compared at equal firing density must hold 0 in at least 93% of repeats, also for those naive scores. A slope
planted at every density must come back within 10%, also where rare features have better labels.

Every figure is printed by name with its bar, if it has one; exit 1 when one falls short. ``--small`` takes
fewer repeats; its figures are not results.
"""

import argparse
import os
import sys
from collections.abc import Iterator

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
from trials.figure import Figure, at_least, at_most, conclude, report

from autointerp.analysis.fixed_density import fixed_curve
from autointerp.analysis.ladders import ladders
from autointerp.analysis.values import feature_values
from autointerp.analysis.width import curve_slope
from autointerp.trust.widening import Widening, as_tables, widening_family

EQUAL = Widening()
SLOPE = 0.03
PLANTED = {
    "planted": Widening(recall=0.75, false_fire=0.25, slope=SLOPE),
    "planted_beside_rarity": Widening(recall=0.75, false_fire=0.25, slope=SLOPE, rarity=0.01),
    "planted_fall": Widening(recall=0.9, false_fire=0.1, slope=-SLOPE),
}
FULL, SMALL = (400, 2000), (200, 400)
"""Repeats, and bootstrap samples in each."""


def found_slopes(world: Widening, column: str, sizes: tuple[int, int]) -> tuple[np.ndarray, int]:
    """Return slope, low and high of each family that could be compared, shape [n, 3], and how many could not."""
    found, (n_repeats, resamples) = [], sizes
    for seed in range(n_repeats):
        tables = as_tables(widening_family(world, seed=seed), column)
        values = feature_values(tables["scores"], tables["explanations"])
        (ladder,) = ladders(values, tables["dictionaries"], tables["features"])
        slope = curve_slope(fixed_curve(ladder.scored, seed=seed, about=(), resamples=resamples))
        found += [] if slope is None else [(slope.value, slope.low, slope.high)]
    return np.array(found), n_repeats - len(found)


def of_equal_quality(sizes: tuple[int, int]) -> Iterator[Figure]:
    """Yield the naive rise, and how often the slope at fixed density holds 0."""
    families = [widening_family(EQUAL, seed=seed).groupby("width") for seed in range(sizes[0])]
    rise = np.mean([means.iloc[-1] - means.iloc[0] for means in (f["naive"].mean() for f in families)])
    yield at_least("naive_rise_over_the_ladder", rise, 0.12)
    yield at_most("naive_rise_over_the_ladder_at_most", rise, 0.16)
    for column in ("naive", "verified", "precision"):
        slopes, n_refused = found_slopes(EQUAL, column, sizes)
        holds = (slopes[:, 1] <= 0) & (slopes[:, 2] >= 0)
        yield at_least(f"equal_{column}_holds_zero", holds.mean(), 0.93)
        yield report(f"equal_{column}_mean_slope", slopes[:, 0].mean())
        yield report(f"equal_{column}_half_width", (slopes[:, 2] - slopes[:, 1]).mean() / 2)
        yield report(f"equal_{column}_not_compared", n_refused)


def of_planted_slopes(sizes: tuple[int, int]) -> Iterator[Figure]:
    """Yield how far the mean slope is from the planted one, as a share of it, and how often its interval holds it."""
    for name, world in PLANTED.items():
        slopes, n_refused = found_slopes(world, "verified", sizes)
        yield at_most(f"{name}_error", abs(slopes[:, 0].mean() / world.slope - 1), 0.1)
        yield report(f"{name}_held", ((slopes[:, 1] <= world.slope) & (slopes[:, 2] >= world.slope)).mean())
        yield report(f"{name}_not_compared", n_refused)


def main() -> int:
    """Print every figure; return 1 when one falls short of its bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line of standard output")
    parser.add_argument("--small", action="store_true", help="fewer repeats; not a result")
    arguments = parser.parse_args()
    figures = []
    for part in (of_equal_quality, of_planted_slopes):
        for figure in part(SMALL if arguments.small else FULL):
            print(figure, flush=True)
            figures.append(figure)
    return conclude(figures, as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
