"""Explainers side by side: who failed, who is better, and on how many of the same features."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.analysis.certificates import Certificate
from autointerp.analysis.explainers import ALL, Comparison, compare_explainers, comparison_statements
from autointerp.analysis.summary import summary_lines
from autointerp.analysis.values import NO_LABEL, feature_values

Values = dict[tuple[str, str], dict[int, float | None]]


def frames(values: Values) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return scores and explanations by (dictionary, explainer); None = the label could not be written."""
    scores, explanations = [], []
    for (dictionary, explainer), column in values.items():
        for feature, value in column.items():
            label = f"{dictionary}#{feature} by {explainer}" if value is not None else ""
            scores.append(
                {
                    "dictionary": dictionary, "feature": feature, "explanation": label, "scorer": "detection",
                    "variant": "", "metric": "auroc", "judge": "j", "control": "none", "draw": 0, "value": value,
                    "chance": 0.5, "status": "scored" if label else "explain_failed",
                }
            )  # fmt: skip
            if label:
                row = {"explanation": label, "dictionary": dictionary, "feature": feature, "explainer": explainer}
                explanations.append(row)
    columns = ["explanation", "dictionary", "feature", "explainer"]
    return pd.DataFrame(scores).astype({"value": float}), pd.DataFrame(explanations, columns=columns)


def statement(values: Values) -> str:
    (found,) = comparison_statements(compare_explainers(feature_values(*frames(values))), ())
    return found.text


def test_differences_are_paired_by_hand() -> None:
    """Only features of both count for means and difference; those of one alone are counted beside."""
    values: Values = {("toy/4", "a"): {0: 0.9, 1: 0.8, 2: 0.1}, ("toy/4", "b"): {0: 0.5, 1: 0.6, 3: 0.2, 4: 0.2}}
    (found,) = compare_explainers(feature_values(*frames(values)))
    assert (found.first_mean.value, found.second_mean.value) == (pytest.approx(0.85), pytest.approx(0.55))
    assert (found.difference.value, found.difference.n) == (pytest.approx(0.3), 2)
    assert (found.only_first, found.only_second) == (1, 2)


def test_several_dictionaries_are_also_taken_together() -> None:
    """Feature 0 of two dictionaries is two features: each dictionary for itself, then all as one sample."""
    column: dict[int, float | None] = {0: 0.5, 1: 0.7}
    values: Values = {(d, e): column for d in ("toy/4", "toy/8") for e in ("a", "b")}
    found = compare_explainers(feature_values(*frames(values)))
    assert [(c.dictionary, c.difference.n) for c in found] == [("toy/4", 2), ("toy/8", 2), (ALL, 4)]


@pytest.mark.parametrize(
    ("shift", "n", "said"),
    [
        (0.2, 8, "a scores higher"), (-0.2, 8, "b scores higher"), (0.0, 8, "neither is shown to be better"),
        (0.2, 5, "too few to say which is better"),
    ],
)  # fmt: skip
def test_the_better_one_is_named_only_with_grounds(shift: float, n: int, said: str) -> None:
    """The interval of the difference decides, and fewer than six features decide nothing."""
    noise = np.linspace(-0.05, 0.05, n)
    values: Values = {
        ("toy/4", "a"): {i: 0.5 + shift + float(e) for i, e in enumerate(noise)},
        ("toy/4", "b"): dict.fromkeys(range(n), 0.5),
    }
    text = statement(values)
    assert said in text
    assert f"on the {n} features of toy/4 with a score for both" in text
    assert "uncertified (never examined)" in text


def test_no_common_feature_is_no_difference() -> None:
    """Each explainer has labels where the other has none: nothing is compared, and both counts are said."""
    text = statement({("toy/4", "a"): {0: 0.9}, ("toy/4", "b"): {1: 0.5, 2: 0.5}})
    assert "no feature of toy/4 has a score for labels by a and by b; a alone has 1, b alone 2" in text


def test_one_explainer_is_compared_with_nobody() -> None:
    """Nothing is said where there is nothing to say."""
    assert compare_explainers(feature_values(*frames({("toy/4", "a"): {0: 0.9, 1: 0.8}}))) == ()


def test_a_certificate_of_another_variant_does_not_count() -> None:
    """A judge that passed on the strongest windows is not certified on random ones."""
    passed = Certificate(
        "j", "simulation", "correlation (top_and_random)", 24, 168, 1, 1, 0.9, 0.8, 1.0, 0.9, 0.85, 0.95, 1, 1, 1, 1,
        True, "",
    )  # fmt: skip
    (one,) = compare_explainers(feature_values(*frames({("toy/4", "a"): {0: 0.9}, ("toy/4", "b"): {0: 0.5}})))
    names = {name: getattr(one, name) for name in Comparison.__slots__}
    for variant, said in (("top_and_random", "certified."), ("random_only", "uncertified (never examined).")):
        changed = Comparison(**names | {"scorer": "simulation", "variant": variant, "metric": "correlation"})
        texts = [s.text for s in comparison_statements([changed], [passed])]
        assert all(text.endswith(f": {said}") for text in texts)
        assert len(texts) == (variant == "top_and_random")


def test_a_label_never_written_counts_for_who_failed() -> None:
    """The failure stands under the explainer without a label of that feature, and under no "unknown"."""
    values: Values = {("toy/4", "a"): {0: 0.9, 1: 0.8}, ("toy/4", "b"): {0: 0.5, 1: None}}
    scores, explanations = frames(values)
    features = pd.DataFrame(
        [{"dictionary": "toy/4", "feature": i, "status": "scored", "density": 0.1} for i in range(2)]
    )
    dictionaries = pd.DataFrame([{"dictionary": "toy/4", "width": 4}])
    lines = summary_lines(feature_values(scores, explanations), features, dictionaries)
    assert {line.explainer: (line.mean.n, line.n_asked, line.unscored) for line in lines} == {
        "a": (2, 2, ()),
        "b": (1, 2, (("explain_failed", 1),)),
    }


def test_an_explainer_that_never_wrote_is_named_by_the_configuration() -> None:
    """All failed: the configuration says who; without it nobody is blamed."""
    scores, explanations = frames({("toy/4", "a"): {0: None, 1: None}})
    assert set(feature_values(scores, explanations, explainers=["a"])["explainer"]) == {"a"}
    assert set(feature_values(scores, explanations)["explainer"]) == {NO_LABEL}


@given(st.dictionaries(st.integers(0, 6), st.one_of(st.none(), st.floats(0, 1)), min_size=1))
def test_attribution_loses_no_feature(column: dict[int, float | None]) -> None:
    """Whatever failed, each explainer has one row a feature it was asked about."""
    scores, explanations = frames({("toy/4", "a"): column, ("toy/4", "b"): dict.fromkeys(column, 0.5)})
    found = feature_values(scores, explanations, explainers=["a", "b"])
    assert sorted(zip(found["explainer"], found["feature"], strict=True)) == sorted(
        (e, f) for e in "ab" for f in column
    )
