"""One feature looked up in a run's tables: labels, scores beside controls, windows, the judge's mistakes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pandas as pd

from autointerp.analysis.answers import MISPLACED
from autointerp.analysis.certificates import ScoreName, certificate_of, certificate_sentence, standing
from autointerp.analysis.coverage import held_out_sentence
from autointerp.analysis.diagnosis import OF_OUTPUTS, meaning, tag_text
from autointerp.analysis.swapping import SwapTest, items_of
from autointerp.analysis.tagging import HEADLINES, VERDICTS
from autointerp.analysis.values import is_headline, measure_name
from autointerp.core.errors import ConfigError
from autointerp.core.types import SIDES, FeatureId
from autointerp.llm.registry import family
from autointerp.metrics.classification import THRESHOLD
from autointerp.report.gathered import FeatureRows, Row, gather, is_of
from autointerp.report.known import MARKS, Against, FeaturePage, Labelled, Measured, Mistake
from autointerp.report.relatives import read_matches
from autointerp.report.reliance import verdict_on
from autointerp.report.tables import RunTables, known_number, load_run
from autointerp.report.text import visible, visible_token
from autointerp.sampling.bins import N_BUCKETS

STRATA = ("top", *(f"firing:{bucket}" for bucket in reversed(range(N_BUCKETS))), "random", "")
"""How names of strata begin, in the order of the page; the last is any other, the silent ones."""


def feature_page(run_dir: Path, name: str) -> FeaturePage:
    """Return one feature's page. Raises ConfigError when the run has no such feature."""
    try:
        feature = FeatureId.parse(name)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    run = load_run(run_dir)
    if not is_of(run["features"], feature).any():
        known = ", ".join(sorted(run["features"]["dictionary"].unique()))
        msg = f"{run_dir.name} has no feature {name}; dictionaries: {known}"
        raise ConfigError(msg)
    found = replace(run, tables={**run.tables, "matches": read_matches(run_dir, feature)})
    return build_feature(found, feature, run_name=run_dir.name)


def build_feature(run: RunTables, feature: FeatureId, *, run_name: str = "") -> FeaturePage:
    """Return the page of a feature that the run's table of features has."""
    return page_of(gather(run, feature), run_name=run_name)


def page_of(known: FeatureRows, *, run_name: str) -> FeaturePage:
    """Return the page of a feature made from its rows."""
    labels = tuple(_labels(known))
    return FeaturePage(
        feature=str(known.feature),
        run=run_name,
        verdict=verdict_on(labels, _status(known.row)),
        facts=_facts(known.row),
        examination=_examination(known),
        labels=labels,
        unwritten=_unwritten(known),
        windows=_windows(known.windows),
        tested_on=held_out_sentence(known.held_out),
        relatives=tuple(map(_unmarked, known.relatives)),
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
    return text if text.isascii() else text.replace(MARKS[0], "\\u2039").replace(MARKS[1], "\\u203a")


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


def _windows(evidence: Sequence[Row]) -> dict[str, tuple[str, ...]]:
    """Return marked texts by ``side · stratum``, shown before held-out."""
    found: dict[str, tuple[str, ...]] = {}
    for row in sorted(evidence, key=_place):
        name = f"{row['side']} · {safe(row['stratum'])}"
        found[name] = (*found.get(name, ()), marked(row["tokens"], row["activations"]))
    return found


def _place(window: Row) -> tuple[int, int, str]:
    """Return the place of a window's stratum: by side, strong ones before weak, then random, then silent."""
    stratum = str(window["stratum"])
    rank = next(i for i, start in enumerate(STRATA) if stratum.startswith(start))
    return SIDES.index(str(window["side"])), rank, stratum if rank == len(STRATA) - 1 else ""


def _examination(known: FeatureRows) -> tuple[str, ...]:
    """Return what the zoo says of each judge by the measures a verdict speaks of."""
    names = dict.fromkeys(ScoreName.of(row) for row in known.scores if row["control"] == "none")
    found = [certificate_of(name, known.certificates) for name in names if _is_main(name)]
    return tuple(safe(certificate_sentence(certificate)) for certificate in found if certificate)


# ---- labels


def _labels(known: FeatureRows) -> Iterator[Labelled]:
    """Yield the feature's labels in the order of the table."""
    windows = {f"{row['doc']}:{row['start']}": row for row in known.windows if row["side"] == "held_out"}
    answers = [row for row in known.predictions if row["control"] == "none" and row["scorer"] in VERDICTS]
    for row in known.labels:
        about = (answer for answer in answers if answer["explanation"] == row["explanation"])
        verdicts = [answer for answer in about if known_number(answer["guess"]) is not None]
        given = known.examined.tags.get(str(row["explanation"]), ())
        yield Labelled(
            text=safe(row["text"]),
            explainer=safe(row["explainer"]),
            model=safe(row["model"]),
            tags=tuple(tag_text([tag]) for tag in given),
            meanings=tuple(map(meaning, given)),
            scores=tuple(_measured(row, known)),
            mistakes=_mistakes(verdicts, windows),
            n_verdicts=len(verdicts),
        )


def _unwritten(known: FeatureRows) -> tuple[str, ...]:
    """Return ``no label by examples: explain failed (...)`` for what could not be written, each reason once."""
    there, wrote = {row["explanation"] for row in known.explanations}, {row["explainer"] for row in known.labels}
    lost = [row for row in known.scores if row["control"] == "none" and row["explanation"] not in there]
    missing = ", ".join(name for name in known.explainers if name not in wrote)
    who = f" by {missing}" if missing else ""
    said = (f"no label{who}: {_status(row)}" + (f" ({row['reason']})" if row["reason"] else "") for row in lost)
    return tuple(safe(line) for line in dict.fromkeys(said))


def _status(row: Row) -> str:
    return str(row["status"]).replace("_", " ")


def _measured(label: Row, known: FeatureRows) -> Iterator[Measured]:
    """Yield the headline measures, scored or not; a variant is a measure of its own."""
    writer = "" if label["model"] in ("", label["explainer"]) else family(str(label["model"]))
    for row in known.scores:
        if row["explanation"] != label["explanation"] or row["control"] != "none":
            continue
        name = ScoreName.of(row)
        if _is_shown(name):
            certified, test = standing(name, known.certificates), _test(name, row, known.examined.tests)
            yield _measure(row, name, writer, _controls(known.scores, row), certified, test)


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


def _controls(scores: Sequence[Row], row: Row) -> tuple[Against, ...]:
    """Return each control's mean over its draws by the same measure; the look-up has no judge."""
    draws: dict[str, list[float]] = {}
    for other in scores:
        is_same = all(other[part] == row[part] for part in ("scorer", "variant", "metric"))
        is_asked_alike = other["judge"] == row["judge"] or other["control"] == "lookup"
        value = known_number(other["value"])
        if is_same and is_asked_alike and other["control"] != "none" and value is not None:
            draws.setdefault(str(other["control"]), []).append(value)
    own = known_number(row["value"])
    means = {control: fmean(values) for control, values in sorted(draws.items())}
    return tuple(Against(safe(control), mean, None if own is None else own - mean) for control, mean in means.items())


def _test(name: ScoreName, row: Row, tests: Sequence[SwapTest]) -> SwapTest | None:
    key = (row["explanation"], name.scorer, name.variant, name.judge)
    return next((t for t in tests if (t.explanation, t.scorer, t.variant, t.judge) == key), None)


def _mistakes(verdicts: Sequence[Row], windows: Mapping[str, Row]) -> tuple[Mistake, ...]:
    """Return the held-out windows on which the judge was wrong, the surest answer first, ties by item."""
    wrong = [row for row in verdicts if (row["guess"] >= THRESHOLD) != (row["truth"] > 0)]
    found = (_mistake(row, windows.get(str(row["item"]).removesuffix(MISPLACED))) for row in wrong)
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
