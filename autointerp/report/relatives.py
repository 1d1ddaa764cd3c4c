"""A feature's relatives at other widths with their labels, from the table ``matches``."""

from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from autointerp.analysis.tagging import own_labels
from autointerp.core.types import FeatureId
from autointerp.report.text import visible
from autointerp.store.parts import read_table

Row = Mapping[Hashable, Any]


def read_matches(run_dir: Path, feature: FeatureId) -> pd.DataFrame:
    """Return the rows that speak of a feature; the others are not held in memory."""
    roles = (("narrow", "parent"), ("wide", "child"))
    found = [
        read_table(run_dir, "matches", filters=[(side, "==", feature.dictionary), (column, "==", feature.index)])
        for side, column in roles
    ]
    return pd.concat(found, ignore_index=True).drop_duplicates(ignore_index=True)


def relatives(matches: pd.DataFrame, labels: pd.DataFrame, feature: FeatureId) -> tuple[str, ...]:
    """Return a line a relative: ``split: toy/512#4, cosine 0.71, correlation 0.40: a label of it``.

    A feature without relative at a width says so: novel, lost, or undecided, as it fires too rarely to say.
    """
    if matches.empty:
        return ()
    texts = own_labels(labels).drop_duplicates(["dictionary", "feature"]).set_index(["dictionary", "feature"])["text"]
    rows = matches.astype({"parent": "Int64", "child": "Int64"}).to_dict("records")
    return tuple(visible(line, keep="") for row in rows for line in _lines(row, texts.to_dict(), feature))


def _lines(row: Row, texts: Mapping[Any, str], feature: FeatureId) -> Iterator[str]:
    ends = [("narrow", row["parent"]), ("wide", row["child"])]
    for dictionary, index in ((str(row[side]), index) for side, index in ends):
        if pd.isna(index):
            yield f"{row['kind']}: none in {dictionary}"
        elif (dictionary, int(index)) != (feature.dictionary, feature.index):
            label = texts.get((dictionary, int(index)))
            like = f"cosine {row['cosine']:.2f}, correlation {row['correlation']:.2f}"
            yield f"{row['kind']}: {dictionary}#{index}, {like}: {' '.join(label.split()) if label else 'no label'}"
