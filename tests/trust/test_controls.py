"""A control never helps itself to the label it stands in for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.types import Explanation, FeatureId
from autointerp.trust.controls import benjamini_hochberg, blank_explanation, shuffled_explanation

ids = st.builds(FeatureId, st.sampled_from(["a/1", "b/1"]), st.integers(0, 12))
texts = st.sampled_from(["months", "Months ", "years", "kings", "cats", "dogs", "of the"])
labels = st.dictionaries(ids, texts, min_size=1)


def explain(labelled: dict[FeatureId, str]) -> dict[FeatureId, Explanation]:
    return {feature: Explanation(feature, text, "examples", "m") for feature, text in labelled.items()}


@given(labels, st.data(), st.integers(0, 5), st.integers(0, 4))
def test_never_itself(labelled: dict[FeatureId, str], data: st.DataObject, seed: int, draw: int) -> None:
    """Another feature of the same dictionary, another text, in this feature's name; None only if there is none."""
    feature = data.draw(st.sampled_from(sorted(labelled)))
    densities = {one: data.draw(st.floats(0, 1)) for one in labelled}
    drawn = shuffled_explanation(feature, explain(labelled), densities, seed=seed, draw=draw)
    own = labelled[feature].strip().lower()
    others = {t.strip().lower() for f, t in labelled.items() if f.dictionary == feature.dictionary} - {own}
    if drawn is None:
        assert draw >= len(others)
    else:
        assert drawn.text.strip().lower() in others
        assert (drawn.feature, drawn.explainer) == (feature, "control:shuffled")


@given(labels, st.data(), st.integers(0, 5))
def test_draws_differ_and_order_does_not_matter(labelled: dict[FeatureId, str], data: st.DataObject, seed: int) -> None:
    """Repeated controls are different labels, the same ones in whatever order the labels come."""
    feature = data.draw(st.sampled_from(sorted(labelled)))
    densities = dict.fromkeys(labelled, 0.1)
    mixed = dict(data.draw(st.permutations(list(labelled.items()))))
    drawn = [shuffled_explanation(feature, explain(labelled), densities, seed=seed, draw=n) for n in range(8)]
    again = [shuffled_explanation(feature, explain(mixed), densities, seed=seed, draw=n) for n in range(8)]
    assert [d and d.text.strip().lower() for d in drawn] == [d and d.text.strip().lower() for d in again]
    found = [d.text.strip().lower() for d in drawn if d]
    assert len(set(found)) == len(found)


def test_nearest_density() -> None:
    """Only the k features nearest in log density stand for choice."""
    features = [FeatureId("a/1", i) for i in range(20)]
    labelled = {f: Explanation(f, f"label {f.index}", "examples", "m") for f in features}
    densities = {f: 10.0 ** -(f.index / 4) for f in features}
    drawn = {
        shuffled_explanation(features[10], labelled, densities, seed=seed, n_nearest=4).text  # type: ignore[union-attr]
        for seed in range(60)
    }
    assert drawn == {"label 8", "label 9", "label 11", "label 12"}


def test_blank() -> None:
    """The blank label is empty and says so by its explainer."""
    blank = blank_explanation(FeatureId("a/1", 0))
    assert (blank.text, blank.explainer, blank.model) == ("", "control:blank", "none")


def test_benjamini_hochberg_by_hand() -> None:
    """Adjusted values are min over higher ranks of n p / rank."""
    assert benjamini_hochberg([0.01, 0.04, 0.03, 0.5]).tolist() == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert benjamini_hochberg([]).tolist() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.sampled_from([0.01, 0.05, 0.2]))
def test_benjamini_hochberg_is_the_step_up_rule(p_values: list[float], level: float) -> None:
    """The set adjusted to <= q is that of the 1995 rule: the k smallest, k = max i with p(i) <= i q / n."""
    n, order = len(p_values), np.sort(p_values)
    ranks = [i for i in range(1, n + 1) if n * order[i - 1] / i <= level]
    expected = max(ranks, default=0)
    assert int((benjamini_hochberg(p_values) <= level).sum()) == expected
