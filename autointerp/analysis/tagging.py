"""What a run's tables say of each label, gathered into facts, and the tags that follow from them."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autointerp.analysis.diagnosis import THRESHOLDS, Facts, Rates, Skill, Thresholds, diagnose
from autointerp.metrics.classification import THRESHOLD, effective_number
from autointerp.score.detection import Detection
from autointerp.score.fuzzing import Fuzzing
from autointerp.score.logits import Logits
from autointerp.score.simulation import Simulation
from autointerp.score.simulation_json import SimulationJson
from autointerp.score.spearman import Spearman
from autointerp.score.specificity import Specificity

VERDICTS = (Detection.name, Fuzzing.name)
"""Scorers that ask yes or no of a window; a label's rates are of the first it was read by."""

WORTHLESS = ("shuffled", "blank")
HEADLINES = {
    scorer.name: scorer.headline
    for scorer in (Simulation, SimulationJson, Spearman, Detection, Fuzzing, Specificity, Logits)
}
"""Variant and metric by which a scorer says how good a label is."""

RANDOM = ("random", "silent:random")
WEAK = 0.5
"""Firing windows below this share of the feature's peak are weak ones."""

FEATURE = ["dictionary", "feature"]
MEASURED = ["density", "fraction_single_token"]
Frame = pd.DataFrame
Key = tuple[object, ...]
Row = Mapping[Hashable, Any]


def tag_labels(
    *,
    features: Frame,
    evidence: Frame,
    explanations: Frame,
    predictions: Frame,
    scores: Frame,
    judge: str,
    thresholds: Thresholds = THRESHOLDS,
) -> Frame:
    """Return one row a label, control labels left out: dictionary, feature, explanation, explainer, tags.

    ``tags`` is a tuple, empty where nothing was found. Rates are of *judge*, weighted to the
    population as the metrics recall and false_fire are; a rate that rests on fewer than
    ``min_windows`` windows, effectively (Kish 1965), is not known.
    """
    labels = own_labels(explanations)
    answers = _answers(predictions, evidence, features, judge)
    rates = _LabelRates(answers, thresholds.min_windows)
    skills = _skills(scores)
    named = features[features["feature"].isin(labels["feature"])].drop_duplicates(FEATURE)
    measured: dict[Key, Row] = {(row["dictionary"], row["feature"]): row for row in _rows(named, [*FEATURE, *MEASURED])}
    read = [*FEATURE, "explanation", "explainer", "kind", "is_duplicate"]
    facts = [
        _facts(row, rates=rates, skills=tuple(skills.get(str(row["explanation"]), ())), measured=measured)
        for row in _rows(labels.assign(is_duplicate=_duplicates(labels)), read)
    ]
    tags = pd.Series([diagnose(one, thresholds) for one in facts], index=labels.index, dtype=object)
    return labels[[*FEATURE, "explanation", "explainer"]].assign(tags=tags)


def _rows(frame: Frame, columns: list[str]) -> Iterator[Row]:
    """Yield the rows, of each the columns that are there; a run may have millions."""
    names = [name for name in columns if name in frame]
    for row in zip(*(frame[name].tolist() for name in names), strict=True):
        yield dict(zip(names, row, strict=True))


def own_labels(explanations: Frame) -> Frame:
    """Return the labels that explainers wrote, each once; what stands for a label in a control is none."""
    real = ~explanations["explainer"].astype(str).str.startswith("control:")
    return explanations[real].drop_duplicates("explanation")


def _facts(row: Row, *, rates: "_LabelRates", skills: tuple[Skill, ...], measured: Mapping[Key, Row]) -> Facts:
    name = (row["dictionary"], row["feature"])
    found = measured.get(name, {})
    single = found.get("fraction_single_token")
    own, worthless = rates.of(name, str(row["explanation"]))
    return Facts(
        density=float(found.get("density", 0.0)),
        single_token=None if single is None or pd.isna(single) else float(single),
        is_duplicate=bool(row["is_duplicate"]),
        is_about_outputs=row.get("kind") == "output" or row["explainer"] == "outputs",
        own=own,
        worthless=worthless,
        skills=skills,
    )


def _duplicates(labels: Frame) -> NDArray[np.bool_]:
    """Return whether another feature of the dictionary has the same label by the same explainer, shape [n_labels]."""
    texts = labels["text"].astype(str).map(_plain)
    by = [labels["dictionary"], labels["explainer"], texts]
    n_features: NDArray[np.int64] = labels["feature"].groupby(by).transform("nunique").to_numpy(np.int64)
    return n_features > 1


def _plain(text: str) -> str:
    """Return the label as it is compared.

    >>> _plain("The word  Cat."), _plain("the word cat")
    ('the word cat', 'the word cat')
    """
    return " ".join(text.casefold().split()).strip(" .,;:!?\"'")


def _skills(scores: Frame) -> dict[str, list[Skill]]:
    """Return how far each label got by scorer and judge, where value, interval and chance are known."""
    known = scores[(scores["control"] == "none") & scores[["value", "low", "high", "chance"]].notna().all(axis=1)]
    names = zip(known["scorer"], known["variant"], known["metric"], strict=True)
    is_headline = [HEADLINES.get(str(scorer)) == (variant, metric) for scorer, variant, metric in names]
    found: dict[str, list[Skill]] = {}
    columns = ["explanation", "scorer", "judge", "value", "low", "high", "chance"]
    for row in _rows(known[np.array(is_headline, dtype=bool)], columns):
        found.setdefault(str(row["explanation"]), []).append(_skill(row))
    return found


def _skill(row: Row) -> Skill:
    chance = float(row["chance"])
    value, low, high = ((float(row[name]) - chance) / (1 - chance) for name in ("value", "low", "high"))
    return Skill(str(row["scorer"]), str(row["judge"]), value, low, high)


# ---- rates


def _answers(predictions: Frame, evidence: Frame, features: Frame, judge: str) -> Frame:
    """Return the judge's answers on windows of the population, with what kind of window each was.

    Fuzzing's misplaced marks have no weight: they are no windows of the population.
    """
    rows = predictions[
        predictions["scorer"].isin(VERDICTS)
        & (predictions["judge"] == judge)
        & predictions["control"].isin(["none", *WORTHLESS])
        & predictions["guess"].notna()
        & (predictions["weight"] > 0)
    ]
    found = rows.merge(_places(evidence, features), on=[*FEATURE, "item"], how="left")
    stratum, fires = found["stratum"].astype(object).fillna(""), found["truth"] > 0
    is_hard = stratum.str.startswith("silent:") & ~stratum.isin(RANDOM)
    return found.assign(
        yes=found["guess"] >= THRESHOLD,
        recall=fires,
        top=fires & (stratum == "top"),
        weak=fires & (found["strength"] < WEAK),
        false_fire=~fires,
        random=~fires & stratum.isin(RANDOM),
        hard=~fires & is_hard,
    )


def _places(evidence: Frame, features: Frame) -> Frame:
    """Return a row a held-out window: dictionary, feature, item, stratum, and its strength, as a share of the peak."""
    windows = evidence[(evidence["side"] == "held_out") & (evidence["stratum"] != "neighbour")]
    peaks = features.drop_duplicates(FEATURE)[[*FEATURE, "peak"]]
    placed = windows[[*FEATURE, "stratum"]].assign(
        item=windows["doc"].astype(str) + ":" + windows["start"].astype(str),
        strongest=[max(row, default=0.0) for row in windows["activations"]],
    )
    found = placed.drop_duplicates([*FEATURE, "item"]).merge(peaks, on=FEATURE, how="left")
    return found.assign(strength=found["strongest"] / found["peak"]).drop(columns=["strongest", "peak"])


class _LabelRates:
    """Rates by label, beside those of worthless labels on the same feature."""

    def __init__(self, answers: Frame, min_windows: int) -> None:
        own, others = answers[answers["control"] == "none"], answers[answers["control"] != "none"]
        self.min_windows = min_windows
        self.own = self._by(own, ["explanation", "scorer"])
        self.feature = self._by(others, [*FEATURE, "scorer"])
        self.dictionary = self._by(others, ["dictionary", "scorer"])

    def of(self, feature: Key, explanation: str) -> tuple[Rates, Rates]:
        """Return the rates with the label and with worthless ones.

        Where the feature has too few windows of a kind with these, the rate is over all features of
        its dictionary.
        """
        scorer = next((name for name in VERDICTS if (explanation, name) in self.own), "")
        own = self.own.get((explanation, scorer), Rates())
        near = self.feature.get((*feature, scorer), Rates())
        wide = self.dictionary.get((feature[0], scorer), Rates())
        return own, _filled(near, wide)

    def _by(self, answers: Frame, names: list[str]) -> dict[Key, Rates]:
        groups = answers.groupby(names, sort=False)
        return {key: _rates(group, self.min_windows) for key, group in groups}


def _rates(answers: Frame, min_windows: int) -> Rates:
    """Return the weighted shares answered yes by kind of window."""
    yes, weight = answers["yes"].to_numpy(bool), answers["weight"].to_numpy(np.float64)
    kinds = {field.name: answers[field.name].to_numpy(bool) for field in fields(Rates)}
    return Rates(**{name: _share(yes[kind], weight[kind], min_windows) for name, kind in kinds.items()})


def _share(yes: NDArray[np.bool_], weight: NDArray[np.float64], min_windows: int) -> float | None:
    # Three equal weights may come to 2.9999... windows.
    if effective_number(weight) < min_windows - 1e-9:
        return None
    return float(weight[yes].sum() / weight.sum())


def _filled(first: Rates, second: Rates) -> Rates:
    pairs = {field.name: (getattr(first, field.name), getattr(second, field.name)) for field in fields(Rates)}
    return Rates(**{name: a if a is not None else b for name, (a, b) in pairs.items()})
