"""Labels against other features' labels on the same windows, from stored predictions alone."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from autointerp.analysis.swapping import items_of, passed, swap_tests
from autointerp.core.draws import generator

N_ITEMS, N_RIVALS = 40, 3


def run(n_right: int, n_noise: int, *, scorer: str = "detection") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predictions and explanations of features with labels that are 0.9 / 0.9 right, then with worthless ones."""
    rows: list[dict[str, Any]] = []
    labels = []
    for feature in range(n_right + n_noise):
        labels.append({"explanation": f"e{feature}", "explainer": "examples"})
        draws = generator(0, "swapping", feature)
        truth = np.tile([1.0, 0.0], N_ITEMS // 2)
        right = np.where(draws.random(N_ITEMS) < 0.9, truth, 1 - truth)
        own = right if feature < n_right else (draws.random(N_ITEMS) < 0.3).astype(float)
        rows += _rows(feature, f"e{feature}", "none", 0, truth, own, scorer)
        for draw in range(N_RIVALS):
            guess = (draws.random(N_ITEMS) < 0.3).astype(float)
            rows += _rows(feature, f"x{feature}:{draw}", "shuffled", draw, truth, guess, scorer)
    return pd.DataFrame(rows), pd.DataFrame(labels)


def _rows(
    feature: int, label: str, control: str, draw: int, truth: np.ndarray, guess: np.ndarray, scorer: str
) -> list[dict[str, Any]]:
    return [
        {
            "dictionary": "toy/8", "feature": feature, "explanation": label, "scorer": scorer, "variant": "",
            "judge": "j",
            "control": control, "draw": draw, "item": f"web:{item}:0", "truth": float(t), "guess": float(g),
            "weight": 1.0,
        }
        for item, (t, g) in enumerate(zip(truth, guess, strict=True))
    ]  # fmt: skip


def test_right_labels_pass_and_worthless_ones_do_not() -> None:
    """q <= 5% for labels that are right, never below p; the count says of how many."""
    tests = swap_tests(*run(6, 6))
    assert [t.is_better for t in tests] == [True] * 6 + [False] * 6
    assert all(t.p <= t.q <= 1 and t.n_windows == N_ITEMS and t.n_rivals == N_RIVALS for t in tests)
    (found,) = passed(tests)
    assert (found.dictionary, found.explainer, found.n_better, found.n_tested) == ("toy/8", "examples", 6, 12)


def test_the_order_of_rows_does_not_matter() -> None:
    """The same p whichever part file was read first."""
    predictions, labels = run(3, 3)
    mixed = predictions.sample(frac=1, random_state=np.random.RandomState(0))
    assert swap_tests(mixed, labels) == swap_tests(predictions, labels)


def test_without_another_label_nothing_is_tested() -> None:
    """No rival, or only firing windows: no p, which is not the same as a large one."""
    predictions, labels = run(2, 0)
    assert swap_tests(predictions[predictions["control"] == "none"], labels) == ()
    assert swap_tests(predictions[predictions["truth"] > 0], labels) == ()
    assert swap_tests(predictions.iloc[:0], labels) == ()


def test_tokens_of_one_window_are_one_answer() -> None:
    """Repeating every item as eight tokens of its window makes no label better than it was."""
    predictions, labels = run(4, 4)
    tokens = pd.concat([predictions.assign(item=predictions["item"] + f":{place}") for place in range(8)])
    by_window, by_token = swap_tests(predictions, labels), swap_tests(tokens.assign(scorer="simulation"), labels)
    assert [t.n_windows for t in by_token] == [t.n_windows for t in by_window]
    assert np.allclose([t.p for t in by_token], [t.p for t in by_window], atol=1e-3)


def test_the_share_labelled_is_0_for_noise_and_1_for_an_oracle() -> None:
    """Own labels drawn like the swapped ones pass nowhere; labels that answer the truth pass everywhere."""
    predictions, labels = run(0, 12)
    (noise,) = passed(swap_tests(predictions, labels))
    own = predictions["control"] == "none"
    (oracle,) = passed(
        swap_tests(predictions.assign(guess=predictions["guess"].mask(own, predictions["truth"])), labels)
    )
    assert (noise.share, oracle.share) == (0.0, 1.0)
    assert noise.low == pytest.approx(0.0, abs=1e-9)
    assert noise.high == pytest.approx(1 - oracle.low)
    assert 0.2 < noise.high < 0.3  # Wilson 1927: 0 of 12


@pytest.mark.parametrize("control", ["blank", "generic", "lookup"])
def test_another_control_changes_nothing(control: str) -> None:
    """Tests compare with other features' labels alone, whatever else was asked on the same windows."""
    predictions, labels = run(3, 3)
    other = predictions[predictions["control"] == "none"].assign(control=control, guess=0.5, explanation="c")
    assert swap_tests(pd.concat([predictions, other]), labels) == swap_tests(predictions, labels)


def test_a_further_draw_leaves_the_number_tested() -> None:
    """Another swapped label on the same windows changes p, not which labels have one."""
    predictions, labels = run(3, 3)
    fewer = predictions[predictions["draw"] < N_RIVALS - 1]
    assert [t.feature for t in swap_tests(fewer, labels)] == [t.feature for t in swap_tests(predictions, labels)]
    assert passed(swap_tests(fewer, labels))[0].n_tested == passed(swap_tests(predictions, labels))[0].n_tested == 6


def test_a_p_value_is_the_same_in_any_company() -> None:
    """One feature looked up by itself has the p of the whole run; only q knows of the others."""
    predictions, labels = run(2, 4)
    others = {t.explanation: t for t in swap_tests(predictions, labels)}
    for feature in range(6):
        (alone,) = swap_tests(predictions[predictions["feature"] == feature], labels)
        assert alone.p == others[alone.explanation].p == alone.q


def test_too_few_windows_decide_nothing() -> None:
    """With 3 windows and 1 rival even a perfect label has p = 1/8: undecidable, which is not the same as no."""
    predictions, labels = run(4, 0)
    few = predictions[predictions["item"].isin(["web:0:0", "web:1:0", "web:2:0"]) & (predictions["draw"] == 0)]
    perfect = few.assign(guess=few["truth"].where(few["control"] == "none", 1 - few["truth"]))
    tests = swap_tests(perfect, labels)
    assert [(t.answer, t.least) for t in tests] == [("undecidable", 0.125)] * 4
    assert all(t.p == pytest.approx(0.125, abs=0.02) for t in tests)
    (found,) = passed(tests)
    assert (found.is_decidable, found.n_undecidable, found.n_tested, found.most_undecidable) == (False, 4, 4, 3)
    assert (items_of("detection", 1), items_of("logits", 3)) == ("1 window", "3 tokens")


def test_one_feature_with_few_windows_is_counted_beside_the_others() -> None:
    """It has a p and is tested; that it could not be labelled is said, and the others are not hidden by it."""
    predictions, labels = run(4, 0)
    poor = (predictions["feature"] == 0) & ~predictions["item"].isin(["web:0:0", "web:1:0"])
    (found,) = passed(swap_tests(predictions[~poor], labels))
    assert (found.n_better, found.n_tested, found.n_undecidable, found.most_undecidable) == (3, 4, 1, 2)
    assert found.windows == (2, N_ITEMS)
