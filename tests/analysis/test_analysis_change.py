"""What each kind of feature adds to a change of the score: exact sums, and shares that mean what they say."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.analysis.change import ALL, Part, decompose_change, paired_change
from autointerp.analysis.matching import COLUMNS, KINDS
from autointerp.core.draws import generator

Scored = list[tuple[str, float]]

scored = st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0, 1)), min_size=1, max_size=12)


def frame(rows: Scored) -> pd.DataFrame:
    return pd.DataFrame(
        {"feature": range(len(rows)), "kind": [kind for kind, _ in rows], "value": [v for _, v in rows]}
    )


def parts_of(narrow: Scored, wide: Scored) -> dict[str, Part]:
    return {part.kind: part for part in decompose_change(frame(narrow), frame(wide), resamples=20)}


def added(parts: dict[str, Part]) -> dict[str, float | None]:
    return {kind: part.change.value for kind, part in parts.items() if kind != ALL}


@given(scored, scored)
def test_parts_add_up(narrow: Scored, wide: Scored) -> None:
    """Whatever was scored, the parts sum to the difference of the two means, and every feature is counted."""
    parts = parts_of(narrow, wide)
    change = np.mean([v for _, v in wide]) - np.mean([v for _, v in narrow])
    assert sum(value or 0 for value in added(parts).values()) == pytest.approx(change, abs=1e-12)
    assert parts[ALL].change.value == pytest.approx(change, abs=1e-12)
    assert sum(p.n_narrow for kind, p in parts.items() if kind != ALL) == len(narrow)
    assert sum(p.n_wide for kind, p in parts.items() if kind != ALL) == len(wide)


def test_novel_features_count_as_far_as_they_differ() -> None:
    """Better novel features make the change; average ones make none, however many they are."""
    same = [("matched", 0.5)] * 10
    better = added(parts_of(same, [*same, *[("novel", 0.9)] * 10]))
    assert better["novel"] == pytest.approx(0.15)  # half of them, 0.3 above the midpoint 0.6
    assert better["matched"] == pytest.approx(0.05)  # their share below the midpoint is halved
    average = added(parts_of(same, [*same, *[("novel", 0.5)] * 30]))
    assert average == {"matched": 0.0, "novel": 0.0}


def test_losing_bad_features_is_a_gain() -> None:
    """Lost features below the rest raise the mean, and it is written to them."""
    parts = added(parts_of([("matched", 0.8), ("lost", 0.2)], [("matched", 0.8)]))
    assert parts["lost"] == pytest.approx(0.225)
    assert parts["matched"] == pytest.approx(0.075)


def test_intervals_hold_the_truth() -> None:
    """Of features drawn anew, about 95% of the intervals hold what the population's parts are."""
    kinds, means = ["matched", "split", "novel"], {"matched": 0.7, "split": 0.6, "novel": 0.4}
    shares = {"narrow": [0.6, 0.4, 0.0], "wide": [0.3, 0.4, 0.3]}
    totals = {side: sum(s * means[k] for s, k in zip(share, kinds, strict=True)) for side, share in shares.items()}
    middle = sum(totals.values()) / 2
    truth = 0.3 * (0.4 - middle)
    draws, held = generator(0, "repeats"), []
    for repeat in range(200):
        sides = []
        for share in shares.values():
            chosen = draws.choice(kinds, 80, p=share)
            values = draws.normal([means[k] for k in chosen], 0.1)
            sides.append(pd.DataFrame({"kind": chosen, "value": values}))
        novel = next(p for p in decompose_change(*sides, seed=repeat, resamples=300) if p.kind == "novel").change
        assert novel.low is not None
        assert novel.high is not None
        held.append(novel.low <= truth <= novel.high)
    assert 0.90 <= np.mean(held) <= 0.99


def test_nothing_scored_is_no_change() -> None:
    """Without a scored feature on one side there are no parts; with one on a side there is no interval."""
    assert decompose_change(frame([]), frame([("novel", 1.0)])) == ()
    parts = parts_of([("matched", 0.2)], [("matched", 0.4), ("novel", 0.4)])
    assert parts[ALL].change.value == pytest.approx(0.2)
    assert parts[ALL].change.low is None
    assert parts["novel"].mean_narrow is None


def test_pairs_are_compared_with_each_other() -> None:
    """Matched features that all gain 0.1 say so with a narrow interval, however different they are."""
    narrow = frame([("matched", v) for v in (0.1, 0.5, 0.9)])
    wide = frame([("matched", v + 0.1) for v in (0.9, 0.5, 0.1)])
    matches = pd.DataFrame({"parent": [0, 1, 2], "child": [2, 1, 0], "kind": "matched"}).reindex(columns=COLUMNS)
    found = paired_change(narrow, wide, matches)
    assert (found.value, found.n) == (pytest.approx(0.1), 3)
    assert found.half_width == pytest.approx(0.0, abs=1e-9)
