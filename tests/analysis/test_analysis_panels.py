"""Judges on the same windows: known answers, names that could be columns, and silence where one judge stands alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autointerp.analysis.panels import JudgesBeside, judges_beside
from autointerp.core.draws import generator
from autointerp.store.schemas import TABLES

N_FEATURES, N_ITEMS = 12, 20


def said(judge: str, *, accuracy: float, seed: int, scorer: str = "detection") -> list[dict[str, Any]]:
    """A judge's answers on 20 windows of each of 12 features, right with this probability."""
    draws = generator(seed, "panel")
    truth = np.tile([1.0, 0.0], N_ITEMS // 2)
    return [
        dict.fromkeys(TABLES["predictions"].names, "")
        | {
            "dictionary": "toy/8", "feature": feature, "explanation": f"e{feature}", "scorer": scorer, "judge": judge,
            "control": "none", "draw": 0, "item": f"web:{item}:0", "truth": t, "weight": 1.0,
            "guess": float(t if draws.random() < accuracy else 1 - t),
        }
        for feature in range(N_FEATURES)
        for item, t in enumerate(truth.tolist())
    ]  # fmt: skip


def beside(*answers: Sequence[dict[str, Any]]) -> tuple[JudgesBeside, ...]:
    return judges_beside(pd.DataFrame([row for rows in answers for row in rows]))


def test_one_judge_twice_is_one_vote() -> None:
    """Identical answers: agreement 1, kappa 1, one effective vote of two."""
    (found,) = beside(said("a", accuracy=0.8, seed=1), said("b", accuracy=0.8, seed=1))
    assert found.raw is not None
    assert found.kappa is not None
    assert found.votes is not None
    assert (found.raw.value, found.kappa.value, found.votes.value) == pytest.approx((1.0, 1.0, 1.0))
    assert (found.n_items, found.n_features, found.judges) == (N_FEATURES * N_ITEMS, N_FEATURES, ("a", "b"))
    assert found.raw.low is not None
    assert found.raw.low < 1


def test_judges_that_err_apart_are_two_votes() -> None:
    """Of 0.8 judges: agreement 0.68, kappa 0.36, two votes, each inside its interval."""
    (found,) = beside(said("a", accuracy=0.8, seed=1), said("b", accuracy=0.8, seed=2))
    for number, expected in ((found.raw, 0.68), (found.kappa, 0.36), (found.votes, 2.0)):
        assert number is not None
        assert number.low is not None
        assert number.high is not None
        assert number.low - 1e-9 <= expected <= number.high + 1e-9
        assert number.low <= number.value <= number.high


def test_three_judges_have_three_pairs_and_one_panel() -> None:
    """The panel has votes and no pair's numbers; a judge that errs like another adds no vote."""
    found = beside(*(said(name, accuracy=0.8, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))))
    assert [one.judges for one in found] == [("a", "b"), ("a", "c"), ("b", "c"), ("a", "b", "c")]
    panel = found[-1]
    assert (panel.raw, panel.kappa, panel.prevalence) == (None, None, None)
    assert panel.votes is not None
    assert 1.5 < panel.votes.value < 2.1  # r = (1 + 0 + 0) / 3: 3 / (1 + 2/3) = 1.8
    assert panel.votes.low is not None
    assert panel.votes.high is not None
    assert panel.votes.low < panel.votes.value < panel.votes.high < 2.3


def test_a_judge_that_answered_other_windows_stands_beside_nobody() -> None:
    """One judge, several that share no window, other scorers and controls: nothing is shown."""
    alone = said("a", accuracy=0.8, seed=1)
    elsewhere = [row | {"judge": "b", "item": f"other:{row['item']}"} for row in alone]
    control = [row | {"judge": "b", "control": "shuffled"} for row in alone]
    unread = [row | {"judge": "b", "guess": None} for row in alone]
    assert beside(alone) == beside(alone, elsewhere) == beside(alone, control) == beside(alone, unread) == ()
    strengths = [row | {"scorer": "simulation"} for row in [*alone, *said("b", accuracy=0.8, seed=2)]]
    assert beside(strengths) == ()
    assert judges_beside(pd.DataFrame(columns=TABLES["predictions"].names)) == ()


def test_names_of_judges_are_no_columns() -> None:
    """Judges named like columns are judges like any other."""
    (found,) = beside(said("truth", accuracy=0.9, seed=1), said("item", accuracy=0.9, seed=2))
    (plain,) = beside(said("b", accuracy=0.9, seed=1), said("a", accuracy=0.9, seed=2))
    assert found.judges == ("item", "truth")
    assert found.raw is not None
    assert plain.raw is not None
    assert found.raw.value == plain.raw.value
