"""Two runs by feature: what is paired, what could have been found, what turned, what it may be put down to."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.analysis.attributing import attribution, changes_between, fingerprint_change
from autointerp.analysis.estimates import Estimate
from autointerp.analysis.explainers import ALL
from autointerp.analysis.paired import compare_runs, flip_rates, minimum_detectable, noise_floor, paired_values, whole

SCORED = st.dictionaries(st.integers(0, 30), st.none() | st.floats(0, 1, width=32), min_size=1, max_size=12)


def values(scores: dict[int, float | None], *, dictionary: str = "toy/4", **names: str) -> pd.DataFrame:
    """Return a run's values by feature, of one measure; None = no score."""
    measure = {"explainer": "e", "scorer": "detection", "variant": "", "metric": "auroc", "judge": "j"} | names
    rows = [
        {"dictionary": dictionary, **measure, "control": "none", "feature": f, "value": v, "chance": 0.5,
         "status": "parse_failed" if v is None else "scored", "n_draws": 1}
        for f, v in scores.items()
    ]  # fmt: skip
    return pd.DataFrame(rows).astype({"value": float})


def answers(guesses: dict[tuple[int, str], float | None], *, judge: str = "j", **more: Any) -> pd.DataFrame:
    """Return predictions by (feature, item)."""
    rows = [
        {"dictionary": "toy/4", "feature": f, "explainer": "e", "scorer": "detection", "variant": "", "judge": judge,
         "control": "none", "draw": 0, "item": item, "truth": 1.0, "guess": guess, **more}
        for (f, item), guess in guesses.items()
    ]  # fmt: skip
    return pd.DataFrame(rows).astype({"guess": float})


@given(SCORED, SCORED)
def test_only_features_of_both_are_paired(a: dict[int, float | None], b: dict[int, float | None]) -> None:
    """The difference is the mean of b - a over features with both; coverage counts each run's own features."""
    (found,) = compare_runs(values(a), values(b))
    both = [b[f] - a[f] for f in a if a[f] is not None and b.get(f) is not None]  # type: ignore[operator]
    assert found.difference.n == len(both)
    assert found.difference.value == (pytest.approx(np.mean(both), abs=1e-9) if both else None)
    assert (found.scored_a, found.asked_a) == (sum(v is not None for v in a.values()), len(a))
    assert (found.scored_b, found.asked_b) == (sum(v is not None for v in b.values()), len(b))


def test_order_of_runs_turns_the_sign() -> None:
    """b minus a is minus (a minus b)."""
    a, b = values({0: 0.2, 1: 0.4, 2: 0.9}), values({0: 0.5, 1: 0.3, 2: 0.9})
    (forth,), (back,) = compare_runs(a, b), compare_runs(b, a)
    assert forth.difference.value == pytest.approx(-(back.difference.value or 0))
    assert forth.detectable == pytest.approx(back.detectable)


def test_rows_of_the_frame() -> None:
    """A row a feature of either run with a, b and difference; what one run lacks stays empty."""
    found = paired_values(values({0: 0.2, 1: 0.4}), values({1: 0.5, 2: 0.7})).set_index("feature")
    assert found["a"].dropna().to_dict() == {0: 0.2, 1: 0.4}
    assert found["b"].dropna().to_dict() == {1: 0.5, 2: 0.7}
    assert found["difference"].dropna().to_dict() == {1: pytest.approx(0.1)}


def test_another_judge_is_compared_where_each_run_has_one() -> None:
    """One judge each: compared, both named. Two in one run: only the one they share."""
    a, other = values({0: 0.2, 1: 0.4}, judge="old"), values({0: 0.5, 1: 0.3}, judge="new")
    (found,) = compare_runs(a, other)
    assert (found.judge, found.judge_b, found.difference.n) == ("old", "new", 2)
    both = pd.concat([other, values({0: 0.9, 1: 0.9}, judge="old")])
    (same,) = compare_runs(a, both)
    assert (same.judge, same.judge_b) == ("old", "old")
    assert same.difference.value == pytest.approx(0.6)


def test_a_measure_of_one_run_alone_is_left_out() -> None:
    """Nothing is compared that one of the runs never measured."""
    assert compare_runs(values({0: 0.2}), values({0: 0.2}, scorer="fuzzing")) == ()


def test_whole_takes_all_dictionaries_together() -> None:
    """Of several dictionaries the one line over all, then each by family and width; of one its own."""
    names = ("toy/1024", "without a width", "toy/64", "other/256", "toy/512")
    several = [pd.concat([values({0: x}, dictionary=d) for d in names]) for x in (0.1, 0.3)]
    found = compare_runs(*several)
    assert [p.dictionary for p in found] == [ALL, "other/256", "toy/64", "toy/512", "toy/1024", "without a width"]
    assert [(p.dictionary, p.difference.n) for p in whole(found)] == [(ALL, 5)]
    one = compare_runs(values({0: 0.1}), values({0: 0.3}))
    assert [p.dictionary for p in whole(one)] == ["toy/4"]


def test_minimum_detectable_difference_has_its_power() -> None:
    """A true difference of that size lies outside the noise in 0.8 of made-up comparisons, of half of it in fewer."""
    n, sd = 60, 0.2
    size = minimum_detectable(Estimate(0.0, -0.05, 0.05, sd, n))
    assert size is not None
    drawn = np.random.default_rng(0).normal(0, sd, (4000, n))
    edge = 1.959964 * sd / np.sqrt(n)
    assert np.mean(np.abs(drawn.mean(1) + size) > edge) == pytest.approx(0.8, abs=0.02)
    assert np.mean(np.abs(drawn.mean(1) + size / 2) > edge) < 0.4
    assert minimum_detectable(Estimate(0.1, None, None, None, 1)) is None


def test_flips_are_counted_on_windows_of_both() -> None:
    """A verdict turns when it passes 0.5; windows that one run did not read count nowhere."""
    a = answers({(0, "x"): 0.9, (0, "y"): 0.1, (1, "x"): 0.6, (1, "z"): 0.7, (2, "x"): None})
    b = answers({(0, "x"): 0.7, (0, "y"): 0.8, (1, "x"): 0.4, (2, "x"): 0.2}, judge="other")
    (found,) = flip_rates(a, b)
    assert (found.n_items, found.n_features) == (3, 2)
    assert found.rate == pytest.approx(2 / 3)


def test_strengths_are_no_verdicts() -> None:
    """Guesses of activations, and controls, are not yes or no."""
    a = answers({(0, "x"): 0.9, (0, "y"): 0.1})
    strengths = a.assign(scorer="simulation", truth=3.5)
    assert flip_rates(strengths, strengths) == ()
    assert flip_rates(a.assign(control="blank"), a.assign(control="blank")) == ()


def test_noise_floor_is_what_turned_by_itself() -> None:
    """The share of repeated answers that came out otherwise; unread ones count nowhere."""
    rows = pd.DataFrame(
        {"dictionary": "toy/4", "feature": [0, 1, 2, 3], "scorer": "detection", "variant": "", "truth": 1.0,
         "first": [0.9, 0.2, 0.6, 0.6], "again": [0.8, 0.7, 0.1, None]}
    )  # fmt: skip
    (found,) = noise_floor(rows)
    assert (found.rate, found.n_items) == (pytest.approx(2 / 3), 3)
    assert noise_floor(rows.iloc[:0]) == ()


# ---- what differs, and what that means


def manifest(**config: Any) -> dict[str, Any]:
    base = {"name": "x", "seed": 0, "explain": {"model": "m"}, "score": {"judge": "j", "n_top": 3}, "corpus": ["a"]}
    return {"config": base | config, "prompts": {}, "versions": {"torch": "2"}, "git_commit": "abc"}


NEW_LABELS: dict[str, Any] = {"explain": {"model": "n"}}
NEW_JUDGE: dict[str, Any] = {"score": {"judge": "k", "n_top": 3}}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"name": "y"}, "Nothing that decides a score differs"),
        (NEW_LABELS, "attributable to the labels."),
        (NEW_LABELS | NEW_JUDGE, "The judge also changed, so this is **not** attributable to the labels."),
        (NEW_JUDGE, "Only the judge changed: a difference is attributable to that, **not** to the labels."),
        (NEW_JUDGE | {"corpus": ["b"]}, "The judge and the text changed together"),
        ({"score": {"judge": "j", "n_top": 9}}, "Only how labels are tested changed"),
    ],
)
def test_attribution_follows_what_differs(config: dict[str, Any], said: str) -> None:
    """Only a run that differs in its labels alone says something of labels."""
    assert said in attribution(changes_between(manifest(), manifest(**config)))


def test_an_alarm_makes_the_judge_suspect() -> None:
    """Known-truth anchors against the judge count like a judge that was changed in the configuration."""
    changes = changes_between(manifest(), manifest(**NEW_LABELS))
    assert attribution(changes, alarm="anchors say so") == (
        "The judge also changed (anchors say so), so this is **not** attributable to the labels."
    )


def test_another_program_is_said_and_blamed_for_nothing() -> None:
    """Versions and commits are named, and leave the attribution as it is."""
    later = manifest(**NEW_LABELS) | {"git_commit": "def"}
    found = attribution(changes_between(manifest(), later))
    assert "attributable to the labels. The program differs, too" in found


def test_fingerprints() -> None:
    """Another system behind the judge's name is a change of the judge; where a run names none nothing is said."""
    (found,) = fingerprint_change(["gpt fp1"], ["gpt fp2"])
    assert (found.kind, str(found)) == ("the judge", "the judge's fingerprint: gpt fp1 → gpt fp2")
    assert fingerprint_change([], ["gpt fp2"]) == fingerprint_change(["a"], ["a"]) == ()
