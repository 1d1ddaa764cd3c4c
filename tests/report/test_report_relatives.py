"""The page of a feature names its relatives at other widths, with their labels."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
from report_builders import HOSTILE, Builder

from autointerp.core.types import FeatureId
from autointerp.report.feature import build_feature
from autointerp.report.relatives import read_matches
from autointerp.report.terminal import page_text
from autointerp.store.parts import write_part
from autointerp.store.schemas import TABLES

NARROW, WIDE = "toy-l12/512", "toy-l12/1024"


def rows(*ends: tuple[int | None, int | None, str]) -> pd.DataFrame:
    """Return matches of (parent, child, kind)."""
    found = [
        {"narrow": NARROW, "wide": WIDE, "parent": p, "child": c, "kind": kind}
        | dict.fromkeys(("cosine", "correlation", "overlap"), 0.71 if p is not None and c is not None else None)
        for p, c, kind in ends
    ]
    return pd.DataFrame(found, columns=TABLES["matches"].names)


def test_relatives_stand_with_their_labels(build: Builder) -> None:
    """A parent lists its children and a child its parent; a feature of its own says there is none."""
    run = build(widths=(512, 1024), n_scored=2)
    matches = rows((0, 0, "split"), (0, 1, "split"))
    run = replace(run, tables={**run.tables, "matches": matches})
    parent = build_feature(run, FeatureId(NARROW, 0))
    assert [line.split(",")[0] for line in parent.relatives] == [f"split: {WIDE}#0", f"split: {WIDE}#1"]
    assert "At other widths" in page_text(parent)
    label = run["explanations"].query("dictionary == @WIDE and feature == 1")["text"].iloc[0]
    assert parent.relatives[1].endswith(f"cosine 0.71, correlation 0.71: {label}")
    novel = replace(run, tables={**run.tables, "matches": rows((None, 1, "novel"))})
    assert build_feature(novel, FeatureId(WIDE, 1)).relatives == (f"novel: none in {NARROW}",)


def test_without_matches_nothing_is_said(build: Builder) -> None:
    """Before ``features match`` the page has no such part."""
    page = build_feature(build(widths=(512,), n_scored=2), FeatureId(NARROW, 0))
    assert page.relatives == ()
    assert "At other widths" not in page_text(page)


def test_only_the_features_rows_are_read(tmp_path: Path) -> None:
    """Of the stored table the rows of this feature come, on whichever side it stands."""
    write_part(tmp_path, "matches", "a", rows((0, 0, "split"), (0, 1, "split"), (None, 2, "novel"), (1, None, "lost")))
    assert len(read_matches(tmp_path, FeatureId(NARROW, 0))) == 2
    assert read_matches(tmp_path, FeatureId(WIDE, 2))["kind"].tolist() == ["novel"]
    assert read_matches(tmp_path, FeatureId(NARROW, 1))["kind"].tolist() == ["lost"]
    assert read_matches(tmp_path, FeatureId(NARROW, 7)).empty


def test_hostile_labels_cannot_steer_a_terminal(build: Builder) -> None:
    """A relative's label is shown like any other text from outside."""
    run = build(widths=(512, 1024), n_scored=2)
    labels = run["explanations"].assign(text=HOSTILE)
    run = replace(run, tables={**run.tables, "explanations": labels, "matches": rows((0, 1, "matched"))})
    line = build_feature(run, FeatureId(NARROW, 0)).relatives[0]
    assert line.isprintable()
