"""The mixed model: what a training happens to give is in the interval, and one training a width is refused."""

import numpy as np
import pandas as pd
import pytest

from autointerp.analysis.seeds import mixed_slope


def ladder(*, n_seeds: int, between: float, slope: float = 0.02) -> pd.DataFrame:
    """Return 40 features a dictionary whose means differ by width, and by *between* from training to training."""
    draws = np.random.default_rng(0)
    pieces = []
    for place, width in enumerate((512, 1024, 2048, 4096)):
        for seed in range(n_seeds):
            mean = 0.6 + slope * place + draws.normal(0, between)
            pieces.append(pd.DataFrame({"width": width, "seed": seed, "value": draws.normal(mean, 0.1, 40)}))
    return pd.concat(pieces, ignore_index=True)


def test_too_few_trainings_are_refused() -> None:
    """Two seeds at a width, or three widths: no slope, and the reason."""
    assert mixed_slope(ladder(n_seeds=2, between=0)) == (None, "a width has 2 trainings, 3 needed")
    three = ladder(n_seeds=3, between=0).query("width < 4096")
    assert mixed_slope(three) == (None, "3 widths, 4 needed")


@pytest.mark.parametrize("between", [0.0, 0.05])
def test_the_interval_holds_the_slope(between: float) -> None:
    """The planted slope is in the interval, over twelve dictionaries."""
    slope, note = mixed_slope(ladder(n_seeds=3, between=between))
    assert (slope.n, note) == (12, "")
    assert slope.low < 0.02 < slope.high


def test_trainings_that_differ_widen_the_interval() -> None:
    """As many features say less of width where dictionaries of one width differ."""
    alike, unlike = (mixed_slope(ladder(n_seeds=3, between=b))[0] for b in (0.0, 0.08))
    assert unlike.half_width > 2 * alike.half_width
