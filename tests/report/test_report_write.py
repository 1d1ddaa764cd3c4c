"""Writing: the three files beside the tables, from a folder as ``store`` leaves it."""

import json
from pathlib import Path

import pytest
from report_builders import Builder

from autointerp.core.errors import StoreError
from autointerp.report.write import write_report
from autointerp.store.parts import write_part


def test_a_run_folder_becomes_three_files(build: Builder, tmp_path: Path) -> None:
    """All parts are read, nothing temporary is left, and writing twice gives the same page."""
    run = build(widths=(512, 1024), n_scored=2)
    (tmp_path / "manifest.json").write_text(json.dumps(dict(run.manifest)))
    for table, frame in run.tables.items():
        for number, half in enumerate((frame.iloc[: len(frame) // 2], frame.iloc[len(frame) // 2 :])):
            write_part(tmp_path, table, f"part-{number}", half)
    page = write_report(tmp_path)
    first = page.read_text()
    assert page == tmp_path / "report.html"
    assert write_report(tmp_path).read_text() == first
    assert {p.name for p in tmp_path.iterdir() if p.is_file()} == {
        "manifest.json", "report.html", "report.md", "scores.csv", "report.csv",
    }  # fmt: skip
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == len(run["scores"]) + 1


def test_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    """Without a manifest it is no run, and nothing is written."""
    with pytest.raises(StoreError, match=r"manifest\.json"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []
