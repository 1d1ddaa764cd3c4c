"""The section on change: a run held against another one, from their folders."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_builders import Builder

from autointerp.report.between import match_blocks
from autointerp.report.blocks import Figures, every_table
from autointerp.report.changes import change_blocks
from autointerp.report.tables import RunTables, values_of
from autointerp.store.parts import write_part


def written(run: RunTables, folder: Path) -> Path:
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(dict(run.manifest)))
    for table, frame in run.tables.items():
        write_part(folder, table, "all", frame)
    return folder


def test_a_run_is_held_against_another(build: Builder, tmp_path: Path) -> None:
    """Differences are this run's scores less the baseline's on the same features, mean by mean."""
    before, after = (build(widths=(512,), n_scored=8, value=value) for value in (0.5, 0.75))
    folders = written(after, tmp_path / "after"), written(before, tmp_path / "before")
    blocks = change_blocks(*folders)
    (table,) = [t for t in every_table(blocks) if t.caption == "after minus before"]
    cells = [dict(zip(table.grid.head, row, strict=True)) for row in table.grid.rows]
    assert {cell["labels by"] for cell in cells} == {"examples", "lexical"}
    for cell in cells:
        assert cell["difference [95%]"] == "0.250 [0.250, 0.250]"
        assert (cell["baseline [95%]"], cell["this run [95%]"]) == ("0.50 [0.50, 0.50]", "0.75 [0.75, 0.75]")
        assert cell["pairs"] == "8"
    (figures,) = [block for block in blocks if isinstance(block, Figures)]
    for picture, _ in figures.pictures:
        assert np.allclose(picture.table["difference"], 0.25)


def test_runs_without_a_common_score_say_so(build: Builder, tmp_path: Path) -> None:
    """Where nothing was scored there is a section that says so, and no number."""
    runs = build(widths=(512,), n_scored=2), build(widths=(512,), n_scored=2, scored=False)
    blocks = change_blocks(*(written(run, tmp_path / str(i)) for i, run in enumerate(runs)))
    (table,) = [t for t in every_table(blocks) if "minus" in t.caption]
    assert {row[7] for row in table.grid.rows} <= {"0"}
    assert all("unscored" in row[5] for row in table.grid.rows)


@pytest.mark.parametrize("n", [1, 2])
def test_few_pairs_claim_nothing(build: Builder, tmp_path: Path, n: int) -> None:
    """Fewer than six pairs show nothing, whatever their difference."""
    runs = (build(widths=(512,), n_scored=n, value=value) for value in (0.9, 0.1))
    blocks = change_blocks(*(written(run, tmp_path / str(i)) for i, run in enumerate(runs)))
    (table,) = [t for t in every_table(blocks) if "minus" in t.caption]
    assert all(row[6].startswith("too few pairs") for row in table.grid.rows)


def test_matches_on_record_are_on_the_page(build: Builder) -> None:
    """Each kind is counted on both sides, and what it adds to a change of the score adds up to that change."""
    run = build(widths=(512, 1024), n_scored=4)
    names = {"narrow": "toy-l12/512", "wide": "toy-l12/1024", "cosine": 0.9, "correlation": 0.8, "overlap": 0.9}
    found = [(0, 0, "matched"), (1, 1, "split"), (1, 2, "split"), (None, 3, "novel")]
    found += [(2, None, "lost"), (3, None, "lost")]
    rows = [names | {"parent": p, "child": c, "kind": k} for p, c, k in found]
    matches = pd.DataFrame(rows).astype({"parent": "Int64", "child": "Int64"})
    matched = RunTables({**run.tables, "matches": matches})
    tables = list(every_table(list(match_blocks(matched, values_of(matched), seed=0))))
    kinds = {row[0]: row[1:] for row in tables[0].grid.rows}
    assert kinds["split"] == ("1 of 4", "2 of 4")
    assert kinds["novel"] == ("0 of 4", "1 of 4")
    adds = {row[2]: float(row[3].split()[0]) for row in tables[1].grid.rows if row[:2] == tables[1].grid.rows[0][:2]}
    assert adds.pop("all") == pytest.approx(sum(adds.values()), abs=0.003)


def test_without_matches_there_is_no_section(build: Builder) -> None:
    """Nothing was matched: nothing is said."""
    run = build(widths=(512,), n_scored=1)
    assert list(match_blocks(run, values_of(run), seed=0)) == []
