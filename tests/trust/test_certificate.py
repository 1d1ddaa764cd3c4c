"""A judge that knows is certified; one that does not is not, and is told why."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autointerp.core.types import Evidence, FeatureId, Prediction, Reason, Score, Window
from autointerp.metrics.classification import auroc
from autointerp.store.schemas import TABLES
from autointerp.trust.certificate import Certificate, CertificateSettings, certify, certify_all, judge_rates
from autointerp.trust.ladders import Ladder, Step, ladder_of
from autointerp.trust.oracle import Constant, Oracle, says_yes
from autointerp.trust.planting import PlantSettings, SideSizes, plant
from autointerp.trust.ranking import ladder_tau, mean_tau
from autointerp.trust.zoo import ZooFeature

DEMO = ("exact", "too_broad", "shuffled", "blank")
SETTINGS = PlantSettings(held_out=SideSizes(top=5, firing=7, silent=8, near=4))
Planted = tuple[list[ZooFeature], list[Evidence], list[Ladder]]


@pytest.fixture(scope="module")
def planted(one_of_each_kind: tuple[ZooFeature, ...], tiles: list[Window]) -> Planted:
    """One feature of each kind with four labels, planted."""
    features = [feature.pick(DEMO) for feature in one_of_each_kind]
    evidence = [plant(feature, tiles, SETTINGS) for feature in features]
    return features, evidence, [ladder_of(feature, tiles, SETTINGS) for feature in features]


def predict(planted: Planted, judge: Oracle | Constant) -> list[Prediction]:
    """Detection answers to every label."""
    predictions = []
    for feature, evidence in zip(planted[0], planted[1], strict=True):
        for rung in feature.rungs:
            explanation = feature.labelled(rung).explanation
            for sample in evidence.held_out:
                window = sample.window
                if sample.stratum == "neighbour":
                    continue
                guess = judge.share if isinstance(judge, Constant) else 0.0
                if isinstance(judge, Oracle):
                    fits = any(rung.predicate.activations(window.tokens))
                    guess = float(says_yes(judge, label=rung.text, item=window.item, fits=fits))
                predictions.append(
                    Prediction(
                        feature.feature, explanation.key, "detection", "", "j", "none", 0, window.item,
                        float(window.is_firing), guess, sample.weight, "oracle", Reason.SCORED,
                    )
                )  # fmt: skip
    return predictions


def grade(predictions: Sequence[Prediction]) -> list[Score]:
    """AUROC of each label."""
    by_label: dict[str, list[Prediction]] = {}
    for prediction in predictions:
        by_label.setdefault(prediction.explanation, []).append(prediction)
    return [
        score(
            group[0].explanation,
            auroc([p.truth for p in group], [p.guess or 0.0 for p in group]),
            feature=group[0].feature,
            n=len(group),
        )
        for group in by_label.values()
    ]


def score(
    explanation: str, value: float | None, *, feature: FeatureId | None = None, n: int = 12, **changes: object
) -> Score:
    """One score of a label, undefined without a value."""
    made = Score(
        feature or FeatureId("zoo", 0), explanation, "detection", "", "j", "none", 0, "auroc", value, None, None, 0.5,
        n, n, Reason.SCORED if value is not None else Reason.UNDEFINED,
    )  # fmt: skip
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def ladders(n: int, worths: Sequence[float] = (1.0, 0.6, 0.2, 0.0)) -> list[Ladder]:
    """Made-up ladders whose labels are called ``0:exact``, ``0:1``, ..."""
    return [
        Ladder(
            FeatureId("zoo", i),
            tuple(Step("sibling" if j else "exact", f"{i}:{j}", worth) for j, worth in enumerate(worths)),
        )
        for i in range(n)
    ]


def scores_of(made: Sequence[Ladder], values: Sequence[Sequence[float | None]]) -> list[Score]:
    """Scores of made-up ladders."""
    pairs = zip(made, values, strict=True)
    return [score(s.explanation, v) for ladder, row in pairs for s, v in zip(ladder.steps, row, strict=True)]


def test_a_perfect_oracle_is_certified(planted: Planted) -> None:
    """It ranks the labels right, up to ties, and makes no errors."""
    predictions = predict(planted, Oracle())
    found = certify(grade(predictions), planted[2], predictions=predictions)
    assert found.certified, found.reason
    assert found.reason == ""
    assert found.tau is not None
    assert found.tau > 0.7
    assert (found.auroc, found.exact_first, found.sensitivity, found.specificity) == (1.0, 1.0, 1.0, 1.0)
    assert found.n_asked == found.n_read == len(predictions)
    assert (found.n_features, found.n_labels) == (len(planted[0]), 4 * len(planted[0]))


def test_a_constant_judge_is_not_certified(planted: Planted) -> None:
    """It orders nothing: tau 0, AUROC at chance, no exact label first."""
    predictions = predict(planted, Constant(0.5))
    found = certify(grade(predictions), planted[2], predictions=predictions)
    assert not found.certified
    assert (found.tau, found.auroc, found.exact_first) == (0.0, 0.5, 0.0)
    assert "AUROC" in found.reason
    assert "Kendall" in found.reason


@pytest.mark.parametrize("seed", range(3))
def test_a_judge_that_tosses_a_coin_is_not_certified(planted: Planted, seed: int) -> None:
    """Sensitivity + specificity = 1 is no knowledge."""
    predictions = predict(planted, Oracle(0.5, 0.5, seed))
    found = certify(grade(predictions), planted[2], predictions=predictions)
    assert not found.certified
    assert found.tau is not None
    assert abs(found.tau) < 0.4


def test_error_rates_are_found_again(planted: Planted) -> None:
    """The rates are those of the judge against the label, though the labels are wrong about the feature."""
    predictions = predict(planted, Oracle(0.8, 0.7))
    sensitivity, specificity = judge_rates(predictions, planted[2], scorer="detection")
    assert sensitivity == pytest.approx(0.8, abs=0.1)
    assert specificity == pytest.approx(0.7, abs=0.1)
    assert judge_rates(predictions, planted[2], scorer="simulation") == (None, None)


def test_error_rates_have_their_numbers(planted: Planted) -> None:
    """Sensitivity and specificity are whole numbers of the answers counted beside them, and these are all that fit."""
    predictions = predict(planted, Oracle(0.8, 0.7))
    found = certify(grade(predictions), planted[2], predictions=predictions)
    for rate, n in ((found.sensitivity, found.n_fitting), (found.specificity, found.n_unfitting)):
        assert rate is not None
        assert n is not None
        assert rate * n == pytest.approx(round(rate * n))
    meaningful = {s.explanation for ladder in planted[2] for s in ladder.steps if s.is_meaningful}
    assert found.n_fitting + found.n_unfitting == sum(p.explanation in meaningful for p in predictions)  # type: ignore[operator]
    without = certify(grade(predictions), planted[2])
    assert (without.sensitivity, without.n_fitting, without.n_unfitting) == (None, None, None)


def test_undefined_counts_as_chance() -> None:
    """A label whose score is undefined stands at chance; it is not left out."""
    made = ladders(8)
    undefined_last = certify(scores_of(made, [(0.9, 0.8, 0.6, None)] * 8), made)
    assert undefined_last == certify(scores_of(made, [(0.9, 0.8, 0.6, 0.5)] * 8), made)
    assert undefined_last.certified
    exact_undefined = certify(scores_of(made, [(None, 0.8, 0.7, 0.6)] * 8), made)
    assert exact_undefined.tau is not None
    assert exact_undefined.tau < 0.5
    no_chance = [dataclasses.replace(s, chance=None) for s in scores_of(made, [(None, 0.8, 0.7, -0.1)] * 8)]
    assert certify(no_chance, made).exact_first == 0.0


def test_what_was_not_asked_is_left_out_and_told() -> None:
    """Labels without score are left out, and so is a ladder without its exact one; too few read is no certificate."""
    made = ladders(8)
    scores = scores_of(made, [(0.9, 0.8, 0.6, 0.5)] * 8)
    refused = [dataclasses.replace(s, value=None, status=Reason.JUDGE_REFUSED, n_read=0) for s in scores]
    found = certify([*scores[:16], *refused[16:]], made)
    assert (found.n_features, found.n_labels, found.n_read, found.n_asked) == (4, 16, 16 * 12, 32 * 12)
    assert "4 features with ranked labels, 6 needed" in found.reason
    assert "192 of 384 items read" in found.reason
    nothing = certify(refused, made)
    assert (nothing.tau, nothing.auroc, nothing.exact_first, nothing.certified) == (None, None, None, False)
    one_label = certify([refused[0], *scores[1:]], made)
    assert (one_label.n_features, one_label.n_labels) == (7, 28)


def test_few_perfect_ladders_are_not_certainty() -> None:
    """Intervals stay open: three perfect ladders do not certify, and the bound rises with their number."""
    lows = []
    for n in (3, 8, 30):
        made = ladders(n)
        found = certify(scores_of(made, [(0.9, 0.8, 0.6, 0.5)] * n), made)
        assert (found.tau, found.auroc) == (pytest.approx(1.0), 1.0)
        assert found.tau_low is not None
        assert found.auroc_low is not None
        assert found.certified == (n >= 8)
        lows.append((found.tau_low, found.auroc_low))
    assert lows == sorted(lows)
    assert all(low < 1 for pair in lows for low in pair)
    two = mean_tau([1.0, 1.0], seed=0, key=())
    assert two is not None
    assert (two.low, two.high) == (-1.0, 1.0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.floats(0, 1), min_size=4, max_size=4), min_size=1, max_size=9), st.randoms())
def test_figures_hold_together(values: list[list[float]], shuffle: np.random.Generator) -> None:
    """Every figure lies in its interval and range, and the order of scores and ladders decides nothing."""
    made = ladders(len(values))
    scores = scores_of(made, values)
    found = certify(scores, made)
    assert -1 <= found.tau_low <= found.tau <= found.tau_high <= 1  # type: ignore[operator]
    assert 0 <= found.auroc_low <= found.auroc <= found.auroc_high <= 1  # type: ignore[operator]
    shuffle.shuffle(scores)  # type: ignore[arg-type]
    assert certify(scores, made) == found


def test_tau_by_hand() -> None:
    """One of six pairs the wrong way round: (5 - 1) / 6; truths closer than the resolution are ties."""
    steps = ladders(1)[0].steps
    assert ladder_tau(tuple(zip(steps, (0.8, 0.9, 0.5, 0.4), strict=True)), resolution=0.05) == pytest.approx(4 / 6)
    close = ladders(1, (1.0, 0.01, 0.0))[0].steps
    assert ladder_tau(tuple(zip(close, (0.9, 0.4, 0.5), strict=True)), resolution=0.05) == pytest.approx(2 / 6**0.5)
    assert ladder_tau(tuple(zip(close[1:], (0.4, 0.5), strict=True)), resolution=0.05) is None


def test_groups() -> None:
    """Each judge, scorer, variant and metric has its own certificate; half metrics have none."""
    made = ladders(8)
    scores = scores_of(made, [(0.9, 0.8, 0.6, 0.5)] * 8)
    others = [dataclasses.replace(s, scorer="simulation", variant="top", metric="correlation") for s in scores]
    half = [dataclasses.replace(s, metric="recall") for s in scores]
    found = certify_all([*others, *half, *scores], made, prompt_versions={"detection": "v1"})
    assert [(c.scorer, c.metric, c.prompt_version) for c in found] == [
        ("detection", "auroc", "v1"),
        ("simulation", "correlation (top)", ""),
    ]
    with pytest.raises(ValueError, match="not 2"):
        certify([*scores, *half], made)
    with pytest.raises(ValueError, match="not 0"):
        certify([], made)


def test_the_exact_label_against_its_neighbours() -> None:
    """Counted over ladders that have a truly worse neighbour; other wrong labels do not matter, ties are not above."""
    feature = FeatureId("zoo", 0)

    def ladder(number: int, broad: float) -> Ladder:
        names = (("exact", 1.0), ("too_broad", broad), ("too_narrow", 0.3), ("sibling", 0.0))
        return Ladder(feature, tuple(Step(name, f"{number}:{name}", worth) for name, worth in names))

    made = [ladder(0, 0.5), ladder(1, 0.5), ladder(2, 1.0), ladder(3, 0.5)]
    values = [(0.9, 0.8, 0.7, 0.95), (0.9, 0.9, 0.7, 0.5), (0.9, 0.95, 0.7, 0.5), (0.6, 0.9, 0.7, 0.5)]
    assert certify(scores_of(made, values), made).exact_above_neighbours == 2 / 4
    broad_alone = [Ladder(one.feature, tuple(s for s in one.steps if s.rung != "too_narrow")) for one in made]
    without = [tuple(value for place, value in enumerate(row) if place != 2) for row in values]
    assert certify(scores_of(broad_alone, without), broad_alone).exact_above_neighbours is None
    no_neighbours = ladders(4)
    assert certify(scores_of(no_neighbours, [(0.9, 0.8, 0.6, 0.5)] * 4), no_neighbours).exact_above_neighbours is None


def test_half_answers_get_no_certificate() -> None:
    """A metric that a too broad label wins, or that counts against a label, ranks nothing."""
    made = ladders(3)
    scores = scores_of(made, [(0.9, 0.8, 0.6, 0.5)] * 3)
    halves = ("recall", "purity", "share_of_0", "mean", "absolute_deviation")
    assert certify_all([dataclasses.replace(s, metric=m) for m in halves for s in scores], made) == ()


def test_bars_are_settings() -> None:
    """A higher bar, the same figures, another verdict."""
    made = ladders(8)
    scores = scores_of(made, [(0.9, 0.8, 0.6, 0.5)] * 8)
    strict = certify(scores, made, settings=CertificateSettings(min_auroc_low=0.99, min_ladders=9))
    assert not strict.certified
    assert strict.auroc == certify(scores, made).auroc


def test_columns_are_those_of_the_table() -> None:
    """A certificate is a row of the certificates table."""
    assert [field.name for field in dataclasses.fields(Certificate)] == TABLES["certificates"].names


def test_a_ladder_has_one_exact_label() -> None:
    """Two right answers, or none, are no ladder."""
    with pytest.raises(ValueError, match="exactly one exact"):
        Ladder(FeatureId("zoo", 0), (Step("blank", "b", 0.0),))
