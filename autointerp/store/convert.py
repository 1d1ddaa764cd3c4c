"""Core values to rows of tables and back; a row is a mapping from column to plain value."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from autointerp.core.types import (
    SIDES,
    About,
    Evidence,
    Explanation,
    Failure,
    FeatureId,
    Prediction,
    Question,
    Reason,
    Reply,
    Sample,
    Score,
    TokenStat,
    Window,
)

Row = dict[str, Any]
AnyRow = Mapping[str, Any]
NO_IDS: Mapping[str, Sequence[int]] = {}


def rows_of(frame: pd.DataFrame) -> Iterator[Row]:
    """Yield the rows of a frame as plain values, for the ``..._from`` functions below."""
    names = list(frame.columns)
    for values in zip(*(frame[name].tolist() for name in names), strict=True):
        yield dict(zip(names, values, strict=True))


# ---- evidence


def evidence_rows(evidence: Evidence, token_ids: Mapping[str, Sequence[int]] = NO_IDS) -> list[Row]:
    """Return one ``evidence`` row a sample, side by side in the order they have.

    *token_ids*: ids of a window's tokens by ``window.item``; a window not in it gets none.
    """
    return [
        {
            "dictionary": evidence.feature.dictionary,
            "feature": evidence.feature.index,
            "side": side,
            "doc": sample.window.doc,
            "start": sample.window.start,
            "tokens": list(sample.window.tokens),
            "token_ids": list(token_ids.get(sample.window.item, ())),
            "activations": list(sample.window.activations),
            "stratum": sample.stratum,
            "weight": sample.weight,
        }
        for side in SIDES
        for sample in getattr(evidence, side)
    ]


def feature_fields(evidence: Evidence) -> Row:
    """Return the columns of a ``features`` row that evidence knows.

    The harvest adds n_windows, fraction_single_token, histogram_start, histogram and status.
    """
    return {
        "dictionary": evidence.feature.dictionary,
        "feature": evidence.feature.index,
        "density": evidence.density,
        "window_density": evidence.window_density,
        "peak": evidence.peak,
        "n_held_out": evidence.n_available,
        "promoted": list(evidence.promoted),
        "suppressed": list(evidence.suppressed),
        "token_stats": token_stats_text(evidence.token_stats),
        "n_shown_tokens": evidence.n_shown_tokens,
        "siblings": list(map(str, evidence.siblings)),
    }


def evidence_from(frame: pd.DataFrame, feature_row: AnyRow) -> Evidence:
    """Build evidence from its ``evidence`` rows and its ``features`` row; *frame* may hold other features' rows too.

    Raises:
        ValueError: The rows are not evidence, for example a document stands on two sides.
    """
    feature = _feature(feature_row)
    own = frame[(frame["dictionary"] == feature.dictionary) & (frame["feature"] == feature.index)]
    sides: dict[str, list[Sample]] = {side: [] for side in SIDES}
    for row in rows_of(own):
        sides[row["side"]].append(_sample(row))
    return Evidence(
        feature=feature,
        density=float(feature_row["density"]),
        window_density=float(feature_row["window_density"]),
        peak=float(feature_row["peak"]),
        shown=tuple(sides["shown"]),
        select=tuple(sides["select"]),
        held_out=tuple(sides["held_out"]),
        n_available=int(feature_row["n_held_out"]),
        promoted=tuple(map(str, feature_row["promoted"])),
        suppressed=tuple(map(str, feature_row["suppressed"])),
        token_stats=token_stats_from(feature_row["token_stats"]),
        n_shown_tokens=int(feature_row["n_shown_tokens"]),
        siblings=tuple(map(FeatureId.parse, _list(feature_row["siblings"]))),
    )


def token_stats_text(stats: Sequence[TokenStat]) -> str:
    """Return token statistics as the JSON text the ``features`` table keeps: [[token, seen, fired, mean], ...]."""
    return json.dumps([[s.token, s.seen, s.fired, s.mean_activation] for s in stats], allow_nan=False)


def token_stats_from(text: str) -> tuple[TokenStat, ...]:
    """Read ``token_stats_text`` back."""
    return tuple(
        TokenStat(str(token), int(seen), int(fired), float(mean)) for token, seen, fired, mean in json.loads(text)
    )


def _sample(row: AnyRow) -> Sample:
    tokens, activations = tuple(map(str, row["tokens"])), tuple(map(float, row["activations"]))
    window = Window(str(row["doc"]), int(row["start"]), tokens, activations)
    return Sample(window, str(row["stratum"]), float(row["weight"]))


# ---- labels, predictions, scores


def explanation_row(explanation: Explanation) -> Row:
    """Return an ``explanations`` row."""
    return {
        "explanation": explanation.key,
        **_feature_columns(explanation.feature),
        "text": explanation.text,
        "explainer": explanation.explainer,
        "model": explanation.model,
        "prompt_version": explanation.prompt_version,
        "question": explanation.question,
        "tokens": explanation.tokens,
        "usd": explanation.usd,
        "long": explanation.long,
        "kind": explanation.kind,
        "concepts": list(explanation.concepts),
    }


def explanation_from(row: AnyRow) -> Explanation:
    """Read an ``explanations`` row back."""
    return Explanation(
        feature=_feature(row),
        **_texts(row, "text", "explainer", "model", "prompt_version", "question"),
        tokens=int(row["tokens"]),
        usd=_number(row["usd"]),
        long=_text(row["long"]),
        kind=_text(row["kind"]),
        concepts=_list(row["concepts"]),
    )


def prediction_row(prediction: Prediction) -> Row:
    """Return a ``predictions`` row."""
    return {
        **_feature_columns(prediction.feature),
        **_judged_columns(prediction),
        "item": prediction.item,
        "truth": prediction.truth,
        "guess": prediction.guess,
        "weight": prediction.weight,
        "kind": prediction.kind,
        "reason": prediction.reason.value,
    }


def prediction_from(row: AnyRow) -> Prediction:
    """Read a ``predictions`` row back."""
    return Prediction(
        feature=_feature(row),
        **_texts(row, "explanation", "scorer", "variant", "judge", "control", "item", "kind"),
        draw=int(row["draw"]),
        truth=float(row["truth"]),
        guess=_number(row["guess"]),
        weight=float(row["weight"]),
        reason=Reason(row["reason"]),
    )


def score_row(score: Score) -> Row:
    """Return a ``scores`` row."""
    return {
        **_feature_columns(score.feature),
        **_judged_columns(score),
        "metric": score.metric,
        "value": score.value,
        "low": score.low,
        "high": score.high,
        "chance": score.chance,
        "n_asked": score.n_asked,
        "n_read": score.n_read,
        "status": score.status.value,
        "reason": score.reason,
    }


def score_from(row: AnyRow) -> Score:
    """Read a ``scores`` row back."""
    return Score(
        feature=_feature(row),
        **_texts(row, "explanation", "scorer", "variant", "judge", "control", "metric", "reason"),
        draw=int(row["draw"]),
        value=_number(row["value"]),
        low=_number(row["low"]),
        high=_number(row["high"]),
        chance=_number(row["chance"]),
        n_asked=int(row["n_asked"]),
        n_read=int(row["n_read"]),
        status=Reason(row["status"]),
    )


# ---- failures, calls


def failure_row(failure: Failure) -> Row:
    """Return a ``failures`` row."""
    return {
        "stage": failure.stage,
        "about": failure.about,
        "reason": failure.reason.value,
        "detail": failure.detail,
    }


def failure_from(row: AnyRow) -> Failure:
    """Read a ``failures`` row back."""
    return Failure(**_texts(row, "stage", "about", "detail"), reason=Reason(row["reason"]))


def call_row(reply: Reply, *, stage: str = "", about: About | None = None) -> Row:
    """Return a ``calls`` row; there is no way back, the text stands in the reply cache."""
    return {
        "question": reply.question,
        "model": reply.model,
        "tokens_in": reply.tokens_in,
        "tokens_out": reply.tokens_out,
        "tokens_cached": reply.tokens_cached,
        "usd": reply.usd,
        "seconds": reply.seconds,
        "tries": reply.tries,
        "cached": reply.cached,
        "stage": stage or None,
        "scorer": (about.scorer if about else "") or None,
        "dictionary": about.feature.dictionary if about else None,
        "feature": about.feature.index if about else None,
        "fingerprint": reply.fingerprint or None,
        "kind": reply.kind or None,
        "failed": reply.failed or None,
    }


LONGEST_WORDS = 300
"""Characters kept of what a judge said: beside a graded answer the words are short, or of no use."""


def transcript_row(reply: Reply, question: Question, *, stage: str, model: str) -> Row:
    """Return a ``transcripts`` row: what an explainer or a writer was asked whole, of a judge what it said of an item.

    ``model``: by the name it was asked under, which scores name their judge by; providers answer under others.
    """
    about = question.about
    is_asked_whole = about is None
    return {
        "stage": stage,
        "model": model,
        "reply": reply.text if is_asked_whole else reply.text[:LONGEST_WORDS],
        "question": question.key if is_asked_whole else None,
        "system": question.system if is_asked_whole else None,
        "prompt": question.prompt if is_asked_whole else None,
        "dictionary": about.feature.dictionary if about else None,
        "feature": about.feature.index if about else None,
        "scorer": (about.scorer if about else "") or None,
        "item": about.item if about else None,
        "label": about.label if about else None,
        "failed": reply.failed or None,
    }


# ---- shared columns


def _feature(row: AnyRow) -> FeatureId:
    return FeatureId(str(row["dictionary"]), int(row["feature"]))


def _feature_columns(feature: FeatureId) -> Row:
    return {"dictionary": feature.dictionary, "feature": feature.index}


def _judged_columns(value: Prediction | Score) -> Row:
    names = ("explanation", "scorer", "variant", "judge", "control", "draw")
    return {name: getattr(value, name) for name in names}


def _texts(row: AnyRow, *names: str) -> Row:
    return {name: str(row[name]) for name in names}


def _text(value: Any) -> str:
    """Return the text, "" for the empty cell of a part from before there was the column."""
    return value if isinstance(value, str) else ""


def _list(value: Any) -> tuple[str, ...]:
    """Return the texts of a list, none for such an empty cell."""
    return () if value is None or isinstance(value, float) else tuple(map(str, value))


def _number(value: float | None) -> float | None:
    """Return None for an empty cell, which a frame writes as NaN."""
    return None if pd.isna(value) else float(value)
