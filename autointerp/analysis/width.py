"""Whether a score changes with dictionary size: a bootstrap slope per doubling, and when not to say so."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autointerp.analysis.estimates import Estimate, Floats, redrawn_means
from autointerp.analysis.figures import with_interval
from autointerp.analysis.fixed_density import FixedCurve
from autointerp.analysis.ladders import Ladder
from autointerp.analysis.statements import Statement, Tone, plural
from autointerp.analysis.values import is_main, measure_name
from autointerp.core.draws import generator

MIN_WIDTHS = 4
"""With three widths or fewer: points and no fit (PROTOCOLS §5)."""

MIN_FEATURES = 2
"""Features a width needs before its mean may carry a slope."""

RAW_FOOTING, FIXED_FOOTING = "raw", "density held fixed"

RAW = (
    "Widths are compared raw: firing density is not held fixed, so a difference between widths must not be read as a "
    "difference in quality."
)


BESIDE = (
    "Only means at equal firing density speak of quality; in raw ones a difference between widths may come from how "
    "often features fire."
)


@dataclass(frozen=True, slots=True)
class Trend:
    """Change of the mean score per doubling of width, or the reason why there is none.

    ``slope.n`` counts widths. ``footing`` is ``raw`` or ``density held fixed``; of the latter ``means`` has one
    entry a width, with its interval, and ``densities`` the range compared. Raw means are the summary's.
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
    means: tuple[Estimate, ...] = ()
    densities: tuple[float, float] | None = None

    @property
    def is_raw(self) -> bool:
        return self.footing == RAW_FOOTING


def fit_slope(widths: Floats, means: Floats) -> Floats:
    """Return the least-squares slope of means, shape [..., n_widths], on log2 width: change per doubling."""
    x = np.log2(widths) - np.log2(widths).mean()
    slopes: Floats = (means * x).sum(axis=-1) / (x**2).sum()
    return slopes


def width_trends(ladders: Sequence[Ladder], *, seed: int = 0) -> tuple[Trend, ...]:
    """Return one raw trend a family and headline measure; one at fixed density follows where there are two widths.

    Each width counts once, however many features it has. The interval speaks of the features drawn, with these
    dictionaries given: one dictionary a width says nothing of how another training run would fall.
    """
    return tuple(trend for one in ladders if one.is_headline for trend in _trends(one, seed))


def _trends(ladder: Ladder, seed: int) -> Iterator[Trend]:
    key, by_width = ladder.key, ladder.by_width
    usable = {w: v for w, v in by_width.items() if len(v) >= MIN_FEATURES}
    slope = estimate_slope(usable, seed=seed, about=key) if len(usable) >= MIN_WIDTHS else None
    note = "" if slope else f"{len(usable)} widths with at least {MIN_FEATURES} scored features, {MIN_WIDTHS} needed"
    raw = Trend(*key, RAW_FOOTING, slope, tuple(by_width), note)
    yield raw
    if len(by_width) > 1:
        yield _fixed(raw, ladder.fixed)


def _fixed(raw: Trend, curve: FixedCurve) -> Trend:
    """Return the trend at fixed density of what *raw* is a trend of."""
    slope = curve_slope(curve) if len(curve.widths) >= MIN_WIDTHS else None
    few = "" if slope else f"{len(curve.widths)} widths with features of like density, {MIN_WIDTHS} needed"
    return replace(
        raw, footing=FIXED_FOOTING, slope=slope, widths=curve.widths or raw.widths, note=curve.note or few,
        means=curve.means, densities=(curve.low, curve.high) if curve.means else None,
    )  # fmt: skip


def curve_slope(curve: FixedCurve) -> Estimate | None:
    """Return the slope per doubling of the means at fixed density, None where widths could not be compared."""
    if curve.draws is None:
        return None
    x = np.array(curve.widths, dtype=np.float64)
    slopes = fit_slope(x, curve.draws)
    low, high = np.quantile(slopes, [0.025, 0.975])
    return Estimate(
        float(fit_slope(x, curve.points)), float(low), float(high), float(slopes.std(ddof=1)), len(curve.widths)
    )


def estimate_slope(by_width: Mapping[int, Floats], *, seed: int, about: tuple[object, ...]) -> Estimate:
    """Return the slope per doubling with a 95% bootstrap interval; features are redrawn within each width."""
    widths = sorted(by_width)
    draws = generator(seed, "slope", *about)
    x = np.array(widths, dtype=np.float64)
    slopes = fit_slope(x, np.stack([redrawn_means(by_width[w], draws) for w in widths], axis=-1))
    low, high = np.quantile(slopes, [0.025, 0.975])
    value = float(fit_slope(x, np.array([by_width[w].mean() for w in widths])))
    return Estimate(value, float(low), float(high), float(slopes.std(ddof=1)), len(widths))


def trend_statements(trends: Sequence[Trend]) -> Iterator[Statement]:
    """Yield one statement: how many of the main measures change with width. Each stands with its picture."""
    main = [t for t in trends if is_main(t.scorer, t.variant, t.metric)]
    raw, fixed = [t for t in main if t.is_raw], [t for t in main if t.means]
    several = any(len(t.widths) > 1 for t in raw)
    caution = BESIDE if fixed else RAW
    if raw and not any(t.slope for t in raw):
        nearest = max(raw, key=lambda t: len(t.widths))  # a baseline has one width and is no ladder
        yield Statement("plain", f"Width: no trend is fitted ({nearest.note})." + (f" {caution}" if several else ""))
    elif raw:
        counts = [_clear([t.slope for t in some if t.slope]) for some in (raw, fixed)]
        text = f"Width: a change of the score with dictionary size is distinguishable from none in {counts[0][1]}"
        told = f", raw, and in {counts[1][1]} with firing density held fixed" if any(t.slope for t in fixed) else ""
        tone: Tone = "warning" if counts[0][0] else "plain"
        yield Statement(tone, f"{text}{told} (95% each). {caution}")


def _clear(slopes: Sequence[Estimate]) -> tuple[int, str]:
    """Return how many slopes are told from 0, and that in words: ``1 of 2 main measures``."""
    n = sum(slope.is_above_zero or slope.is_below_zero for slope in slopes)
    return n, f"{n} of {plural(len(slopes), 'main measure', 'main measures')}"


def trend_sentence(trend: Trend) -> str:
    """Return whether the score changes with width beyond the noise of drawing features."""
    measure = measure_name(trend.scorer, trend.variant, trend.metric)
    what = f"{measure}, labels by {trend.explainer}, {trend.family}, {trend.footing}{_compared(trend)}"
    if trend.slope is None:
        return f"{what}: no trend is fitted ({trend.note})."
    slope = f"{with_interval(trend.slope, digits=3)} per doubling over {trend.slope.n} widths"
    if trend.slope.is_above_zero or trend.slope.is_below_zero:
        direction = "rises" if trend.slope.is_above_zero else "falls"
        caveat = "one dictionary a width: what another training run would give is not in the interval"
        return f"{what}: the score {direction} with width, {slope}; {caveat}."
    return f"{what}: not distinguishable from none, {slope}."


def _compared(trend: Trend) -> str:
    """Return which features a comparison at fixed density is over, in words."""
    if trend.densities is None:
        return ""
    low, high = trend.densities
    n = [str(mean.n) for mean in trend.means]
    return f" ({', '.join(n)} features of density {low:.1g} to {high:.1g})"
