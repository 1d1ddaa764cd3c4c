"""Values in bars of round, equal width, each holding its lower edge and not its upper one; only the last holds both."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MOST_BARS = 24
STEPS = (1, 2, 5)


def edges_of(low: float, high: float, *, most: int = MOST_BARS) -> NDArray[np.float64]:
    """Return round edges that hold *low* to *high* in at most *most* bars, at least one; shape [n_bars + 1].

    >>> edges_of(0.42, 0.71, most=6).tolist()
    [0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75]
    """
    low, high = float(low), float(high)
    span = max(high - low, 1e-9)
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(s * power for s in (*STEPS, 10, 20) if s * power * most >= span * (1 - 1e-12))
    digits = max(0, 1 - math.floor(math.log10(step)))
    first, last = math.floor(low / step), math.ceil(high / step)
    # Division may miss a whole number by a hair; what is compared are the rounded edges themselves.
    first += (round((first + 1) * step, digits) <= low) - (round(first * step, digits) > low)
    last += (round(last * step, digits) < high) - (last - 1 > first and round((last - 1) * step, digits) >= high)
    return np.round(np.arange(first, max(last, first + 1) + 1) * step, digits)


def count_in_bars(values: NDArray[np.float64], edges: NDArray[np.float64]) -> pd.DataFrame:
    """Return low, high, n and is_last, one row a bar that is not empty; values beyond the edges are not counted."""
    counts, _ = np.histogram(values, edges)
    bars = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "n": counts, "is_last": False})
    bars.loc[len(bars) - 1, "is_last"] = True
    return bars[bars["n"] > 0].reset_index(drop=True)
