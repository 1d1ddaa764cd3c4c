"""Tags from a run's tables: known answers for frames made by hand, and silence where a judge makes no mistake."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from autointerp.analysis.diagnosis import THRESHOLDS, Tag, Thresholds
from autointerp.analysis.tagging import tag_labels
from autointerp.metrics.classification import answer_rates

KINDS = {"top": 8.0, "firing:3": 3.0, "firing:1": 1.0, "silent:random": 0.0, "silent:near": 0.0}
"""Strata with the activation of their windows, of a peak of 8."""

EACH = 4
Answer = Callable[[str], float]


def perfect(stratum: str) -> float:
    return float(KINDS[stratum] > 0)


def never(stratum: str) -> float:
    del stratum
    return 0.0


def always(stratum: str) -> float:
    return 1.0 - never(stratum)


class World:
    """Tables of one dictionary, filled feature by feature."""

    def __init__(self) -> None:
        names = ["features", "evidence", "explanations", "predictions", "scores"]
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in names}

    def add(
        self, feature: int, said: Answer, *, worthless: Answer | None = never, text: str = "",
        scorer: str = "detection", density: float = 0.01, single: float | None = None, judge: str = "j",
        kind: str | None = None,
    ) -> None:  # fmt: skip
        """Add a feature with one label, and what a judge said with it and with another feature's label."""
        name = {"dictionary": "toy/8", "feature": feature}
        self.rows["features"].append(name | {"peak": 8.0, "density": density, "fraction_single_token": single})
        label = {"explanation": f"e{feature}", "text": text or f"label {feature}", "explainer": "examples"}
        self.rows["explanations"].append(name | label | {"kind": kind})
        for number, (stratum, activation) in enumerate(KINDS.items()):
            for doc in range(EACH):
                self._window(name, f"web:{number}:{doc}", stratum, activation, said, worthless, scorer, judge)

    def _window(
        self, name: dict[str, Any], doc: str, stratum: str, activation: float, said: Answer, worthless: Answer | None,
        scorer: str, judge: str,
    ) -> None:  # fmt: skip
        # As drawn: a random silent window stands for many, one that looks alike for itself.
        weight = 20.0 if stratum == "silent:random" else 1.0
        window = {"side": "held_out", "doc": doc, "start": 32, "stratum": stratum, "activations": [0.0, activation]}
        self.rows["evidence"].append(name | window | {"weight": weight})
        asked = {"scorer": scorer, "variant": "", "judge": judge, "item": f"{doc}:32", "weight": weight}
        asked |= name | {"truth": float(activation > 0), "draw": 0}
        own = {"explanation": f"e{name['feature']}", "control": "none", "guess": said(stratum)}
        self.rows["predictions"].append(asked | own)
        if worthless:
            other = {"explanation": "x", "control": "shuffled", "guess": worthless(stratum)}
            self.rows["predictions"].append(asked | other)

    def score(self, feature: int, scorer: str, value: float, *, judge: str = "j", metric: str = "auroc") -> None:
        name = {"dictionary": "toy/8", "feature": feature, "explanation": f"e{feature}", "control": "none", "draw": 0}
        measure = {"scorer": scorer, "variant": "", "judge": judge, "metric": metric, "chance": 0.5}
        self.rows["scores"].append(name | measure | {"value": value, "low": value - 0.05, "high": value + 0.05})

    def tags(self, judge: str = "j", thresholds: Thresholds = THRESHOLDS) -> dict[int, set[Tag]]:
        """Return the tags by feature; every label has one row."""
        columns = {
            "features": ["dictionary", "feature", "peak", "density", "fraction_single_token"],
            "evidence": ["dictionary", "feature", "side", "doc", "start", "stratum", "activations", "weight"],
            "explanations": ["dictionary", "feature", "explanation", "text", "explainer", "kind"],
            "predictions": ["dictionary", "feature", "explanation", "scorer", "variant", "judge", "control", "draw",
                            "item", "truth", "guess", "weight"],
            "scores": ["dictionary", "feature", "explanation", "scorer", "variant", "judge", "control", "draw",
                       "metric", "value", "low", "high", "chance"],
        }  # fmt: skip
        frames = {name: pd.DataFrame(rows, columns=columns[name]) for name, rows in self.rows.items()}
        found = tag_labels(**frames, judge=judge, thresholds=thresholds)
        assert len(found) == len(self.rows["explanations"])
        return {int(f): set(tags) for f, tags in zip(found["feature"], found["tags"], strict=True)}


def test_each_way_of_answering_has_its_tag() -> None:
    """Loose, strict, top only, fooled by what looks alike: one tag each; random windows weigh as many as they are."""
    world = World()
    world.add(0, perfect)
    world.add(1, always)
    world.add(2, lambda s: float(s in ("top", "firing:3")))
    world.add(3, lambda s: 1.0 if s == "silent:near" else perfect(s))
    world.add(4, always, worthless=always)
    world.add(5, lambda s: float(s == "firing:3"))
    assert world.tags() == {
        0: set(), 1: {Tag.TOO_BROAD}, 2: {Tag.TOP_ONLY}, 3: {Tag.HARD_NEGATIVE_FAIL}, 4: set(), 5: {Tag.TOO_NARROW},
    }  # fmt: skip


def test_what_is_known_of_feature_and_text_is_tagged() -> None:
    """Density, single token, the kind of label, and the same words for another feature but for case and full stop."""
    world = World()
    world.add(0, perfect, text="The word cat.")
    world.add(1, perfect, text="the  word cat")
    world.add(2, perfect, density=0.3)
    world.add(3, perfect, single=0.95)
    world.add(4, perfect, kind="output")
    assert world.tags() == {
        0: {Tag.DUPLICATE_LABEL}, 1: {Tag.DUPLICATE_LABEL}, 2: {Tag.DENSE}, 3: {Tag.SINGLE_TOKEN},
        4: {Tag.OUTPUT_FEATURE},
    }  # fmt: skip


def test_a_feature_without_controls_is_held_against_its_dictionary() -> None:
    """Where a judge says yes to worthless labels of other features, too, its yes makes no label broad.

    The same where no worthless label was asked about at all: then nobody knows.
    """
    world = World()
    world.add(0, always, worthless=None)
    world.add(1, perfect, worthless=always)
    assert world.tags()[0] == set()
    world.rows["predictions"] = [row for row in world.rows["predictions"] if row["control"] == "none"]
    assert world.tags()[0] == set()
    world.add(2, perfect, worthless=never)
    assert world.tags()[0] == {Tag.TOO_BROAD}


def test_fuzzing_stands_in_and_other_judges_do_not() -> None:
    """Without detection the rates are fuzzing's, misplaced marks apart; another judge's answers are no rates."""
    world = World()
    world.add(0, always, scorer="fuzzing")
    world.add(1, always, judge="another")
    misplaced = [r | {"item": r["item"] + ":misplaced", "truth": 0.0, "weight": 0.0} for r in world.rows["predictions"]]
    world.rows["predictions"] += misplaced
    assert world.tags() == {0: {Tag.TOO_BROAD}, 1: set()}
    assert world.tags(judge="another") == {0: set(), 1: {Tag.TOO_BROAD}}


def test_too_few_windows_are_no_rate() -> None:
    """A judge that was read on two windows of a kind condemns nothing."""
    world = World()
    world.add(0, always)
    world.rows["predictions"] = [r for r in world.rows["predictions"] if r["item"].split(":")[2] in "01"]
    world.rows["evidence"] = world.rows["evidence"][:0]
    few = [r for r in world.rows["predictions"] if r["truth"] or r["item"].startswith("web:3:")]
    world.rows["predictions"] = few
    assert world.tags() == {0: set()}


def test_scorers_and_judges_that_disagree() -> None:
    """By the scorers' own headline metrics; a good label of what is read need not name what is promoted."""
    world = World()
    for feature in range(4):
        world.add(feature, perfect)
        world.score(feature, "detection", 0.95)
    world.score(0, "fuzzing", 0.55)
    world.score(1, "detection", 0.55, judge="k")
    world.score(2, "logits", 0.5)
    world.score(3, "fuzzing", 0.55, metric="balanced_accuracy")
    assert world.tags() == {0: {Tag.SCORERS_DISAGREE}, 1: {Tag.JUDGES_DISAGREE}, 2: set(), 3: set()}


@settings(max_examples=30)
@given(st.permutations(range(3)), st.data())
def test_a_rate_is_the_metrics_own_to_the_last_digit(order: list[int], data: st.DataObject) -> None:
    """What the metric says is reached, the next number above it is not; other labels' windows stand between."""
    world = World()
    for feature in order:
        world.add(feature, always)
    mine = [r for r in world.rows["predictions"] if r["feature"] == 0 and r["control"] == "none"]
    for row in mine:
        row |= {"weight": data.draw(st.floats(0.05, 50)), "guess": data.draw(st.sampled_from([0.0, 1.0]))}
    world.rows["predictions"].sort(key=lambda row: row["item"])
    mine.sort(key=lambda row: row["item"])
    found = answer_rates(*([row[name] for row in mine] for name in ("truth", "guess", "weight")))
    assert found.recall is not None
    assert found.false_fire is not None
    bars = {"high_recall": found.recall, "high_false_fire": found.false_fire, "margin": 0.0, "min_windows": 1}
    assert Tag.TOO_BROAD in world.tags(thresholds=Thresholds(**bars))[0]
    for name in ("high_recall", "high_false_fire"):
        above = bars | {name: float(np.nextafter(bars[name], 2))}
        assert Tag.TOO_BROAD not in world.tags(thresholds=Thresholds(**above))[0]


def test_a_score_no_better_than_its_chance_can_be_says_nothing() -> None:
    """Where chance is perfect, or not known, or the interval is not, there is no way from one to the other."""
    world = World()
    world.add(0, perfect)
    world.score(0, "detection", 0.95)
    world.score(0, "fuzzing", 0.3)
    assert world.tags() == {0: {Tag.SCORERS_DISAGREE}}
    for missing in ({"chance": 1.0}, {"chance": None}, {"low": None}):
        world.rows["scores"][-1] |= {"chance": 0.5, "low": 0.25} | missing
        assert world.tags() == {0: set()}


planted = st.tuples(st.booleans(), st.booleans(), st.booleans(), st.sampled_from(["detection", "fuzzing"]))


@given(st.lists(planted, min_size=1, max_size=5), st.sampled_from([None, never, always]))
def test_a_judge_without_mistakes_is_tagged_only_as_planted(plants: list[Any], worthless: Answer | None) -> None:
    """Exact labels put to a perfect judge have the tags of their features and of shared words, and no other."""
    world = World()
    shared = sum(is_shared for *_, is_shared, _ in plants) > 1
    expected = {}
    for feature, (is_dense, is_single, is_shared, scorer) in enumerate(plants):
        world.add(
            feature, perfect, worthless=worthless, scorer=scorer, density=0.5 if is_dense else 0.01,
            single=1.0 if is_single else 0.2, text="the same" if is_shared else "",
        )  # fmt: skip
        world.score(feature, scorer, 1.0)
        tags = {Tag.DENSE: is_dense, Tag.SINGLE_TOKEN: is_single, Tag.DUPLICATE_LABEL: is_shared and shared}
        expected[feature] = {tag for tag, is_planted in tags.items() if is_planted}
    assert world.tags() == expected


def test_empty_tables_have_no_tags() -> None:
    """No label, no row; a label of which nothing else is known has no tag."""
    world = World()
    assert world.tags() == {}
    world.add(0, always)
    for table in ("features", "evidence", "predictions"):
        world.rows[table] = []
    assert world.tags() == {0: set()}
