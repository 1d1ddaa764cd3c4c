"""What a score can be trusted for, where truth is known: ``python benchmarks/scorers.py [--json] [--small]``.

1. Validity: Kendall's tau-b between population F1 and true F1 over every ladder of the zoo, in the demo
   corpus, by scorer, judge and density.
2. Shortcuts: what a classifier gets that reads neither window nor label; how far a score moves when its
   questions are put otherwise.
3. Population: error and coverage of F1 for a feature that fires in 0.1% of windows.
4. Controls: false discoveries and power of label swaps; what labels add to a token table.
5. Calibration: bias and coverage of proportions set right for the judge's errors.
6. Sequential: errors and calls of the anytime-valid test, computed exactly.
7. Independence: panels of judges, and labels in code.
8. Failures: what a scorer says when most replies cannot be read.

The ninth point, neuron puzzles, is ``puzzles.py``, for it needs a language model.

Every figure is printed by name with its bar, if it has one; exit 1 when one falls short. ``--small``
checks that the benchmark works; its figures are not results.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from trials import (
    calibration,
    controls,
    failures,
    independence,
    invariance,
    population,
    sequential,
    shortcuts,
    validity,
)
from trials.figure import Figure, conclude
from trials.zoo import Planted, corpus_tiles, load_zoo, planted_features


@dataclass(frozen=True)
class Sizes:
    """Corpus tiles, made-up documents a feature, every how many-th feature, repeats and dictionaries."""

    n_tiles: int
    n_template_docs: int
    every: int
    n_repeats: int
    n_dictionaries: int


T = TypeVar("T")
FULL, SMALL = Sizes(2500, 800, 1, 2000, 200), Sizes(300, 250, 9, 40, 10)


def planted_zoo(sizes: Sizes) -> list[Planted]:
    """Return every feature of the zoo, planted in the demo corpus."""
    tiles = corpus_tiles(sizes.n_tiles)
    return list(planted_features(load_zoo()[:: sizes.every], tiles, n_template_docs=sizes.n_template_docs))


def measure(sizes: Sizes) -> list[Figure]:
    """Return all figures, each printed when its part is done; seconds go to standard error."""
    planted = timed("zoo", lambda: planted_zoo(sizes))
    parts: dict[str, Callable[[], list[Figure]]] = {
        "validity": lambda: validity.figures(planted),
        "shortcuts": lambda: [*shortcuts.figures(planted), *invariance.figures(planted)],
        "population": lambda: population.figures(sizes.n_repeats),
        "controls": lambda: controls.figures(planted, sizes.n_dictionaries),
        "calibration": lambda: calibration.figures(sizes.n_repeats),
        "sequential": sequential.figures,
        "independence": lambda: independence.figures(planted),
        "failures": lambda: failures.figures(planted),
    }
    found: list[Figure] = []
    for name, part in parts.items():
        figures = timed(name, part)
        print(*figures, sep="\n", flush=True)
        found += figures
    return found


def timed(name: str, do: Callable[[], T]) -> T:
    start = time.perf_counter()
    found = do()
    print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    return found


def main() -> int:
    """Print every figure; return 1 when one falls short of its bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line of standard output")
    parser.add_argument("--small", action="store_true", help="a check in a minute; not a result")
    arguments = parser.parse_args()
    figures = measure(SMALL if arguments.small else FULL)
    return conclude(figures, as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
