"""What a run's tables say of each label, gathered into facts, and the tags that follow from them."""

from dataclasses import fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autointerp.analysis.diagnosis import THRESHOLDS, BoolArray, Facts, Rates, Thresholds, diagnose
from autointerp.analysis.names import FEATURE, by_name, places_of, places_of_keys
from autointerp.core.types import FloatArray
from autointerp.metrics.classification import THRESHOLD
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

Frame = pd.DataFrame
IntArray = NDArray[np.int64]


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
    density, single_token = _measured(labels, features)
    own, worthless = _label_rates(labels, _answers(predictions, evidence, features, judge), thresholds.min_windows)
    facts = Facts(
        density=density,
        single_token=single_token,
        is_duplicate=_duplicates(labels),
        is_about_outputs=_is_about_outputs(labels),
        own=own,
        worthless=worthless,
        skills=_skills(scores, labels),
    )
    return labels[[*FEATURE, "explanation", "explainer"]].assign(tags=diagnose(facts, thresholds))


def own_labels(explanations: Frame) -> Frame:
    """Return the labels that explainers wrote, each once; what stands for a label in a control is none."""
    real = ~explanations["explainer"].astype(str).str.startswith("control:")
    return explanations[real].drop_duplicates("explanation")


def _numbered(first: Frame, second: Frame) -> tuple[IntArray, IntArray]:
    """Return a number for each row of two frames: the same where all cells are, counted up as rows first occur."""
    both = pd.concat([first, second], ignore_index=True)
    numbers = np.asarray(both.groupby(list(both.columns), sort=False, dropna=False).ngroup(), dtype=np.int64)
    return numbers[: len(first)], numbers[len(first) :]


def _measured(labels: Frame, features: Frame) -> tuple[FloatArray, FloatArray]:
    """Return density (0 where it is not known) and share of firings on one token (NaN) of each label's feature."""
    place = places_of(labels, features)
    known = features.reindex(columns=["density", "fraction_single_token"]).to_numpy(np.float64)
    density, single_token = np.vstack([known, np.full(2, np.nan)])[place].T
    return np.where(np.isnan(density), 0.0, density), single_token


def _is_about_outputs(labels: Frame) -> BoolArray:
    """Return whether the label was written as one of outputs, shape [n_labels]."""
    is_kind = labels["kind"] == "output" if "kind" in labels else False
    is_about: BoolArray = (is_kind | (labels["explainer"] == "outputs")).to_numpy(bool)
    return is_about


def _duplicates(labels: Frame) -> BoolArray:
    """Return whether another feature of the dictionary has the same label by the same explainer, shape [n_labels]."""
    codes, texts = pd.factorize(labels["text"].astype(str))
    plain, _ = pd.factorize(np.array([_plain(text) for text in texts.tolist()], dtype=object))
    by = [labels["dictionary"], labels["explainer"], pd.Series(plain[codes], index=labels.index)]
    features = labels["feature"].groupby(by, sort=False)
    is_shared: BoolArray = (features.transform("max") != features.transform("min")).to_numpy(bool)
    return is_shared


def _plain(text: str) -> str:
    """Return the label as it is compared.

    >>> _plain("The word  Cat."), _plain("the word cat")
    ('the word cat', 'the word cat')
    """
    return " ".join(text.casefold().split()).strip(" .,;:!?\"'")


def _skills(scores: Frame, labels: Frame) -> Frame:
    """Return how far each label got by scorer and judge, where value, interval and chance are known.

    The rows that ``Facts`` wants; ``label`` is the place among *labels*.
    """
    label = places_of_keys(scores["explanation"], labels["explanation"])
    names = scores[["scorer", "judge"]].astype("category")
    is_known = scores[["value", "low", "high"]].notna().all(axis=1) & (scores["chance"] < 1)
    is_own = (scores["control"] == "none") & (label >= 0)
    # Strings are copied last, and not at all: of millions of scores that costs more than everything else here.
    at = np.flatnonzero(is_known & is_own & by_name(_is_headline, scores, ["scorer", "variant", "metric"]))
    value, low, high, chance = (scores[name].to_numpy(np.float64)[at] for name in ("value", "low", "high", "chance"))
    skills = {name: (found - chance) / (1 - chance) for name, found in (("value", value), ("low", low), ("high", high))}
    return names.iloc[at].assign(label=label[at], **skills)


def _is_headline(scorer: str, variant: str, metric: str) -> bool:
    """Return whether a score is the one its scorer is read by."""
    return HEADLINES.get(scorer) == (variant, metric)


# ---- rates


def _answers(predictions: Frame, evidence: Frame, features: Frame, judge: str) -> Frame:
    """Return the judge's answers on windows of the population, with what kind of window each was.

    ``scorer`` is its place in ``VERDICTS``; other kinds are those of ``Rates``. Fuzzing's misplaced marks
    have no weight: they are no windows of the population.
    """
    rows = predictions[
        predictions["scorer"].isin(VERDICTS)
        & (predictions["judge"] == judge)
        & predictions["control"].isin(["none", *WORTHLESS])
        & predictions["guess"].notna()
        & (predictions["weight"] > 0)
    ]
    found = rows.merge(_places(evidence, features), on=[*FEATURE, "item"], how="left")
    stratum, fires = found["stratum"].astype(str).fillna(""), found["truth"] > 0
    is_hard = stratum.str.startswith("silent:") & ~stratum.isin(RANDOM)
    return found.assign(
        scorer=pd.Categorical(found["scorer"], VERDICTS).codes,
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
        strongest=_strongest(windows["activations"]),
    )
    found = placed.drop_duplicates([*FEATURE, "item"]).merge(peaks, on=FEATURE, how="left")
    return found.assign(strength=found["strongest"] / found["peak"]).drop(columns=["strongest", "peak"])


def _strongest(activations: pd.Series) -> FloatArray:
    """Return the largest activation of each window, shape [n_windows]; 0 of a window without tokens."""
    n_each = np.array([len(row) for row in activations], dtype=np.int64)
    values = np.concatenate([[0.0], *activations])
    strongest = np.zeros(len(n_each))
    strongest[n_each > 0] = np.maximum.reduceat(values, 1 + (np.cumsum(n_each) - n_each)[n_each > 0])
    return strongest


def _label_rates(labels: Frame, answers: Frame, min_windows: int) -> tuple[Rates, Rates]:
    """Return the rates with each label and with worthless ones, by the first of ``VERDICTS`` it was read by.

    Where a feature has too few windows of a kind with worthless labels, the rate is over all features of
    its dictionary.
    """
    is_own = (answers["control"] == "none").to_numpy(bool)
    own, others = answers[is_own], answers[~is_own]
    label = places_of_keys(own["explanation"], labels["explanation"])
    own, label = own[label >= 0], label[label >= 0]
    # The number after all scorers stands for none.
    first = np.full(len(labels), len(VERDICTS))
    np.minimum.at(first, label, own["scorer"])
    is_first = own["scorer"].to_numpy() == first[label]
    asked = labels[FEATURE].assign(scorer=first)
    near, wide = (
        _like(asked[names], others, min_windows) for names in ([*FEATURE, "scorer"], ["dictionary", "scorer"])
    )
    return _rates(own[is_first], label[is_first], len(labels), min_windows), _filled(near, wide)


def _like(asked: Frame, answers: Frame, min_windows: int) -> Rates:
    """Return for each row of *asked* the rates of the answers that are like it in all its columns."""
    wanted, group = _numbered(asked, answers[list(asked.columns)])
    rates = _rates(answers, group, max(wanted.max(initial=-1), group.max(initial=-1)) + 1, min_windows)
    return Rates(**{name: found[wanted] for name, found in _by_kind(rates).items()})


def _rates(answers: Frame, group: IntArray, n_groups: int, min_windows: int) -> Rates:
    """Return the weighted shares answered yes by kind of window, of the answers of each group."""
    order = np.argsort(group, kind="stable")
    by_group, group = answers.iloc[order], group[order]
    yes, weight = by_group["yes"].to_numpy(bool), by_group["weight"].to_numpy(np.float64)
    shares = {}
    for kind in fields(Rates):
        of_kind = by_group[kind.name].to_numpy(bool)
        n_each, n_yes = (np.bincount(group[which], minlength=n_groups) for which in (of_kind, of_kind & yes))
        shares[kind.name] = _shares(weight[of_kind & yes], n_yes, weight[of_kind], n_each, min_windows)
    return Rates(**shares)


def _shares(yes: FloatArray, n_yes: IntArray, weight: FloatArray, n_each: IntArray, min_windows: int) -> FloatArray:
    """Return the share of each group's *weight* that is answered *yes*; NaN where it rests on too few windows."""
    total = _sums(weight, n_each)
    n_effective = np.divide(total**2, _sums(weight**2, n_each), out=np.zeros_like(total), where=n_each > 0)
    # Three equal weights may come to 2.9999... windows.
    is_known = (n_each > 0) & (n_effective >= min_windows - 1e-9)
    return np.divide(_sums(yes, n_yes), total, out=np.full_like(total, np.nan), where=is_known)


def _sums(values: FloatArray, n_each: IntArray) -> FloatArray:
    """Return the sums of the first *n_each*[0] values, of the next *n_each*[1], and so on.

    Each is rounded as ``numpy.sum`` rounds it, and as the metrics' rates are: a share that stands exactly
    on a threshold must not fall to either side by the order of additions.
    """
    starts, sums = np.cumsum(n_each) - n_each, np.zeros(len(n_each))
    for n in np.flatnonzero(np.bincount(n_each[n_each > 0])):
        like = np.flatnonzero(n_each == n)
        sums[like] = values[starts[like, None] + np.arange(n)].sum(axis=1)
    return sums


def _filled(first: Rates, second: Rates) -> Rates:
    others = _by_kind(second)
    return Rates(**{name: np.where(np.isnan(a), others[name], a) for name, a in _by_kind(first).items()})


def _by_kind(rates: Rates) -> dict[str, FloatArray]:
    return {field.name: getattr(rates, field.name) for field in fields(Rates)}
