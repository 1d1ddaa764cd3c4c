"""The evidence for one score: each item, what is true of it and what the judge said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autointerp.core.types import FeatureId
from autointerp.dashboard import links
from autointerp.dashboard.behind import behind_feature, read_large
from autointerp.dashboard.shelf import Reader
from autointerp.dashboard.views import Asked, NotThereError, Sheet, View
from autointerp.report.gathered import Row
from autointerp.report.tables import known_number
from autointerp.report.windows import Run, activation_runs
from autointerp.store.schemas import TABLES

MOST = 200
"""Items of a page; the CSV has all."""

NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Item:
    """One item; ``runs`` is its window where it is on record, ``is_wrong`` None where right and wrong are not.

    ``words``: what the judge said, "" where that is not on record.
    """

    item: str
    truth: float
    guess: float | None
    kind: str
    reason: str
    weight: float
    runs: tuple[Run, ...]
    is_wrong: bool | None
    words: str = ""


def page(reader: Reader, asked: Asked) -> View:
    """Return the items behind a score. Raises NotThereError."""
    feature = FeatureId(asked.path["dictionary"], int(asked.path["index"]))
    behind = behind_feature(reader, feature, run=asked.path["run"], scorers=[asked.path["scorer"]])
    named = {name: asked.get(name) for name in ("variant", "judge")}
    which = {"control": asked.get("control", "none"), "draw": asked.get("draw", "0")}
    wanted = {"explanation": asked.path["explanation"], "scorer": asked.path["scorer"], **which, **named}
    scores = _matching(behind.known.scores, wanted)
    if not scores:
        msg = f"{behind.run} has no such score of {feature}; look at the feature's page"
        raise NotThereError(msg)
    predictions = _matching(behind.known.predictions, wanted)
    texts = (row["text"] for row in behind.known.explanations if row["explanation"] == wanted["explanation"])
    label = str(next(texts, ""))
    said = words_of(reader, behind.run, feature, label=label, scorer=wanted["scorer"], judge=wanted["judge"])
    items = items_of(predictions, behind.known.evidence, peak=behind.known.row["peak"], said=said)
    return View(
        title=f"{feature}: {wanted['scorer']}",
        template="score.html.jinja",
        data={"run": behind.run, "feature": str(feature), "label": label, "scores": scores,
              "items": items[:MOST], "n_items": len(items), "note": behind.note},
        sheet=lambda: Sheet(TABLES["predictions"].names, (list(row.values()) for row in predictions)),
        trail=((str(feature), links.feature(feature.dictionary, feature.index, behind.run)),),
        extra={"scorer": wanted["scorer"]},
    )  # fmt: skip


def words_of(reader: Reader, run: str, feature: FeatureId, *, label: str, scorer: str, judge: str) -> dict[str, str]:
    """Return what a judge, any if none is named, said of each item under a label; several answers in a row."""
    among = {"scorer": [scorer], "label": [label], **({"model": [judge]} if judge else {})}
    large, _ = read_large(
        reader,
        run,
        feature,
        tables=("transcripts",),
        columns={"transcripts": ("item", "reply")},
        among={"transcripts": among},
    )
    found: dict[str, list[str]] = {}
    for row in large["transcripts"].to_pylist():
        known = found.setdefault(str(row["item"]), [])
        if row["reply"] not in known:
            known.append(str(row["reply"]))
    return {item: " · ".join(replies) for item, replies in found.items()}


def _matching(rows: Sequence[Row], wanted: dict[str, str]) -> list[Row]:
    """Return the rows of the score that was asked for; what was not named (variant, judge) may be any."""
    named = {name: value for name, value in wanted.items() if value or name == "explanation"}
    return [row for row in rows if all(str(row[name]) == value for name, value in named.items())]


def items_of(
    predictions: Sequence[Row], evidence: Sequence[Row], *, peak: float, said: Mapping[str, str] = NOTHING
) -> list[Item]:
    """Return the items, those the judge was surest and wrong about first."""
    windows = {f"{row['doc']}:{row['start']}": row for row in evidence}
    found = []
    for row in predictions:
        guess, truth = known_number(row["guess"]), float(row["truth"])
        window = windows.get(str(row["item"]).removesuffix(":misplaced"))
        is_graded = guess is not None and 0 <= guess <= 1 and window is not None
        found.append(
            Item(
                item=str(row["item"]),
                truth=truth,
                guess=guess,
                kind=str(row["kind"]),
                reason=str(row["reason"]),
                weight=float(row["weight"]),
                runs=activation_runs(window["tokens"], window["activations"], peak=peak) if window is not None else (),
                is_wrong=(guess >= 0.5) != (truth > 0) if is_graded and guess is not None else None,
                words=said.get(str(row["item"]), ""),
            )
        )
    return sorted(found, key=lambda one: (not one.is_wrong, -abs((one.guess or 0.0) - 0.5), one.item))
