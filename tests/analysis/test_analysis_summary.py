"""Summary: means, excesses and counts worked out by hand, and what must hold for any scores."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autointerp.analysis.coverage import coverage, failures_by_reason
from autointerp.analysis.estimates import NOTHING, Estimate, estimate_mean, n_for_half_width
from autointerp.analysis.figures import line_text, number, with_interval
from autointerp.analysis.summary import Line, summary, summary_lines
from autointerp.analysis.values import feature_values

SCORE = {"scorer": "detection", "variant": "", "metric": "auroc", "judge": "j", "chance": 0.5, "draw": 0}
DICTIONARIES = pd.DataFrame([{"dictionary": "toy/4", "width": 4}])


def score(feature: int, value: float | None, control: str = "none", **other: object) -> dict[str, object]:
    label = f"{control}-{feature}"
    row = {"dictionary": "toy/4", "feature": feature, "explanation": label, "control": control, "value": value, **SCORE}
    return row | {"status": "parse_failed" if value is None else "scored"} | other


def features_table(statuses: list[str], densities: list[float] | None = None) -> pd.DataFrame:
    known = densities or [0.01] * len(statuses)
    rows = zip(range(len(statuses)), statuses, known, strict=True)
    return pd.DataFrame([{"dictionary": "toy/4", "feature": i, "status": s, "density": d} for i, s, d in rows])


def explanations_table(scores: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"explanation": scores["explanation"].unique(), "explainer": "examples"})


def lines_of(rows: list[dict[str, object]], features: pd.DataFrame) -> tuple[Line, ...]:
    scores = pd.DataFrame(rows)
    return summary_lines(feature_values(scores, explanations_table(scores)), features, DICTIONARIES)


def test_means_excesses_and_counts_by_hand() -> None:
    """Three features, draws of the control averaged within the feature first, differences paired."""
    rows = [score(0, 0.9), score(1, 0.7), score(2, None)]
    rows += [score(0, 0.4, "shuffled"), score(0, 0.6, "shuffled", draw=1), score(1, 0.4, "shuffled")]
    rows += [score(2, 0.9, "shuffled"), score(0, 0.8, "lookup", judge="table")]
    (line,) = lines_of(
        rows, features_table(["scored", "scored", "scored", "explain_failed", "dead"], [0.03, 0.01] * 2 + [0])
    )
    assert line.mean.value == pytest.approx(0.8)
    assert line.per_firing.value == pytest.approx((0.03 * 0.9 + 0.01 * 0.7) / 0.04)
    assert (line.mean.n, line.n_asked, line.chance) == (2, 4, 0.5)
    assert dict(line.unscored) == {"parse_failed": 1, "explain_failed": 1}
    shuffled, lookup = line.control("shuffled"), line.control("lookup")
    assert shuffled is not None
    assert shuffled.mean.value == pytest.approx((0.5 + 0.4 + 0.9) / 3)
    assert (shuffled.excess.value, shuffled.excess.n) == (pytest.approx((0.4 + 0.3) / 2), 2)
    assert lookup is not None
    assert lookup.excess.value == pytest.approx(0.1)
    assert line.control("blank") is None


def test_a_line_is_never_a_bare_mean() -> None:
    """The text has interval, counts, chance, control and excess; one feature has no interval and says so."""
    rows = [score(i, 0.8) for i in range(3)] + [score(i, 0.5, "shuffled") for i in range(3)]
    (line,) = lines_of(rows, features_table(["scored"] * 3))
    expected = "0.80 [0.80, 0.80] · 3/3 scored · chance 0.50 · control 0.50 · excess 0.30 [0.30, 0.30] (shuffled)"
    assert line_text(line) == expected
    (single,) = lines_of([score(0, 0.8)], features_table(["scored"]))
    assert line_text(single) == "0.80 [no interval: 1 feature] · 1/1 scored · chance 0.50 · control none · excess none"
    assert summary((single,))["note"].item() == "no interval: 1 scored"


def test_two_explainers_two_lines() -> None:
    """Labels of different explainers are never averaged, and share the controls of the feature."""
    scores = pd.DataFrame([score(0, 0.9), score(0, 0.3, explanation="lexical-0"), score(0, 0.5, "blank")])
    names = {"none-0": "examples", "lexical-0": "lexical", "blank-0": "control:blank"}
    explanations = pd.DataFrame({"explanation": names.keys(), "explainer": names.values()})
    lines = summary_lines(feature_values(scores, explanations), features_table(["scored"]), DICTIONARIES)
    assert {line.explainer: line.mean.value for line in lines} == {"examples": 0.9, "lexical": 0.3}
    assert [round(line.against[0].excess.value or 0, 6) for line in lines] == [0.4, -0.2]


def test_another_judge_is_not_a_control() -> None:
    """A shuffled label judged by somebody else is not compared with."""
    (line,) = lines_of([score(0, 0.9), score(0, 0.5, "shuffled", judge="other")], features_table(["scored"]))
    assert line.against == ()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.one_of(st.none(), st.floats(-1, 1)), min_size=1, max_size=12), st.randoms())
def test_a_summary_does_not_depend_on_the_order_of_rows(values: list[float | None], shuffle: object) -> None:
    """Rows come from many parts in any order; counts always add up to all that were asked."""
    rows = [score(i, v) for i, v in enumerate(values)]
    mixed = list(rows)
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]
    features = features_table(["scored"] * len(values))
    first, second = lines_of(rows, features), lines_of(mixed, features)
    assert first == second
    (line,) = first
    assert line.mean.n + sum(n for _, n in line.unscored) == line.n_asked == len(values)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=40), st.integers(0, 5))
def test_an_interval_holds_its_mean(values: list[float], seed: int) -> None:
    """Low <= mean <= high for equal weights (up to rounding); the same seed gives the same interval."""
    e = estimate_mean(np.array(values), seed=seed, about=("t",))
    assert e == estimate_mean(np.array(values), seed=seed, about=("t",))
    assert e.n == len(values)
    if e.low is not None and len(set(values)) == 1:
        assert e.low == pytest.approx(e.high)
    if e.low is not None and e.high is not None:
        assert min(values) - 1e-9 <= e.low <= e.high <= max(values) + 1e-9


def test_intervals_cover_at_about_their_rate() -> None:
    """Of 200 samples of 30 normal values, about 95% of the intervals hold the true mean."""
    draws = np.random.default_rng(0)
    found = [estimate_mean(draws.normal(size=30), seed=0, about=(i,), resamples=500) for i in range(200)]
    assert 0.88 <= np.mean([e.low <= 0 <= e.high for e in found if e.low is not None and e.high is not None]) <= 0.99


def test_weights_of_zero_leave_features_out() -> None:
    """A silent feature has no firing to be weighted by; with none left there is no number."""
    values = np.array([1.0, 0.0])
    assert estimate_mean(values, weights=np.array([0.0, 2.0]), seed=0, about=()) == Estimate(0.0, None, None, None, 1)
    assert estimate_mean(values, weights=np.zeros(2), seed=0, about=()) == NOTHING


def test_n_for_half_width() -> None:
    """(1.96 * 0.25 / 0.05)^2 = 96.04, rounded up; no SD, no advice."""
    assert n_for_half_width(0.25) == 97
    assert n_for_half_width(None) is None


def test_numbers_as_text() -> None:
    """No minus zero, no NaN: nothing is called unscored."""
    assert number(-0.0001) == "0.00"
    assert with_interval(NOTHING) == "unscored"


def test_coverage_counts_every_feature() -> None:
    """Each feature stands in one column; features nobody reported on are counted too."""
    statuses = ["scored", "dead", "dead", "too_few_examples", "not_sampled", "explain_failed", "surprise"]
    (row,) = coverage(features_table(statuses), pd.DataFrame([{"dictionary": "toy/4", "width": 9}])).to_dict("records")
    assert (row["scored"], row["dead"], row["unlisted"], row["surprise"]) == (1, 2, 2, 1)
    assert (row["n_features"], row["n_eligible"], row["n_drawn"]) == (7, 4, 3)


def test_coverage_of_nothing() -> None:
    """A dictionary without a row is a row of zeros; no dictionary is an empty table."""
    empty = features_table([]).reindex(columns=["dictionary", "feature", "status", "density"])
    assert coverage(empty, DICTIONARIES)[["scored", "unlisted"]].to_numpy().tolist() == [[0, 4]]
    assert coverage(empty, DICTIONARIES.iloc[:0]).empty


def test_failures_are_counted_by_reason() -> None:
    """Most frequent first."""
    rows = [
        {"stage": "score", "about": str(i), "reason": "timeout" if i else "parse_failed", "detail": "d"}
        for i in range(3)
    ]
    assert failures_by_reason(pd.DataFrame(rows))[["reason", "n"]].to_numpy().tolist() == [
        ["timeout", 2],
        ["parse_failed", 1],
    ]
