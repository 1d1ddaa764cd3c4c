"""Diagnosis tags on a page: by label, counted by dictionary, and what each means."""

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from autointerp.analysis.diagnosis import Tag, meaning, tag_text
from autointerp.analysis.tagging import tag_labels
from autointerp.report.grids import Grid
from autointerp.report.tables import RunTables

Tags = Mapping[str, tuple[Tag, ...]]
"""Tags by explanation; a label without an entry has none."""

NO_TAGS: Tags = {}


def tagged_labels(run: RunTables) -> pd.DataFrame:
    """Return ``analysis.tagging`` of the run: a row a label, rates by the configured judge."""
    return tag_labels(
        features=run["features"],
        evidence=run["evidence"],
        explanations=run["explanations"],
        predictions=run["predictions"],
        scores=run["scores"],
        judge=str(run.manifest.get("judge") or ""),
    )


def tags_by_label(tagged: pd.DataFrame) -> Tags:
    """Return the tags by explanation, of the labels that have any."""
    found = tagged[tagged["tags"].astype(bool)]
    return dict(zip(found["explanation"].astype(str).tolist(), found["tags"].tolist(), strict=True))


def diagnosis_grid(tagged: pd.DataFrame, order: list[str]) -> Grid:
    """Return how many labels have each tag, by dictionary (in *order*) and explainer; no row where nothing is tagged.

    A tag that no label has takes no column.
    """
    found = found_tags(tagged)
    head = ("dictionary", "labels by", *(tag_text([tag]) for tag in found), "any")
    places = {name: place for place, name in enumerate(order)}
    groups = tagged.groupby(["dictionary", "explainer"], sort=True)["tags"] if found else ()
    counted = [(str(dictionary), str(explainer), *_counts(tags, found)) for (dictionary, explainer), tags in groups]
    rows = tuple(sorted(counted, key=lambda row: places.get(row[0], len(order))))
    return Grid(head, rows, 2, "Nothing was found to be the matter with a label; that is no praise.")


def _counts(tags: pd.Series, found: tuple[Tag, ...]) -> tuple[str, ...]:
    """Return ``3/12`` labels for each tag, and for any."""
    # A million labels have some dozen combinations of tags.
    n_each = Counter(tags.tolist())
    having = [sum(n for mine, n in n_each.items() if tag in mine) for tag in found]
    return tuple(f"{n}/{len(tags)}" for n in [*having, len(tags) - n_each[()]])


def found_tags(tagged: pd.DataFrame) -> tuple[Tag, ...]:
    """Return the tags that some label has, in their order."""
    seen = {tag for tags in set(tagged["tags"].tolist()) for tag in tags}
    return tuple(tag for tag in Tag if tag in seen)


def meanings(tagged: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    """Return (tag, what it means) of the tags that some label has."""
    return tuple((tag_text([tag]), meaning(tag)) for tag in found_tags(tagged))
