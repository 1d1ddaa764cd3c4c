"""One value a feature and measure: scores joined with who wrote the label, draws of a control averaged."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from autointerp.analysis.estimates import Floats
from autointerp.analysis.names import Ints, as_categories, as_strings, by_name, kept, places_of_keys, with_categories
from autointerp.score.contrastive import Contrastive
from autointerp.score.detection import Detection
from autointerp.score.embedding import Embedding
from autointerp.score.fuzzing import Fuzzing
from autointerp.score.intruder import Intruder
from autointerp.score.logits import Logits
from autointerp.score.purity import Purity
from autointerp.score.sensitivity import Sensitivity
from autointerp.score.sequential import Sequential
from autointerp.score.simulation import Simulation
from autointerp.score.simulation_json import SimulationJson
from autointerp.score.sorting import Sort
from autointerp.score.spearman import Spearman
from autointerp.score.specificity import Specificity

MEASURE = ["explainer", "scorer", "variant", "metric", "judge"]
"""What must be equal before two features' values may be averaged."""

KINDS = (
    Simulation, SimulationJson, Spearman, Detection, Purity, Fuzzing, Specificity, Intruder, Contrastive, Sort, Logits,
    Embedding, Sensitivity, Sequential,
)  # fmt: skip
HEADLINES = {kind.name: kind.headline[1] for kind in KINDS}
"""The metric that a scorer says it is read by, and that is shown first; a scorer not known here shows every metric."""

MAIN_VARIANTS = {kind.name: kind.headline[0] for kind in KINDS if kind.headline[0]}
"""The variant a verdict speaks of (of simulation Bills et al. 2023 report both; random-only is in the tables)."""

LOWER_IS_BETTER = frozenset({"false_fire"})

METRIC_NAMES = {"auroc": "AUROC", "f1": "F1"}

NO_LABEL = "nobody (no label)"
"""Stands for the writer where a label could not be written and no explainer is known."""

COLUMNS = ["dictionary", *MEASURE, "control", "feature", "value", "chance", "status", "n_draws"]


def is_headline(scorer: str, metric: str) -> bool:
    """Whether this metric is the one a scorer is read by."""
    return HEADLINES.get(scorer, metric) == metric


def is_main(scorer: str, variant: str, metric: str) -> bool:
    """Whether a verdict speaks of this measure; every other one stands in the tables only."""
    return is_headline(scorer, metric) and MAIN_VARIANTS.get(scorer, variant) == variant


def measure_name(scorer: str, variant: str, metric: str) -> str:
    """Return a measure as one phrase.

    >>> measure_name("simulation", "random_only", "correlation"), measure_name("detection", "", "auroc")
    ('simulation (random only), correlation', 'detection, AUROC')
    """
    within = f" ({variant.replace('_', ' ')})" if variant else ""
    return f"{scorer}{within}, {METRIC_NAMES.get(metric, metric.replace('_', ' '))}"


def feature_values(scores: pd.DataFrame, explanations: pd.DataFrame, *, explainers: Sequence[str] = ()) -> pd.DataFrame:
    """Return one row a feature, measure and control, with columns ``COLUMNS``.

    ``value`` is the mean of the scored draws and NaN when none was scored; ``status`` is ``scored`` or
    the first reason; ``explainer`` of a control row is ``control:<control>``. Where no label could be
    written the row stands under each explainer that has none for this feature; *explainers* names
    those of the run, as one that never wrote a label is not in *explanations*. ``NO_LABEL`` when
    nobody can be named. Names are categories, which sort as strings do: a run may have millions of rows and has few
    names.
    """
    if scores.empty:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS})
    names = ["dictionary", *MEASURE, "control"]
    rows = scores[["dictionary", *MEASURE[1:], "control", "feature", "value", "chance", "status"]]
    rows = rows.assign(explainer=_explainers(scores, explanations))
    if not scores["draw"].is_monotonic_increasing:
        rows = rows.iloc[np.argsort(scores["draw"].to_numpy(), kind="stable")]
    rows = _attributed(rows, explanations, explainers)
    rows = with_categories(rows, [*names, "status"])
    order, starts = _groups(rows, names)
    found = rows.iloc[order[starts]]
    value, n_draws = _means(rows["value"], order, starts)
    status = found["status"].cat.add_categories(list({"scored"} - {*found["status"].cat.categories}))
    found = found.assign(
        value=value, chance=_means(rows["chance"], order, starts)[0],
        status=status.mask(n_draws > 0, "scored"), n_draws=n_draws,
    )  # fmt: skip
    return found[COLUMNS].reset_index(drop=True)


def _groups(rows: pd.DataFrame, names: Sequence[str]) -> tuple[Ints, Ints]:
    """Return the order of the rows by *names*, then by feature, shape [n_rows], and where in it each group begins."""
    number = np.zeros(len(rows), np.int64)
    for name in names:
        number = number * len(rows[name].cat.categories) + rows[name].cat.codes.to_numpy(np.int64)
    feature = rows["feature"].to_numpy(np.int64)
    number = number * (feature.max() + 1) + feature
    order = np.argsort(number, kind="stable")
    return order, np.flatnonzero(np.diff(number[order], prepend=-1))


def _means(column: pd.Series, order: Ints, starts: Ints) -> tuple[Floats, Ints]:
    """Return the mean of what each group has, NaN where it has nothing, and how many these are, shape [n_groups]."""
    numbers = column.to_numpy(np.float64)[order]
    is_known = ~np.isnan(numbers)
    sums, counts = (
        np.add.reduceat(np.where(is_known, numbers, 0.0), starts),
        np.add.reduceat(is_known, starts, dtype=np.int64),
    )
    return np.divide(sums, counts, out=np.full(len(starts), np.nan), where=counts > 0), counts


def _attributed(rows: pd.DataFrame, explanations: pd.DataFrame, explainers: Sequence[str]) -> pd.DataFrame:
    """Return the rows, those of a label never written once under each explainer without a label of the feature."""
    lost = (rows["explainer"] == NO_LABEL) & rows["value"].isna()
    if not lost.any():
        return rows
    own = explanations[~explanations["explainer"].astype(str).str.startswith("control:")]
    names = pd.DataFrame({"explainer": sorted({*explainers, *own["explainer"].astype(str).unique()})})
    if names.empty:
        return rows
    written = own[["dictionary", "feature", "explainer"]].drop_duplicates().assign(is_written=True)
    spread = rows[lost].reset_index(names="row").drop(columns="explainer").merge(names, how="cross")
    spread = spread.merge(written, how="left")
    missing = spread[spread["is_written"].isna()].drop(columns="is_written")
    left = rows[lost & ~rows.index.isin(missing["row"])]
    return pd.concat([rows[~lost], missing.drop(columns="row"), left], ignore_index=True)


def headline_values(values: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that carry a number, belong to real labels and are their scorer's headline metric."""
    scored = scored_values(values)
    return kept(scored, by_name(is_headline, scored, ["scorer", "metric"]))


def main_values(values: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that carry a number, belong to real labels and are of a measure that a verdict speaks of."""
    scored = scored_values(values)
    return kept(scored, by_name(is_main, scored, ["scorer", "variant", "metric"]))


def scored_values(values: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that carry a number and belong to real labels."""
    is_scored = (values["control"] == "none") & values["value"].notna()
    return kept(values, is_scored.to_numpy()).astype({"value": float})


def headlines_as_strings(values: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of headline metrics, with or without a number; names as strings: two runs' may meet."""
    return as_strings(values[by_name(is_headline, values, ["scorer", "metric"])])


def _explainers(scores: pd.DataFrame, explanations: pd.DataFrame) -> pd.Series:
    """Return who wrote the label of each score, as categories, shape [n_scores]."""
    writer, controls = as_categories(explanations["explainer"]).cat, as_categories(scores["control"]).cat
    others = [f"control:{name}" for name in controls.categories]
    names, place = np.unique([NO_LABEL, *writer.categories, *others], return_inverse=True)
    wrote = np.append(writer.codes.to_numpy(np.int64) + 1, 0)
    number = wrote[places_of_keys(scores["explanation"], explanations["explanation"])]
    of_control = 1 + len(writer.categories) + controls.codes.to_numpy(np.int64)
    number = np.where(scores["control"] == "none", number, of_control)
    return pd.Series(pd.Categorical.from_codes(place[number], pd.Index(names, dtype=str)), index=scores.index)
