"""The sections on density and fits: scores of features that fire alike, power laws, how many features a claim takes."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
import pandas as pd

from autointerp.analysis.by_density import score_by_density as bins_of
from autointerp.analysis.dictionary_quality import density_histogram
from autointerp.analysis.figures import count, number, with_interval
from autointerp.analysis.laws import ScoreLaw
from autointerp.analysis.names import as_categories
from autointerp.analysis.power import power_table
from autointerp.analysis.power_law import PowerLaw
from autointerp.analysis.summary import Line
from autointerp.analysis.values import measure_name
from autointerp.analysis.width import Trend
from autointerp.report.blocks import Block, Figures, Folded, Prose, Table
from autointerp.report.charts import score_by_density, score_name
from autointerp.report.charts.layers import known
from autointerp.report.grids import Grid
from autointerp.report.linking import NO_LINKS, Linking

DENSITY = (
    "Rare features may score better or worse than frequent ones, whatever the dictionary. Features of like density "
    "are compared here; a wider dictionary is better only where its line is above that of a narrower one."
)
LAWS = (
    "y = scale x width^exponent, by least squares on logarithms. Of a score, y is 1 - mean; its interval is a "
    "bootstrap over features, with the dictionaries given; that of a loss is the scatter about the line. With three "
    "widths or fewer there are points and no fit. Compute is 6 x parameters x tokens of training, where the training "
    "is on record."
)
POWER = (
    "How many scored features each dictionary takes for a half-width of its 95% interval, from the spread seen here. "
    "A slope is the change of the score per doubling of width."
)


# ---- density


def density_blocks(
    lines: Sequence[Line],
    values: pd.DataFrame,
    features: pd.DataFrame,
    *,
    seed: int,
    order: Sequence[str],
    pictured: Sequence[tuple[str, str]],
    linking: Linking = NO_LINKS,
) -> Iterator[Block]:
    """Yield scores by density of main measures, of the explainers and judges that are *pictured*.

    Dictionaries stand in *order*.
    """
    yield Prose(DENSITY)
    main = sorted((line for line in lines if line.is_main and line.mean.n), key=_measure)
    pictures = []
    for (scorer, variant, metric, explainer, judge), _ in groupby(main, key=_measure):
        if (explainer, judge) in pictured:
            is_mine = (values["scorer"] == scorer) & (values["variant"] == variant) & (values["metric"] == metric)
            is_own = (values["explainer"] == explainer) | (values["control"] == "shuffled")
            rows = values[is_mine & is_own & (values["judge"] == judge)]
            bins = bins_of(_by_width(rows, lines), features, seed=seed)
            title = f"{measure_name(scorer, variant, metric)} by density: labels by {explainer}, judge {judge}"
            within, link = linking.of([(scorer, variant, metric)], explainer, judge)
            name = score_name(scorer, variant, metric)
            drawn = score_by_density(bins, title=title, name=name, within=within, link=link)
            pictures.append((drawn, density_grid(bins)))
    yield Figures(tuple(pictures))
    yield Folded("How many features fire how often", (Table("Features by density", histogram_grid(features, order)),))


def _measure(line: Line) -> tuple[str, ...]:
    return line.scorer, line.variant, line.metric, line.explainer, line.judge


def _by_width(rows: pd.DataFrame, lines: Sequence[Line]) -> pd.DataFrame:
    """Return the rows, narrow dictionaries first."""
    order = {line.dictionary: place for place, line in enumerate(lines)}
    names = as_categories(rows["dictionary"])
    places = np.array([order.get(str(name), len(order)) for name in names.cat.categories], dtype=np.int64)
    return rows.iloc[np.argsort(places[names.cat.codes.to_numpy()], kind="stable")]


def density_grid(bins: pd.DataFrame) -> Grid:
    """Return ``analysis.by_density`` as text."""
    head = ("dictionary", "density from", "below", "features", "mean [95%]", "chance", "shuffled\ncontrol")
    rows = tuple(
        (
            *(str(row["dictionary"]), f"{row['low']:.1e}", f"{row['high']:.1e}", count(row["n"])),
            _ranged(row, "mean"),
            *(number(known(row[name])) for name in ("chance", "control")),
        )
        for row in bins.to_dict("records")
    )
    return Grid(head, rows, 1, "No scored feature has a density.")


def _ranged(row: dict[object, object], name: str) -> str:
    low, high = known(row[f"{name}_low"]), known(row[f"{name}_high"])
    interval = "[no interval: 1 feature]" if low is None or high is None else f"[{number(low)}, {number(high)}]"
    return f"{number(known(row[name]))} {interval}"


def histogram_grid(features: pd.DataFrame, order: Sequence[str]) -> Grid:
    """Return how many features of each dictionary, in *order*, fire how often, a row a dictionary and half decade."""
    places = {name: place for place, name in enumerate(order)}
    counted = density_histogram(features).to_dict("records") if len(features) else []
    rows = sorted(counted, key=lambda row: places.get(str(row["dictionary"]), len(places)))
    cells = tuple((str(r["dictionary"]), _bin(r["low"], r["high"]), count(r["n"])) for r in rows)
    return Grid(("dictionary", "density", "features"), cells, 2, "No feature is on record.")


def _bin(low: float, high: float) -> str:
    return f"{low:.1e} to {high:.1e}" if high else "never fired"


# ---- fits


def fit_blocks(
    laws: Sequence[ScoreLaw], losses: Sequence[PowerLaw], lines: Sequence[Line], trends: Sequence[Trend]
) -> Iterator[Block]:
    """Yield the laws of scores and losses, and the features that a narrower interval would take."""
    yield Prose(LAWS)
    yield Table("Power laws", laws_grid(laws, losses))
    power = Prose(POWER), Table("Features needed", power_grid(power_table(lines, trends)))
    yield Folded("How many features would it take?", power)


def laws_grid(laws: Sequence[ScoreLaw], losses: Sequence[PowerLaw]) -> Grid:
    """Return a row a law: exponent with interval and scale, or why there is no fit; the points in any case."""
    head = ("what", "ladder", "labels by", "judge", "against", "points", "exponent [95%]", "scale")
    scores = [_law((one.measure, f"{one.key[0]}, {one.footing}", one.key[1], one.key[5]), one.law) for one in laws]
    rows = (*scores, *(_law((law.of, "", "no label", "none"), law) for law in losses))
    return Grid(head, rows, 6, "No family has two widths.")


def _law(names: tuple[str, ...], law: PowerLaw) -> tuple[str, ...]:
    points = "; ".join(f"{_x(x)}: {number(y, digits=3)}" for x, y in zip(law.x, law.y, strict=True))
    fitted = with_interval(law.exponent, digits=3) if law.exponent else "no fit"
    scale = "none" if law.scale is None else f"{law.scale:.3g}"
    against = "compute of training (FLOPs)" if law.against == "compute" else law.against
    return (*names, against, "; ".join(filter(None, [points, law.note])), fitted, scale)


def _x(x: float) -> str:
    return count(x) if x < 1e7 else f"{x:.2e}"


def power_grid(table: pd.DataFrame) -> Grid:
    """Return ``analysis.power.power_table`` as text, main measures only."""
    head = ("of", "dictionary", "labels by", "measure", "judge", "scored now", "half-width now", "wanted", "needed")
    rows = tuple(
        (
            *(str(row["of"]), str(row["dictionary"]), str(row["explainer"])),
            *(measure_name(*(str(row[n]) for n in ("scorer", "variant", "metric"))), str(row["judge"])),
            *(count(row["n"]), number(known(row["half_width"]), digits=3), number(row["target"], digits=3)),
            "unknown" if known(row["n_needed"]) is None else count(row["n_needed"]),
        )
        for row in table.to_dict("records")
    )
    return Grid(head, rows, 5, "Nothing was scored.")
