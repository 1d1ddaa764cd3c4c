"""Labels against other features' labels on the same windows, from stored predictions alone."""

from typing import Any

import numpy as np
import pandas as pd

from autointerp.analysis.swapping import passed, swap_tests
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
