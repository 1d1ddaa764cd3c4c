"""One feature looked up in a run's tables: labels, scores beside controls, windows, the judge's mistakes."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from autointerp.analysis.answers import MISPLACED
from autointerp.analysis.certificates import (
    Certificate,
    ScoreName,
    certificate_of,
    certificate_sentence,
    read_certificates,
    standing,
)
from autointerp.analysis.coverage import evidence_sentence
from autointerp.analysis.diagnosis import OF_OUTPUTS, meaning, tag_text
from autointerp.analysis.swapping import SwapTest, items_of, swap_tests
from autointerp.analysis.tagging import HEADLINES, VERDICTS, own_labels
from autointerp.analysis.values import is_headline, measure_name
from autointerp.core.errors import ConfigError
from autointerp.core.types import SIDES, FeatureId
from autointerp.llm.registry import family
from autointerp.metrics.classification import THRESHOLD
from autointerp.report.diagnoses import Tags, tagged_labels, tags_by_label
from autointerp.report.known import MARKS, Against, FeaturePage, Labelled, Measured, Mistake
from autointerp.report.relatives import read_matches, relatives
from autointerp.report.reliance import verdict_on
from autointerp.report.tables import RunTables, known_number, load_run
from autointerp.report.text import visible, visible_token
from autointerp.sampling.bins import N_BUCKETS

STRATA = ("top", *(f"firing:{bucket}" for bucket in reversed(range(N_BUCKETS))), "random", "")
"""How names of strata begin, in the order of the page; the last is any other, the silent ones."""

Row = Mapping[Hashable, Any]


def feature_page(run_dir: Path, name: str) -> FeaturePage:
    """Return one feature's page. Raises ConfigError when the run has no such feature."""
    try:
        feature = FeatureId.parse(name)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    run = load_run(run_dir)
    if _of(run["features"], feature).empty:
        known = ", ".join(sorted(run["features"]["dictionary"].unique()))
        msg = f"{run_dir.name} has no feature {name}; dictionaries: {known}"
        raise ConfigError(msg)
    found = replace(run, tables={**run.tables, "matches": read_matches(run_dir, feature)})
    return build_feature(found, feature, run_name=run_dir.name)


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known of a run's labels beside their own rows: tags by label, tests against other labels."""

    tags: Tags
    tests: Sequence[SwapTest]


def build_feature(
    run: RunTables, feature: FeatureId, *, run_name: str = "", examined: Examined | None = None
) -> FeaturePage:
    """Return the page of a feature that the run's table of features has.

    *examined*: what was found over the whole run; needed where *run* holds this feature's rows alone.
    """
    row = _of(run["features"], feature).to_dict("records")[0]
    evidence = _of(run["evidence"], feature)
    certificates = read_certificates(run["certificates"])
    labels = tuple(_labels(run, feature, evidence, certificates, examined or _examine(run, feature)))
    return FeaturePage(
        feature=str(feature),
        run=run_name,
        verdict=verdict_on(labels, _status(row)),
        facts=_facts(row),
        examination=_examination(_of(run["scores"], feature), certificates),
        labels=labels,
        unwritten=_unwritten(run, feature),
        windows=_windows(evidence),
        tested_on=evidence_sentence(evidence),
        relatives=tuple(map(_unmarked, relatives(run["matches"], run["explanations"], feature))),
    )


def safe(text: object) -> str:
    """Return text on one line without a character that could steer a terminal or feign our marks."""
    return _unmarked(visible(" ".join(str(text).split()), keep=""))


def marked(tokens: Sequence[str], activations: Sequence[float]) -> str:
    """Return the text with the tokens that fire between marks, safe for a terminal.

    >>> marked(["a", " cat"], [0.0, 2.0])
    'a\u2039 cat\u203a'
    """
    shown = [_unmarked(visible_token(str(token))) for token in tokens]
    pieces = [f"{MARKS[0]}{t}{MARKS[1]}" if a > 0 else t for t, a in zip(shown, activations, strict=True)]
    return "".join(pieces).replace(MARKS[1] + MARKS[0], "")


def _unmarked(text: str) -> str:
    return text.replace(MARKS[0], "\\u2039").replace(MARKS[1], "\\u203a")


def _of(frame: pd.DataFrame, feature: FeatureId) -> pd.DataFrame:
    return frame[(frame["dictionary"] == feature.dictionary) & (frame["feature"] == feature.index)]


def _facts(row: Row) -> dict[str, str]:
    single = row.get("fraction_single_token")
    return {
        "status": _status(row),
        "density": f"{row['density']:.2e}",
        "window density": f"{row['window_density']:.3f}",
        "peak": f"{row['peak']:.1f}",
        "held-out firing windows": str(row["n_held_out"]),
        "single-token share": "not measured" if single is None or pd.isna(single) else f"{single:.2f}",
    }


def _windows(evidence: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Return marked texts by ``side · stratum``, shown before held-out; halves of pairs are no windows."""
    found: dict[str, tuple[str, ...]] = {}
    rows = evidence[evidence["stratum"] != "neighbour"].to_dict("records")
    for row in sorted(rows, key=_place):
        name = f"{row['side']} · {safe(row['stratum'])}"
        found[name] = (*found.get(name, ()), marked(row["tokens"], row["activations"]))
    return found


def _place(window: Row) -> tuple[int, int, str]:
    """Return the place of a window's stratum: by side, strong ones before weak, then random, then silent."""
    stratum = str(window["stratum"])
    rank = next(i for i, start in enumerate(STRATA) if stratum.startswith(start))
    return SIDES.index(str(window["side"])), rank, stratum if rank == len(STRATA) - 1 else ""


def _examination(scores: pd.DataFrame, certificates: Sequence[Certificate]) -> tuple[str, ...]:
    """Return what the zoo says of each judge by the measures a verdict speaks of."""
    rows = scores[scores["control"] == "none"].to_dict("records")
    names = dict.fromkeys(ScoreName.of(row) for row in rows)
    found = [certificate_of(name, certificates) for name in names if _is_main(name)]
    return tuple(safe(certificate_sentence(certificate)) for certificate in found if certificate)


# ---- labels


def _examine(run: RunTables, feature: FeatureId) -> Examined:
    in_dictionary = run["predictions"]["dictionary"] == feature.dictionary
    tests = swap_tests(run["predictions"][in_dictionary], own_labels(run["explanations"]))
    return Examined(tags_by_label(tagged_labels(run)), tests)


def _labels(
    run: RunTables,
    feature: FeatureId,
    evidence: pd.DataFrame,
    certificates: Sequence[Certificate],
    examined: Examined,
) -> Iterator[Labelled]:
    """Yield the feature's labels in the order of the table."""
    tags, tests = examined.tags, examined.tests
    scores, predictions = _of(run["scores"], feature), _of(run["predictions"], feature)
    written = own_labels(_of(run["explanations"], feature))
    for row in written.to_dict("records"):
        mine = predictions[(predictions["explanation"] == row["explanation"]) & (predictions["control"] == "none")]
        verdicts = mine[mine["scorer"].isin(VERDICTS) & mine["guess"].notna()]
        given = tags.get(str(row["explanation"]), ())
        yield Labelled(
            text=safe(row["text"]),
            explainer=safe(row["explainer"]),
            model=safe(row["model"]),
            tags=tuple(tag_text([tag]) for tag in given),
            meanings=tuple(map(meaning, given)),
            scores=tuple(_measured(row, scores, certificates, tests)),
            mistakes=_mistakes(verdicts, evidence),
            n_verdicts=len(verdicts),
        )


def _unwritten(run: RunTables, feature: FeatureId) -> tuple[str, ...]:
    """Return ``no label by examples: explain failed (...)`` for what could not be written, each reason once."""
    written = own_labels(_of(run["explanations"], feature))
    scores = _of(run["scores"], feature)
    lost = scores[(scores["control"] == "none") & ~scores["explanation"].isin(run["explanations"]["explanation"])]
    missing = ", ".join(name for name in run.explainers if name not in set(written["explainer"]))
    who = f" by {missing}" if missing else ""
    rows = lost.drop_duplicates(["status", "reason"]).to_dict("records")
    return tuple(
        safe(f"no label{who}: {_status(row)}" + (f" ({row['reason']})" if row["reason"] else "")) for row in rows
    )


def _status(row: Row) -> str:
    return str(row["status"]).replace("_", " ")


def _measured(
    label: Row, scores: pd.DataFrame, certificates: Sequence[Certificate], tests: Sequence[SwapTest]
) -> Iterator[Measured]:
    """Yield the headline measures, scored or not; a variant is a measure of its own."""
    writer = "" if label["model"] in ("", label["explainer"]) else family(str(label["model"]))
    mine = scores[(scores["explanation"] == label["explanation"]) & (scores["control"] == "none")]
    for row in mine.to_dict("records"):
        name = ScoreName.of(row)
        if _is_shown(name):
            certified, test = standing(name, certificates), _test(name, row, tests)
            yield _measure(row, name, writer, _controls(scores, row), certified, test)


def _is_shown(name: ScoreName) -> bool:
    """Return whether the metric is the one its scorer is read by; of a scorer without such, all are."""
    known = HEADLINES.get(name.scorer)
    return name.metric == known[1] if known else is_headline(name.scorer, name.metric)


def _is_main(name: ScoreName) -> bool:
    return name.scorer != OF_OUTPUTS and HEADLINES.get(name.scorer) == (name.variant, name.metric)


def _measure(
    row: Row, name: ScoreName, writer: str, controls: tuple[Against, ...], certified: str, test: SwapTest | None
) -> Measured:
    judge_family = family(name.judge)
    return Measured(
        measure=safe(measure_name(name.scorer, name.variant, name.metric)),
        value=known_number(row["value"]),
        low=known_number(row["low"]),
        high=known_number(row["high"]),
        n_read=int(row["n_read"]),
        n_asked=int(row["n_asked"]),
        chance=known_number(row["chance"]),
        controls=controls,
        standing=certified,
        judge=safe(name.judge),
        judge_family=safe(judge_family),
        is_same_family=judge_family == writer,
        p=test.p if test else None,
        status=_status(row),
        reason=safe(row["reason"]),
        is_main=_is_main(name),
        labelled=test.answer if test else None,
        n_tested=test.n_tested if test else 0,
        judged=items_of(name.scorer, test.n_windows) if test else "",
    )


def _controls(scores: pd.DataFrame, row: Row) -> tuple[Against, ...]:
    """Return each control's mean over its draws by the same measure; the look-up has no judge."""
    same = ["scorer", "variant", "metric"]
    rows = scores[(scores[same] == [row[part] for part in same]).all(axis=1) & (scores["control"] != "none")]
    rows = rows[((rows["judge"] == row["judge"]) | (rows["control"] == "lookup")) & rows["value"].notna()]
    own, means = known_number(row["value"]), rows.groupby("control", sort=True)["value"].mean()
    return tuple(
        Against(safe(control), float(mean), None if own is None else own - float(mean))
        for control, mean in means.items()
    )


def _test(name: ScoreName, row: Row, tests: Sequence[SwapTest]) -> SwapTest | None:
    key = (row["explanation"], name.scorer, name.variant, name.judge)
    return next((t for t in tests if (t.explanation, t.scorer, t.variant, t.judge) == key), None)


def _mistakes(verdicts: pd.DataFrame, evidence: pd.DataFrame) -> tuple[Mistake, ...]:
    """Return the windows on which the judge was wrong, the surest answer first, ties by item."""
    wrong = verdicts[(verdicts["guess"] >= THRESHOLD) != (verdicts["truth"] > 0)]
    held_out = evidence[(evidence["side"] == "held_out") & (evidence["stratum"] != "neighbour")]
    places = {f"{row['doc']}:{row['start']}": row for row in held_out.to_dict("records")}
    found = (_mistake(row, places.get(str(row["item"]).removesuffix(MISPLACED))) for row in wrong.to_dict("records"))
    return tuple(sorted(found, key=lambda m: (-abs(m.p_yes - THRESHOLD), m.scorer, m.item)))


def _mistake(row: Row, window: Row | None) -> Mistake:
    is_misplaced = str(row["item"]).endswith(MISPLACED)
    return Mistake(
        scorer=str(row["scorer"]),
        judge=safe(row["judge"]),
        item=safe(row["item"]),
        p_yes=float(row["guess"]),
        truth="fires" if row["truth"] > 0 else "other tokens fire than were asked about" if is_misplaced else "silent",
        stratum="" if window is None else safe(window["stratum"]),
        text="window not on record" if window is None else marked(window["tokens"], window["activations"]),
    )
