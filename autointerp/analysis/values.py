"""One value a feature and measure: scores joined with who wrote the label, draws of a control averaged."""

from collections.abc import Sequence

import pandas as pd

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
    nobody can be named.
    """
    if scores.empty:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS})
    rows = scores.assign(explainer=_explainers(scores, explanations)).sort_values("draw", kind="stable")
    rows = _attributed(rows, explanations, explainers)
    keys = ["dictionary", *MEASURE, "control", "feature"]
    grouped = rows.groupby(keys, sort=True, dropna=False)
    found = grouped.agg(
        value=("value", "mean"), chance=("chance", "mean"), status=("status", "first"), n_draws=("value", "count")
    ).reset_index()
    found.loc[found["n_draws"] > 0, "status"] = "scored"
    return found[COLUMNS]


def _attributed(rows: pd.DataFrame, explanations: pd.DataFrame, explainers: Sequence[str]) -> pd.DataFrame:
    """Return the rows, those of a label never written once under each explainer without a label of the feature."""
    lost = rows["explainer"] == NO_LABEL
    own = explanations[~explanations["explainer"].astype(str).str.startswith("control:")]
    names = pd.DataFrame({"explainer": sorted({*explainers, *own["explainer"].astype(str)})})
    if not lost.any() or names.empty:
        return rows
    written = own[["dictionary", "feature", "explainer"]].drop_duplicates().assign(is_written=True)
    spread = rows[lost].reset_index(names="row").drop(columns="explainer").merge(names, how="cross")
    spread = spread.merge(written, how="left")
    missing = spread[spread["is_written"].isna()].drop(columns="is_written")
    left = rows[lost & ~rows.index.isin(missing["row"])]
    return pd.concat([rows[~lost], missing.drop(columns="row"), left], ignore_index=True)


def headline_values(values: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that carry a number, belong to real labels and are their scorer's headline metric."""
    found = values[(values["control"] == "none") & values["value"].notna()]
    # Of a million rows the measures are a handful.
    names = found["scorer"].astype(str) + "\n" + found["metric"].astype(str)
    chosen = [name for name in names.unique() if is_headline(*name.split("\n"))]
    return found[names.isin(chosen)].astype({"value": float})


def _explainers(scores: pd.DataFrame, explanations: pd.DataFrame) -> pd.Series:
    """Return who wrote the label of each score, shape [n_scores]."""
    known = explanations.drop_duplicates("explanation").set_index("explanation")["explainer"]
    writer = scores["explanation"].map(known).astype(object).fillna(NO_LABEL).astype(str)
    return writer.where(scores["control"] == "none", "control:" + scores["control"].astype(str))
