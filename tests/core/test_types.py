"""A wrong value cannot be built."""

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.types import (
    SIDES,
    About,
    Digits,
    Evidence,
    Explanation,
    FeatureId,
    Prediction,
    Prompt,
    Question,
    Reason,
    Sample,
    Score,
    Text,
    Window,
    YesNo,
)

FEATURE = FeatureId("smol-l12/2048", 17)
not_finite = st.sampled_from([math.nan, math.inf, -math.inf])
docs = st.sampled_from("abcdef")


def silent(doc: str, start: int = 0) -> Sample:
    """A sample of a window on which nothing fires."""
    return Sample(Window(doc, start, ("x",), (0.0,)), "silent:random", 1.0)


@given(st.text("abc/-.0", min_size=1), st.integers(0, 10**9))
def test_feature_names_round_trip(dictionary: str, index: int) -> None:
    """What is printed can be read."""
    feature = FeatureId(dictionary, index)
    assert FeatureId.parse(str(feature)) == feature


@pytest.mark.parametrize("text", ["", "a/1", "a/1#", "#1", "a/1#x", "a b#1", "a#1#2", "a#-1"])
def test_other_names_are_refused(text: str) -> None:
    """The error shows how a feature is written."""
    with pytest.raises(ValueError, match="family/width#index"):
        FeatureId.parse(text)


@given(st.lists(docs), st.lists(docs), st.lists(docs))
def test_a_leaking_record_cannot_be_built(shown: list[str], select: list[str], held_out: list[str]) -> None:
    """Evidence exists exactly when no document is on two sides."""
    sides = {side: tuple(map(silent, names)) for side, names in zip(SIDES, (shown, select, held_out), strict=True)}
    is_leaking = bool(set(shown) & set(select) | set(shown) & set(held_out) | set(select) & set(held_out))
    if is_leaking:
        with pytest.raises(ValueError, match="is on two sides"):
            Evidence(FEATURE, 0.0, 0.0, 0.0, n_available=0, **sides)
    else:
        assert Evidence(FEATURE, 0.0, 0.0, 0.0, n_available=0, **sides).feature == FEATURE


@given(st.floats().filter(lambda x: not 0 <= x <= 1))
def test_densities_are_shares(bad: float) -> None:
    """Neither density may be NaN or leave [0, 1]."""
    for densities in ((bad, 0.0), (0.0, bad)):
        with pytest.raises(ValueError, match="must lie in"):
            Evidence(FEATURE, *densities, 0.0, (), (), (), 0)


@given(st.lists(st.floats(0, 10), min_size=1), not_finite | st.floats(max_value=0, exclude_max=True), st.integers(0))
def test_windows_hold_finite_activations(activations: list[float], bad: float, place: int) -> None:
    """One bad activation anywhere and the window cannot be built."""
    tokens = ("x",) * len(activations)
    assert Window("d", 0, tokens, tuple(activations)).peak == max(activations)
    activations[place % len(activations)] = bad
    with pytest.raises(ValueError, match="finite and >= 0"):
        Window("d", 0, tokens, tuple(activations))


@pytest.mark.parametrize(("tokens", "activations"), [((), ()), (("a",), ()), (("a", "b"), (1.0,))])
def test_a_window_has_one_activation_a_token(tokens: tuple[str, ...], activations: tuple[float, ...]) -> None:
    """And at least one token."""
    with pytest.raises(ValueError, match="T >= 1"):
        Window("d", 0, tokens, activations)


@given(st.sampled_from(["top", "firing:0", "silent:random", "silent:near"]), st.floats(0, 5))
def test_strata_are_verified(stratum: str, activation: float) -> None:
    """A silent window is silent, a firing one fires; anything else cannot be built."""
    window = Window("d", 0, ("a", "b"), (0.0, activation))
    is_true = stratum.startswith("silent") != window.is_firing
    if is_true:
        assert Sample(window, stratum, 1.0).stratum == stratum
    else:
        with pytest.raises(ValueError, match="stratum"):
            Sample(window, stratum, 1.0)


@given(not_finite | st.floats(max_value=0, exclude_max=True))
def test_weights_are_finite(weight: float) -> None:
    """Weights are finite and not negative."""
    with pytest.raises(ValueError, match="weight"):
        Sample(Window("d", 0, ("a",), (0.0,)), "random", weight)


SCORE = Score(FEATURE, "e", "detection", "", "j", "none", 0, "auroc", 0.8, 0.7, 0.9, 0.5, 20, 20, Reason.SCORED)
PREDICTION = Prediction(
    FEATURE, "e", "detection", "", "j", "none", 0, "d:0", 1.0, 0.8, 1.0, "logprob", Reason.SCORED
)  # fmt: skip


@given(st.sampled_from(["value", "low", "high", "chance"]), not_finite)
def test_no_score_is_nan(field: str, bad: float) -> None:
    """Value, interval and chance are finite or None."""
    with pytest.raises(ValueError, match=field):
        dataclasses.replace(SCORE, **{field: bad})


@given(st.sampled_from(["truth", "guess", "weight"]), not_finite)
def test_no_prediction_is_nan(field: str, bad: float) -> None:
    """Truth, guess and weight are finite."""
    with pytest.raises(ValueError, match=field):
        dataclasses.replace(PREDICTION, **{field: bad})


@given(st.none() | st.floats(-1, 1), st.sampled_from(Reason))
def test_a_value_stands_exactly_with_scored(value: float | None, reason: Reason) -> None:
    """No number without ``scored``, no ``scored`` without a number."""
    changes: list[tuple[Any, dict[str, Any]]] = [
        (SCORE, {"value": value, "status": reason}),
        (PREDICTION, {"guess": value, "reason": reason}),
    ]
    for good, change in changes:
        if (value is not None) == (reason is Reason.SCORED):
            dataclasses.replace(good, **change)
        else:
            with pytest.raises(ValueError, match="does not go with"):
                dataclasses.replace(good, **change)


@given(st.integers(-3, 5), st.integers(-3, 5))
def test_no_more_is_read_than_asked(n_asked: int, n_read: int) -> None:
    """Counts are 0 <= n_read <= n_asked."""
    if 0 <= n_read <= n_asked:
        assert dataclasses.replace(SCORE, n_asked=n_asked, n_read=n_read).n_read == n_read
    else:
        with pytest.raises(ValueError, match="asked"):
            dataclasses.replace(SCORE, n_asked=n_asked, n_read=n_read)


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_only_the_blank_control_is_empty(text: str) -> None:
    """An explainer that says nothing has failed; it has not explained."""
    assert Explanation(FEATURE, text, "control:blank", "none").text == text
    with pytest.raises(ValueError, match="must not be empty"):
        Explanation(FEATURE, text, "examples", "m")


def test_the_key_of_a_question_holds_what_decides_the_reply() -> None:
    """Every field but ``about`` and ``kinds`` changes the key; these never do: they decide whether, not what."""
    question = Question("s", "p", 1, YesNo())
    changes: dict[str, Any] = {
        "system": "t",
        "prompt": "q",
        "max_tokens": 2,
        "wants": Digits(1, "?", "a", 9),
        "sampling": (("temperature", 1.0),),
        "repeat": "r",
    }
    keys = {dataclasses.replace(question, **{name: value}).key for name, value in changes.items()}
    assert len(keys | {question.key, dataclasses.replace(question, wants=Text()).key}) == len(changes) + 2
    assert dataclasses.replace(question, about=About(FEATURE, "d:0", "label")).key == question.key
    assert dataclasses.replace(question, kinds=("logprob",)).key == question.key
    assert {field.name for field in dataclasses.fields(Question)} == {*changes, "about", "kinds", "role"}


def test_keys_of_stored_replies_stay() -> None:
    """A key written down once: another one for the same question would ask, and pay for, every stored reply again."""
    question = Question("s", "p", 8, Digits(2, "_", "x", 9), (("temperature", 0.5),), "r")
    assert question.key == question.key == "85060cb1f2ff26575f4256bf10b01071"


def test_versions_follow_the_words() -> None:
    """A prompt's version and an explanation's key change with their words."""
    assert Prompt("a", "s", "t").version != Prompt("a", "s", "u").version
    one, two = (Explanation(FEATURE, text, "examples", "m") for text in ("months", "years"))
    assert one.key != two.key
    assert one.key == dataclasses.replace(one, tokens=3, usd=0.1).key
