"""Whether a score changes with dictionary size: a bootstrap slope per doubling, and when not to say so."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autointerp.analysis.estimates import RESAMPLES, Estimate, Floats
from autointerp.analysis.figures import with_interval
from autointerp.analysis.statements import Statement, plural
from autointerp.analysis.summary import width_of
from autointerp.analysis.values import MEASURE, feature_values, headline_values, is_main, measure_name
from autointerp.core.draws import generator

MIN_WIDTHS = 4
"""With three widths or fewer: points and no fit (PROTOCOLS §5)."""

MIN_FEATURES = 2
"""Features a width needs before its mean may carry a slope."""

RAW = (
    "Widths are compared raw: firing density is not held fixed, so a difference between widths must not be read as a "
    "difference in quality."
)


@dataclass(frozen=True, slots=True)
class Trend:
    """Change of the mean score per doubling of width, or the reason why there is none.

    ``slope.n`` counts widths. ``footing`` is ``raw`` or ``density held fixed``.
    """

    family: str
    explainer: str
    scorer: str
    variant: str
    metric: str
    judge: str
    footing: str
    slope: Estimate | None
    widths: tuple[int, ...]
    note: str = ""


def fit_slope(widths: Floats, means: Floats) -> Floats:
    """Return the least-squares slope of means, shape [..., n_widths], on log2 width: change per doubling."""
    x = np.log2(widths) - np.log2(widths).mean()
    slopes: Floats = (means * x).sum(axis=-1) / (x**2).sum()
    return slopes


def width_trends(
    scores: pd.DataFrame, explanations: pd.DataFrame, dictionaries: pd.DataFrame, *, seed: int = 0
) -> tuple[Trend, ...]:
    """Return one trend a family and headline measure. Each width counts once, however many features it has.

    The interval speaks of the features drawn, with these dictionaries given: one dictionary a width says
    nothing of how another training run would fall.
    """
    values = headline_values(feature_values(scores, explanations))
    if values.empty:
        return ()
    names = values["dictionary"].astype(str)
    values = values.assign(
        width=names.map({d: width_of(d, dictionaries) for d in names.unique()}), family=names.map(_family)
    )
    groups = values.dropna(subset=["width"]).groupby(["family", *MEASURE], sort=True)
    return tuple(_trend(tuple(map(str, key)), group, seed) for key, group in groups)


def _family(dictionary: str) -> str:
    return dictionary.rsplit("/", 1)[0]


def _trend(key: tuple[str, ...], group: pd.DataFrame, seed: int) -> Trend:
    by_width = {int(str(w)): g["value"].to_numpy(np.float64) for w, g in group.groupby(group["width"].astype(int))}
    usable = {w: v for w, v in by_width.items() if len(v) >= MIN_FEATURES}
    family, explainer, scorer, variant, metric, judge = key
    slope = estimate_slope(usable, seed=seed, about=key) if len(usable) >= MIN_WIDTHS else None
    note = "" if slope else f"{len(usable)} widths with at least {MIN_FEATURES} scored features, {MIN_WIDTHS} needed"
    return Trend(family, explainer, scorer, variant, metric, judge, "raw", slope, tuple(sorted(by_width)), note)


def estimate_slope(by_width: dict[int, Floats], *, seed: int, about: tuple[object, ...]) -> Estimate:
    """Return the slope per doubling with a 95% bootstrap interval; features are redrawn within each width."""
    widths = sorted(by_width)
    draws = generator(seed, "slope", *about)
    columns = [by_width[w][draws.integers(len(by_width[w]), size=(RESAMPLES, len(by_width[w])))] for w in widths]
    x = np.array(widths, dtype=np.float64)
    slopes = fit_slope(x, np.stack([c.mean(axis=1) for c in columns], axis=-1))
    low, high = np.quantile(slopes, [0.025, 0.975])
    value = float(fit_slope(x, np.array([by_width[w].mean() for w in widths])))
    return Estimate(value, float(low), float(high), float(slopes.std(ddof=1)), len(widths))


def trend_statements(trends: Sequence[Trend]) -> Iterator[Statement]:
    """Yield one statement: how many of the main measures change with width. Each stands with its picture."""
    main = [t for t in trends if is_main(t.scorer, t.variant, t.metric)]
    fitted = [t.slope for t in main if t.slope is not None]
    several = any(len(t.widths) > 1 for t in main)
    if main and not fitted:
        nearest = max(main, key=lambda t: len(t.widths))  # a baseline has one width and is no ladder
        yield Statement("plain", f"Width: no trend is fitted ({nearest.note})." + (f" {RAW}" if several else ""))
    elif fitted:
        clear = sum(slope.is_above_zero or slope.is_below_zero for slope in fitted)
        of = f"{clear} of {plural(len(fitted), 'main measure', 'main measures')}"
        text = f"Width: a change of the score with dictionary size is distinguishable from none in {of} (95% each)."
        yield Statement("warning" if clear else "plain", f"{text} {RAW}")


def trend_sentence(trend: Trend) -> str:
    """Return whether the score changes with width beyond the noise of drawing features."""
    measure = measure_name(trend.scorer, trend.variant, trend.metric)
    what = f"{measure}, labels by {trend.explainer}, {trend.family}, {trend.footing}"
    if trend.slope is None:
        return f"{what}: no trend is fitted ({trend.note})."
    slope = f"{with_interval(trend.slope, digits=3)} per doubling over {trend.slope.n} widths"
    if trend.slope.is_above_zero or trend.slope.is_below_zero:
        direction = "rises" if trend.slope.is_above_zero else "falls"
        caveat = "one dictionary a width: what another training run would give is not in the interval"
        return f"{what}: the score {direction} with width, {slope}; {caveat}."
    return f"{what}: not distinguishable from none, {slope}."
