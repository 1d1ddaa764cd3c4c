"""The section on change: a run held against another one, from their folders."""

import json
from pathlib import Path

import numpy as np
import pytest
from report_builders import Builder

from autointerp.report.blocks import Figures, every_table
from autointerp.report.changes import change_blocks
from autointerp.report.tables import RunTables
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
    assert {row[6] for row in table.grid.rows} <= {"0"}
    assert all("unscored" in row[5] for row in table.grid.rows)


@pytest.mark.parametrize("n", [1, 2])
def test_few_pairs_claim_nothing(build: Builder, tmp_path: Path, n: int) -> None:
    """Fewer than six pairs show nothing, whatever their difference."""
    runs = (build(widths=(512,), n_scored=n, value=value) for value in (0.9, 0.1))
    blocks = change_blocks(*(written(run, tmp_path / str(i)) for i, run in enumerate(runs)))
    (table,) = [t for t in every_table(blocks) if "minus" in t.caption]
    assert all(row[-1].startswith("too few pairs") for row in table.grid.rows)
