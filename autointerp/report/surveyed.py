"""A run's dictionaries asked for concepts: which have a feature about each, against how often it is written about."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from autointerp.analysis.completeness import Completeness, fit_completeness
from autointerp.analysis.figures import count
from autointerp.metrics.concepts import ABOUT, MIN_LETTERS, MIN_MENTIONS, MIN_TILES, N_TILES, TOP_FEATURES
from autointerp.report.text import visible

RULE = (
    f"Found: one of the {TOP_FEATURES} features that are strongest where the prompt ends mentions the concept in at "
    f"least {ABOUT:.0%} of the (up to {N_TILES}, at least {MIN_TILES}) stretches of 32 tokens in which it fires "
    f"strongest. Concepts written fewer than {MIN_MENTIONS} times are too rare for this text and in no fit. Control: "
    "the features of one concept held against another of about its frequency."
)


@dataclass(frozen=True, slots=True)
class Survey:
    """What one dictionary has of the concepts: ``fit`` over those written often enough, ``n_rare`` of them were not."""

    dictionary: str
    n_tokens: int
    n_rare: int
    fit: Completeness

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def text(self) -> str:
        return "\n".join(_lines(self))


def survey_run(run_dir: Path, concepts: Sequence[str] = (), *, prompt: str, n_words: int) -> list[Survey]:
    """Return what a run's dictionaries have of the concepts; arguments and errors are ``survey_concepts``'s."""
    from autointerp.pipeline.concepts import survey_concepts  # brings torch: the report reads the table alone

    return surveys_of(survey_concepts(run_dir, concepts, prompt=prompt, n_words=n_words))


def surveys_of(rows: pd.DataFrame) -> list[Survey]:
    """Return what the table ``concepts`` says of each dictionary, in the order of the table."""
    return [_survey(str(name), some) for name, some in rows.groupby("dictionary", sort=False)]


def _survey(dictionary: str, rows: pd.DataFrame) -> Survey:
    tested = rows[rows["status"] != "too_rare"]
    frame = pd.DataFrame(
        {
            "concept": tested["concept"],
            "frequency": tested["n_mentions"] / tested["n_tokens"].clip(lower=1),
            "is_found": tested["status"] == "found",
            "is_control": tested["control"] != "none",
        }
    )
    fit = fit_completeness(frame, n_alive=int(rows["n_alive"].iloc[0]))
    n_rare = int(((rows["status"] == "too_rare") & (rows["control"] == "none")).sum())
    return Survey(dictionary, int(rows["n_tokens"].iloc[0]), n_rare, fit)


# ---- as text


def frequency(value: float) -> str:
    """Return a share of tokens, above 0: ``1 of 12,300 tokens``."""
    return f"1 of {count(1 / value)} tokens" if value < 1 else "no bound"


def f50_text(fit: Completeness) -> str:
    """Return the frequency at which half the concepts have a feature, with its interval, or why there is none."""
    if fit.f50 is None or fit.f50.value is None or fit.f50.low is None or fit.f50.high is None:
        return fit.note
    low, high = (frequency(end) for end in (fit.f50.high, fit.f50.low))
    return f"{frequency(fit.f50.value)} [{low}, {high}]"


def _lines(survey: Survey) -> Iterator[str]:
    fit = survey.fit
    yield f"{visible(survey.dictionary, keep='')}, on {count(survey.n_tokens)} tokens"
    yield f"  found        {count(fit.n_found)} of {count(fit.n)} concepts · {count(survey.n_rare)} too rare to test"
    yield f"  control      {count(fit.false_found)} of {count(fit.n_controls)} found by another concept's features"
    yield f"  half found   {f50_text(fit)}"
    if fit.alive_f50 is not None:
        yield f"  alive x f50  {fit.alive_f50:.3g}"


CAUTION = (
    "A concept is its word here: one that is written in other words counts as missed, a word of two meanings as one. "
    f"Drawn words (of {MIN_LETTERS} letters and more) are of the harvested text; frequencies are of that text, not of "
    "what the dictionary was trained on."
)
