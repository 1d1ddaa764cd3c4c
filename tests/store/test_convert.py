"""Core values survive the disk unchanged."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autointerp.core.types import (
    LABEL_KINDS,
    Evidence,
    Explanation,
    Failure,
    FeatureId,
    Prediction,
    Reason,
    Reply,
    Sample,
    Score,
    TokenStat,
    Window,
)
from autointerp.store import convert
from autointerp.store.parts import read_table, write_part

text = st.text(max_size=6)
finite = st.floats(allow_nan=False, allow_infinity=False)
maybe = st.none() | finite
counts = st.integers(0, 2**40)
feature_ids = st.builds(FeatureId, st.sampled_from(["smol-l12/2048", "a/1"]), st.integers(0, 99))
unscored = st.sampled_from([reason for reason in Reason if reason is not Reason.SCORED])
few = settings(max_examples=40, deadline=None)


@st.composite
def samples(draw: st.DrawFn, doc: str) -> Sample:
    """A sample whose stratum goes with its activations."""
    activation = st.floats(0, 1e300)
    pairs = draw(st.lists(st.tuples(text, activation), min_size=1, max_size=5))
    window = Window(doc, draw(st.integers(0, 10**6)), tuple(t for t, _ in pairs), tuple(a for _, a in pairs))
    stratum = draw(st.sampled_from(["top", "firing:3"] if window.is_firing else ["silent:random", "silent:near"]))
    return Sample(window, stratum, draw(st.floats(0, 1e6)))


def sides(name: str) -> st.SearchStrategy[tuple[Sample, ...]]:
    """Samples of documents that belong to this side alone."""
    docs = st.integers(0, 3).map(lambda i: f"{name}{i}")
    return st.lists(docs.flatmap(samples), max_size=3).map(tuple)


evidences = st.builds(
    Evidence,
    feature=feature_ids,
    density=st.floats(0, 1),
    window_density=st.floats(0, 1),
    peak=st.floats(0, 1e300),
    shown=sides("a"),
    select=sides("b"),
    held_out=sides("c"),
    n_available=counts,
    promoted=st.lists(text).map(tuple),
    suppressed=st.lists(text).map(tuple),
    token_stats=st.lists(st.builds(TokenStat, text, counts, counts, st.floats(0, 1e300))).map(tuple),
    n_shown_tokens=counts,
    siblings=st.lists(feature_ids, max_size=2).map(tuple),
)
explanations = st.builds(
    Explanation,
    feature=feature_ids,
    text=text.filter(str.strip),
    explainer=text,
    model=text,
    prompt_version=text,
    question=text,
    tokens=counts,
    usd=maybe,
    long=text,
    kind=st.sampled_from(["", *LABEL_KINDS]),
    concepts=st.lists(text, max_size=3).map(tuple),
)


@st.composite
def predictions(draw: st.DrawFn) -> Prediction:
    """A prediction that could be read, or could not."""
    guess = draw(maybe)
    names = {name: draw(text) for name in ("explanation", "scorer", "variant", "judge", "control", "item", "kind")}
    reason = draw(unscored) if guess is None else Reason.SCORED
    return Prediction(
        feature=draw(feature_ids),
        draw=draw(counts),
        truth=draw(finite),
        weight=draw(finite),
        guess=guess,
        reason=reason,
        **names,
    )


@st.composite
def scores(draw: st.DrawFn) -> Score:
    """A score with a value, or with a reason."""
    value = draw(maybe)
    names = {name: draw(text) for name in ("explanation", "scorer", "variant", "judge", "control", "metric", "reason")}
    n_asked = draw(counts)
    return Score(
        feature=draw(feature_ids),
        draw=draw(counts),
        value=value,
        low=draw(maybe),
        high=draw(maybe),
        chance=draw(maybe),
        n_asked=n_asked,
        n_read=draw(st.integers(0, n_asked)),
        status=draw(unscored) if value is None else Reason.SCORED,
        **names,
    )


def stored(table: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Write the rows and read them back."""
    with TemporaryDirectory() as folder:
        write_part(Path(folder), table, "a", rows)
        return read_table(Path(folder), table)


@few
@given(evidence=evidences, other=evidences)
def test_evidence(evidence: Evidence, other: Evidence) -> None:
    """Evidence comes back equal, also from a table that holds another feature's."""
    rows = convert.evidence_rows(evidence)
    if other.feature != evidence.feature:
        rows = [*convert.evidence_rows(other), *rows]
    rest = {"n_windows": 0, "fraction_single_token": None, "histogram_start": 0, "histogram": [], "status": "pending"}
    features = stored("features", [convert.feature_fields(evidence) | rest])
    row = next(convert.rows_of(features))
    assert convert.evidence_from(stored("evidence", rows), row) == evidence


def test_token_ids_go_with_their_window() -> None:
    """Ids are found by the window's name; a window without ids has none."""
    windows = [Window("d", start, ("a",), (0.0,)) for start in (0, 32)]
    held_out = tuple(Sample(window, "silent:random", 1.0) for window in windows)
    evidence = Evidence(FeatureId("a/1", 0), 0.0, 0.0, 0.0, (), (), held_out, 0)
    rows = convert.evidence_rows(evidence, {"d:32": [7]})
    assert [row["token_ids"] for row in rows] == [[], [7]]


def test_leaking_rows_are_not_evidence() -> None:
    """A table with one document on two sides cannot become evidence."""
    sample = Sample(Window("d", 0, ("a",), (0.0,)), "silent:random", 1.0)
    evidence = Evidence(FeatureId("a/1", 0), 0.0, 0.0, 0.0, (sample,), (), (), 0)
    rows = convert.evidence_rows(evidence)
    frame = pd.DataFrame([*rows, rows[0] | {"side": "held_out"}])
    with pytest.raises(ValueError, match="document d is on two sides"):
        convert.evidence_from(frame, convert.feature_fields(evidence))


@few
@given(values=st.lists(explanations, max_size=3))
def test_explanations(values: list[Explanation]) -> None:
    """Labels come back equal, under the same key."""
    frame = stored("explanations", [convert.explanation_row(value) for value in values])
    assert [convert.explanation_from(row) for row in convert.rows_of(frame)] == values
    assert frame["explanation"].tolist() == [value.key for value in values]


def test_labels_of_an_older_part() -> None:
    """A part from before the long forms can be read: they are empty."""
    row = convert.explanation_row(Explanation(FeatureId("a/1", 0), "words", "examples", "m", long="All words."))
    row |= {"long": None, "kind": None, "concepts": None}
    (found,) = map(convert.explanation_from, convert.rows_of(stored("explanations", [row])))
    assert (found.text, found.long, found.kind, found.concepts) == ("words", "", "", ())


@few
@given(values=st.lists(predictions(), max_size=3))
def test_predictions(values: list[Prediction]) -> None:
    """Predictions come back equal; an unread one stays None."""
    frame = stored("predictions", [convert.prediction_row(value) for value in values])
    assert [convert.prediction_from(row) for row in convert.rows_of(frame)] == values


@few
@given(values=st.lists(scores(), max_size=3))
def test_scores(values: list[Score]) -> None:
    """Scores come back equal; an unscored one stays None with its reason."""
    frame = stored("scores", [convert.score_row(value) for value in values])
    assert [convert.score_from(row) for row in convert.rows_of(frame)] == values


@few
@given(values=st.lists(st.builds(Failure, text, text, st.sampled_from(Reason), text), max_size=3))
def test_failures(values: list[Failure]) -> None:
    """Failures come back equal."""
    frame = stored("failures", [convert.failure_row(value) for value in values])
    assert [convert.failure_from(row) for row in convert.rows_of(frame)] == values


@pytest.mark.parametrize("usd", [None, 0.0, 0.25])
def test_calls(usd: float | None) -> None:
    """An unknown price is an empty cell, not 0."""
    reply = Reply("q", "m", "yes", (), "text", 10, 1, 0, 0.5, usd)
    row = next(convert.rows_of(stored("calls", [convert.call_row(reply)])))
    assert pd.isna(row["usd"]) if usd is None else row["usd"] == usd
    assert (row["question"], row["tokens_in"], row["tries"], row["cached"]) == ("q", 10, 1, False)
