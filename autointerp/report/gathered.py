"""The rows on record of one feature, and what was found over its whole run: what ``feature`` makes its page from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from autointerp.analysis.certificates import Certificate, read_certificates
from autointerp.analysis.swapping import SwapTest, swap_tests
from autointerp.analysis.tagging import own_labels
from autointerp.core.types import FeatureId
from autointerp.report.diagnoses import Tags, tagged_labels, tags_by_label
from autointerp.report.relatives import relatives
from autointerp.report.tables import RunTables, rows_of

Row = Mapping[Any, Any]
Place = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known of a run's labels beside their own rows: tags by label, tests against other labels."""

    tags: Tags
    tests: Sequence[SwapTest]


@dataclass(frozen=True, slots=True)
class FeatureRows:
    """A feature's rows of a run's tables: a page picks among some dozens of them again and again.

    ``row``: of ``features``. ``evidence``: also halves of pairs, which are no ``windows``. ``explanations``: also what
    stood for a label in a control; ``labels``: those that explainers wrote, each once. ``relatives``: a line each.
    ``explainers``: those of the configuration.
    """

    feature: FeatureId
    row: Row
    evidence: Sequence[Row]
    explanations: Sequence[Row]
    scores: Sequence[Row]
    predictions: Sequence[Row]
    certificates: Sequence[Certificate]
    examined: Examined
    relatives: Sequence[str] = ()
    explainers: Sequence[str] = ()

    @property
    def windows(self) -> list[Row]:
        return [row for row in self.evidence if row["stratum"] != "neighbour"]

    @property
    def labels(self) -> tuple[Row, ...]:
        found: dict[str, Row] = {}
        for row in self.explanations:
            if not str(row["explainer"]).startswith("control:"):
                found.setdefault(str(row["explanation"]), row)
        return tuple(found.values())

    @property
    def held_out(self) -> set[Place]:
        """The held-out windows: dictionary, feature, document and start of each."""
        places = {(row["doc"], row["start"]) for row in self.windows if row["side"] == "held_out"}
        return {(self.feature.dictionary, self.feature.index, *place) for place in places}


def gather(run: RunTables, feature: FeatureId) -> FeatureRows:
    """Return what a whole run has of a feature that is in its table of features."""
    (row, *_) = _rows(run["features"], feature)
    return FeatureRows(
        feature,
        row,
        evidence=_rows(run["evidence"], feature),
        explanations=_rows(run["explanations"], feature),
        scores=_rows(run["scores"], feature),
        predictions=_rows(run["predictions"], feature),
        certificates=read_certificates(run["certificates"]),
        examined=_examine(run, feature),
        relatives=relatives(run["matches"], run["explanations"], feature),
        explainers=run.explainers,
    )


def is_of(frame: pd.DataFrame, feature: FeatureId) -> "pd.Series[bool]":
    """Return which rows speak of a feature."""
    return (frame["feature"] == feature.index) & (frame["dictionary"] == feature.dictionary)


def _rows(frame: pd.DataFrame, feature: FeatureId) -> list[Row]:
    return list(rows_of(frame[is_of(frame, feature)]))


def _examine(run: RunTables, feature: FeatureId) -> Examined:
    in_dictionary = run["predictions"]["dictionary"] == feature.dictionary
    tests = swap_tests(run["predictions"][in_dictionary], own_labels(run["explanations"]))
    return Examined(tags_by_label(tagged_labels(run)), tests)
