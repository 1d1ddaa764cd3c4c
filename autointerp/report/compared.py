"""``autointerp diff``: two runs compared by feature, in words and as numbers."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from autointerp.analysis.attributing import LABELS, Change, attribution, changes_between, fingerprint_change
from autointerp.analysis.explainers import ALL
from autointerp.analysis.figures import number, with_interval
from autointerp.analysis.paired import Flips, Paired, compare_runs, flip_rates, noise_floor, whole
from autointerp.analysis.statements import MIN_FOR_CLAIM, capital, plural
from autointerp.analysis.values import feature_values, headlines_as_strings, is_main, measure_name
from autointerp.report.text import shorten, visible
from autointerp.store.manifest import read_manifest
from autointerp.store.parts import read_table

JUDGED = ("score", "anchors", "repeats")
"""The stages in which the judge answers."""
PREDICTED = [
    "dictionary", "feature", "explanation", "scorer", "variant", "judge", "control", "draw", "item", "truth", "guess",
]  # fmt: skip
LONGEST = 60


@dataclass(frozen=True, slots=True)
class Compared:
    """Run b beside run a: differences by measure, verdicts that turned, what differs, to what it may be put down."""

    a: str
    b: str
    paired: tuple[Paired, ...]
    flips: tuple[Flips, ...]
    floors: tuple[Flips, ...]
    changes: tuple[Change, ...]
    attribution: str

    def floor(self, flips: Flips) -> Flips | None:
        """Return how many verdicts turn when nothing changed; None where nobody was asked again."""
        return next((f for f in self.floors if (f.scorer, f.variant) == (flips.scorer, flips.variant)), None)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def text(self) -> str:
        return visible("\n".join(_lines(self)))


@dataclass(frozen=True, slots=True)
class Side:
    """What a comparison needs of one run."""

    name: str
    manifest: dict[str, Any]
    scores: pd.DataFrame
    values: pd.DataFrame
    predictions: pd.DataFrame
    labels: pd.DataFrame
    repeats: pd.DataFrame
    fingerprints: tuple[str, ...]


def compare(a: Path, b: Path, *, alarm: str = "") -> Compared:
    """Return run *b* beside run *a*.

    Args:
        a: The folder of the run compared with.
        b: The folder of the other.
        alarm: What known-truth anchors say against b's judge.

    Raises:
        StoreError: One of them is no run, or damaged.
    """
    return compare_sides(read_side(a), read_side(b), alarm=alarm)


def compare_sides(a: Side, b: Side, *, alarm: str = "") -> Compared:
    """Return the comparison of two runs that are read."""
    seed = int(a.manifest.get("seed", 0))
    changes = (
        *changes_between(a.manifest, b.manifest),
        *fingerprint_change(a.fingerprints, b.fingerprints),
        *_other_labels(a.labels, b.labels),
    )
    return Compared(
        a=a.name,
        b=b.name,
        paired=compare_runs(a.values, b.values, seed=seed),
        flips=flip_rates(a.predictions, b.predictions, seed=seed),
        floors=noise_floor(pd.concat([a.repeats, b.repeats], ignore_index=True), seed=seed),
        changes=changes,
        attribution=attribution(changes, alarm=alarm),
    )


def read_side(folder: Path) -> Side:
    """Return what a comparison needs of the run in *folder*: headline measures of real labels."""
    manifest, explanations = read_manifest(folder), read_table(folder, "explanations")
    names = manifest.get("config", {}).get("explain", {}).get("explainers", ())
    scores = read_table(folder, "scores")
    values = feature_values(scores, explanations, explainers=tuple(map(str, names)))
    writers = explanations[["explanation", "explainer"]].drop_duplicates("explanation")
    own = [("control", "==", "none")]
    predictions = read_table(folder, "predictions", columns=PREDICTED, filters=own)
    calls = read_table(folder, "calls", columns=["model", "fingerprint", "stage"])
    return Side(
        name=folder.name,
        manifest=manifest,
        scores=scores.merge(writers, on="explanation", how="left"),
        values=headlines_as_strings(values),
        predictions=predictions.merge(writers, on="explanation", how="left"),
        labels=explanations[~explanations["explainer"].astype(str).str.startswith("control:")],
        repeats=read_table(folder, "repeats"),
        fingerprints=fingerprints_of(calls),
    )


def fingerprints_of(calls: pd.DataFrame) -> tuple[str, ...]:
    """Return what the providers called the systems that judged, ``model fingerprint``; of a kept answer the old one."""
    judged = calls[calls["stage"].isin(JUDGED)][["model", "fingerprint"]].fillna("").astype(str).drop_duplicates()
    return tuple(sorted(f"{model} {fingerprint}".strip() for model, fingerprint in judged.itertuples(index=False)))


def _other_labels(a: pd.DataFrame, b: pd.DataFrame) -> tuple[Change, ...]:
    """Return how many features of both runs have a label in other words; empty where none."""
    keys = ["dictionary", "feature", "explainer"]
    both = a[[*keys, "text"]].merge(b[[*keys, "text"]], on=keys, suffixes=("_a", "_b"))
    n_other = int((both["text_a"] != both["text_b"]).sum())
    if not n_other:
        return ()
    return (Change(LABELS, "labels in other words", "0", f"{n_other} of {plural(len(both), 'label', 'labels')}"),)


# ---- in words


def _lines(found: Compared) -> Iterator[str]:
    yield f"{found.b} minus {found.a}, on features that have a score in both"
    shown = [p for p in whole(found.paired) if is_main(p.scorer, p.variant, p.metric)]
    if not shown:
        yield "  no measure was taken in both runs: there is nothing to compare"
    for p in shown:
        yield f"  {paired_sentence(p)}"
    for flips in found.flips:
        yield f"  {flips_sentence(flips, found.floor(flips))}"
    yield "what differs:" if found.changes else "nothing in the configuration differs"
    yield from (f"  {change.kind}: {shorten(str(change), 3 * LONGEST)}" for change in found.changes)
    yield found.attribution


def paired_sentence(p: Paired) -> str:
    """Return the difference with its interval, pairs, coverage, what could have been found, and what that shows."""
    where = "" if p.dictionary == ALL else f" of {p.dictionary}"
    head = f"{capital(measure_name(p.scorer, p.variant, p.metric))}, labels by {_both(p.explainer, p.explainer_b)}"
    counts = f"scored {p.scored_a}/{p.asked_a} and {p.scored_b}/{p.asked_b}"
    found = "" if p.detectable is None else f" · minimum detectable difference {number(p.detectable, digits=3)}"
    return (
        f"{head}, judge {_both(p.judge, p.judge_b)}{where}: {with_interval(p.difference, digits=3)} · "
        f"{plural(p.difference.n, 'pair', 'pairs')} · {counts}{found} · {shown_by(p)}"
    )


def shown_by(p: Paired) -> str:
    """Return what the difference shows: better, worse, or nothing yet."""
    if p.difference.n < MIN_FOR_CLAIM:
        return f"too few pairs to say anything, {MIN_FOR_CLAIM} needed"
    if p.difference.is_above_zero:
        return "higher"
    return "lower" if p.difference.is_below_zero else "no difference shown"


def flips_sentence(flips: Flips, floor: Flips | None) -> str:
    """Return the share of verdicts that turned beside the share that turns by itself."""
    beside = "noise floor not measured ([repeats] share)" if floor is None else f"noise floor {_rate(floor)}"
    name = f"{flips.scorer} {flips.variant}".strip()
    return f"{capital(name)}: verdicts on the same windows that turned {_rate(flips)} · {beside}"


def _rate(flips: Flips) -> str:
    between = "" if flips.low is None else f" [{number(flips.low)}, {number(flips.high)}]"
    return f"{number(flips.rate)}{between} of {flips.n_items}"


def _both(a: str, b: str) -> str:
    return a if a == b else f"{a} → {b}"
