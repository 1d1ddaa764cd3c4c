"""One feature: which of its labels can be relied on and why, on which text, what else is known of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from autointerp.analysis.tagging import VERDICTS
from autointerp.core.types import FeatureId
from autointerp.dashboard import links
from autointerp.dashboard.behind import Behind, behind_feature
from autointerp.dashboard.catalogue import catalogue
from autointerp.dashboard.shelf import Reader
from autointerp.dashboard.views import Asked, NotThereError, Sheet, View
from autointerp.dashboard.windows import strata_of
from autointerp.report.feature import page_of
from autointerp.report.gathered import Row
from autointerp.store.schemas import TABLES

REASONS = {
    "dead": "It never fires on the text that was read, so there is nothing to label. A larger corpus may wake it.",
    "too_few_examples": "It fires in too few held-out windows to test a label on. Read more text, or lower "
    "min_held_out under [features].",
    "not_sampled": "It was not drawn for this run. Name it under [features] only, or raise n_per_dictionary.",
    "pending": "It is drawn, and its turn has not come or was cut short. Go on with the command that began the run.",
    "explain_failed": "No explainer's answer could be used as a label.",
    "explain_refused": "The explainer refused.",
    "judge_refused": "The judge refused.",
    "parse_failed": "What the judge said could not be read.",
    "provider_error": "The language model could not be asked.",
    "timeout": "The language model did not answer in time.",
    "budget_stopped": "The budget was reached before its turn.",
    "cancelled": "The run was stopped before its turn.",
    "undefined": "The scores have no value on its windows.",
    "undecidable": "Too little was asked to decide.",
}
"""Why a feature has no score, and what would give it one."""

MENDED_BY_RETRY = ("provider_error", "timeout", "cancelled", "budget_stopped")


@dataclass(frozen=True, slots=True)
class Unscored:
    """Why a feature has no score, and the command that may give it one."""

    status: str
    why: str
    command: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bin of the histogram of activations; ``share`` of the fullest bin."""

    low: float
    n: int
    share: float


def page(reader: Reader, asked: Asked) -> View:
    """Return the page of a feature. Raises NotThereError."""
    feature = _named(asked)
    behind = behind_feature(reader, feature, run=asked.get("run"), scorers=VERDICTS)
    labels = behind.known.labels
    return View(
        title=str(feature),
        template="embed.html.jinja" if asked.get("embed") == "1" else "feature.html.jinja",
        data={
            "page": page_of(behind.known, run_name=behind.run),
            "unscored": unscored(behind),
            "note": behind.note,
            "strata": strata_of(behind.known),
            "histogram": histogram(behind.known.row),
            "history": history(reader, feature),
        },
        sheet=lambda: _sheet(behind),
        trail=((feature.dictionary, links.dictionary(feature.dictionary, behind.run)),),
        extra={
            "feature": feature,
            "run": behind.run,
            "row": behind.known.row,
            "around": {step: links.feature(feature.dictionary, feature.index + step, behind.run) for step in (-1, 1)},
            "embed": links.feature(feature.dictionary, feature.index, behind.run, embed="1"),
            "provenance": provenance(labels),
            "told": told(reader, behind),
            "neighbours": neighbours(reader, behind),
            "evidence": evidence(behind),
            "links": links,
        },
    )


def _named(asked: Asked) -> FeatureId:
    try:
        return FeatureId(asked.path["dictionary"], int(asked.path["index"]))
    except ValueError as error:
        raise NotThereError(str(error)) from None


def unscored(behind: Behind) -> Unscored | None:
    """Return why the feature has no score, None where it has one."""
    status = str(behind.known.row["status"])
    if status == "scored":
        return None
    if status in MENDED_BY_RETRY:
        return Unscored(status, REASONS[status], f"autointerp retry {behind.run}")
    again = f"autointerp features show '{behind.feature}' --run {behind.run}"
    command = behind.about.command if status in ("pending", "not_sampled", "too_few_examples", "dead") else again
    return Unscored(status, REASONS.get(status, "No score is on record."), command)


def histogram(row: Row) -> tuple[Bar, ...]:
    """Return how many tokens have an activation of each quarter octave."""
    counts, start = list(row["histogram"] or ()), int(row["histogram_start"])
    most = max(counts, default=0) or 1
    return tuple(Bar(2 ** ((start + i) / 4), int(n), n / most) for i, n in enumerate(counts))


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A feature of near direction, with its labels."""

    feature: FeatureId
    href: str
    labels: tuple[str, ...]


NEIGHBOURS = """
SELECT feature, list(DISTINCT label ORDER BY label) FILTER (label IS NOT NULL) AS labels FROM labels
WHERE run = ? AND dictionary = ? AND feature IN (SELECT unnest(?)) GROUP BY feature
"""


def neighbours(reader: Reader, behind: Behind) -> tuple[Neighbour, ...]:
    """Return the features whose directions are nearest, the nearest first; none where they were not looked for."""
    near = [FeatureId.parse(str(name)) for name in behind.known.row["siblings"] or ()]
    if not near:
        return ()
    rows = reader.rows(NEIGHBOURS, [behind.run, near[0].dictionary, [one.index for one in near]])
    labels = {int(row["feature"]): tuple(row["labels"] or ()) for row in rows}
    return tuple(
        Neighbour(one, links.feature(one.dictionary, one.index, behind.run), labels.get(one.index, ())) for one in near
    )


HISTORY = """
SELECT place, run, explainer, judge, status, label, tags, {columns} FROM labels WHERE dictionary = ? AND feature = ?
"""
LONGEST_HISTORY = 50


def history(reader: Reader, feature: FeatureId) -> list[Row]:
    """Return the feature's labels and scores in every run that has it, the newest first."""
    shown = [m for m in reader.snapshot.measures if m.short]
    columns = ", ".join([f'{m.column} AS "{m.short}"' for m in shown] or ["NULL AS none"])
    # Joined and sorted in the query they take twice its time.
    found = reader.rows(HISTORY.format(columns=columns), [feature.dictionary, feature.index])
    created = catalogue(reader).created
    rows = [{"run": row["run"], "created": created[row["run"]], **row} for row in sorted(found, key=_place)]
    newest = sorted(rows, key=lambda row: row["created"] or "", reverse=True)[:LONGEST_HISTORY]
    return [{name: value for name, value in row.items() if name != "place"} for row in newest]


def _place(row: Row) -> int:
    return int(row["place"])


TOLD = "SELECT question FROM told WHERE run = ? AND question IN ({marks})"


def told(reader: Reader, behind: Behind) -> frozenset[str]:
    """Return the questions of the labels whose prompt and reply are on record."""
    asked = [str(row["question"]) for row in behind.known.labels]
    if not asked or not behind.about.has_prompts:
        return frozenset()
    rows = reader.rows(TOLD.format(marks=", ".join("?" for _ in asked)), [behind.run, *asked])
    return frozenset(str(row["question"]) for row in rows)


def provenance(labels: Sequence[Row]) -> list[Row]:
    """Return who wrote each label, from which prompt, at what price."""
    names = ("explainer", "model", "prompt_version", "question", "tokens", "usd", "explanation", "long", "kind")
    return [{name: row[name] for name in names} for row in labels]


def evidence(behind: Behind) -> list[list[tuple[str, str]]]:
    """Return for each label, in the order of the page, its scorers with the address of what they were given."""
    found: dict[str, dict[tuple[str, ...], tuple[str, str]]] = {}
    for row in behind.known.scores:
        name, mine = (row["scorer"], row["variant"], row["judge"]), found.setdefault(str(row["explanation"]), {})
        if row["control"] == "none" and name not in mine:
            words = " ".join(filter(None, [str(row["scorer"]), str(row["variant"]).replace("_", " ")]))
            mine[name] = words, links.score(behind.run, row)
    return [[*found.get(str(row["explanation"]), {}).values()] for row in behind.known.labels]


def _sheet(behind: Behind) -> Sheet:
    return Sheet(TABLES["scores"].names, (list(row.values()) for row in behind.known.scores))
