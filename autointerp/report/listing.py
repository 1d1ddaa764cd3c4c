"""A run's labelled features for the terminal, a line or two each: what was scored, and how far it can be trusted."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from autointerp.analysis.certificates import Certificate, ScoreName, read_certificates, standing
from autointerp.analysis.figures import ranged
from autointerp.analysis.ladders import densities_of
from autointerp.analysis.tagging import own_labels
from autointerp.analysis.values import is_headline, measure_name
from autointerp.llm.registry import family
from autointerp.report.tables import known_number
from autointerp.report.text import visible
from autointerp.store.parts import read_table

Row = Mapping[Hashable, Any]
TABLES = ("explanations", "scores", "features", "certificates")


@dataclass(frozen=True)
class Listed:
    """One score of a label: ``standing`` is that of its judge for this very measure."""

    measure: str
    value: float | None
    low: float | None
    high: float | None
    n_read: int
    n_asked: int
    status: str
    judge: str
    standing: str
    is_same_family: bool

    def text(self) -> str:
        family_note = ", the explainer's family" if self.is_same_family else ""
        if self.value is None:
            return f"{self.measure}: unscored ({self.status})"
        trust = f"{self.n_read}/{self.n_asked}, {self.standing}{family_note}"
        return f"{self.measure}: {ranged(self.value, self.low, self.high)} ({trust})"


@dataclass(frozen=True)
class FeatureLine:
    """One label of a feature."""

    feature: str
    density: float | None
    label: str
    explainer: str
    scores: tuple[Listed, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def text(self) -> str:
        lines = [score.text() for score in self.scores] or ["not scored yet"]
        return "\n".join([f"{self.feature:20} {self.label}", *(f"{'':20} {line}" for line in lines)])


def feature_lines(run_dir: Path) -> list[FeatureLine]:
    """Return the run's labels, narrow dictionaries first; control labels are left out."""
    labels, scores, features, certified = (read_table(run_dir, table) for table in TABLES)
    real = own_labels(labels)
    real = real.assign(width=real["dictionary"].str.len(), density=densities_of(real, features))
    ordered = real.sort_values(["width", "dictionary", "feature"])
    by_label = dict(iter(scores[scores["control"] == "none"].groupby("explanation", sort=False)))
    certificates = read_certificates(certified)
    return [
        FeatureLine(
            feature=f"{label['dictionary']}#{label['feature']}",
            density=known_number(label["density"]),
            label=_safe(label["text"]),
            explainer=_safe(label["explainer"]),
            scores=tuple(_listed(label, by_label.get(label["explanation"], scores[:0]), certificates)),
        )
        for label in ordered.to_dict("records")
    ]


def _listed(label: Row, scores: pd.DataFrame, certificates: Sequence[Certificate]) -> Iterator[Listed]:
    """Yield the measures each scorer is read by, scored or not."""
    writer = "" if label["model"] in ("", label["explainer"]) else family(str(label["model"]))
    for row in scores.to_dict("records"):
        if is_headline(str(row["scorer"]), str(row["metric"])):
            judged = ScoreName.of(row)
            yield Listed(
                measure=_safe(measure_name(judged.scorer, judged.variant, judged.metric)),
                value=known_number(row["value"]),
                low=known_number(row["low"]),
                high=known_number(row["high"]),
                n_read=int(row["n_read"]),
                n_asked=int(row["n_asked"]),
                status=str(row["status"]).replace("_", " "),
                judge=_safe(judged.judge),
                standing=standing(judged, certificates),
                is_same_family=family(judged.judge) == writer,
            )


def _safe(text: object) -> str:
    """Return text on one line without a character that could steer a terminal."""
    return visible(" ".join(str(text).split()), keep="")
