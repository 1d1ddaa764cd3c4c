"""Writes the report of a run beside its tables: the one function of this folder that touches the disk."""

from pathlib import Path

from autointerp.report.page import build_page
from autointerp.report.render import html_page, markdown_page, scores_csv
from autointerp.report.tables import load_run
from autointerp.store.files import write_whole


def write_report(run_dir: Path) -> Path:
    """Write ``report.html``, ``report.md`` and ``scores.csv`` into the run's folder and return the page's path.

    Each file is replaced whole. Raises StoreError when the folder is no run, a part is damaged, or the
    disk refuses.
    """
    run = load_run(run_dir)
    page = build_page(run)
    _write(run_dir / "scores.csv", scores_csv(run, page.tags, page.tests))
    _write(run_dir / "report.md", markdown_page(page))
    return _write(run_dir / "report.html", html_page(page))


def _write(path: Path, text: str) -> Path:
    content = text.encode()

    def fill(file: object) -> None:
        file.write(content)  # type: ignore[attr-defined]

    return write_whole(path, fill)
