"""Writes the report of a run beside its tables, in the formats asked for; HTML, Markdown and CSV by default."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from autointerp.core.errors import ConfigError
from autointerp.report.changes import change_blocks
from autointerp.report.csv_text import write_csv
from autointerp.report.data import page_data, tables_csv
from autointerp.report.linking import dashboard_at, linking_to
from autointerp.report.page import Page, build_page
from autointerp.report.plain import plain_page
from autointerp.report.printing import find_browser, pdf_of
from autointerp.report.render import html_page, markdown_page, scores_table
from autointerp.report.tables import RunTables, load_run
from autointerp.store.files import write_whole

FILES = {
    "html": ("report.html",), "md": ("report.md",), "csv": ("scores.csv", "report.csv"), "json": ("report.json",),
    "pdf": ("report.pdf",), "text": ("report.txt",),
}  # fmt: skip
"""Which files of the run's folder a format is."""

DEFAULT = ("html", "md", "csv")
NOTES = {"scores.csv": " with one row a score", "report.csv": " with all tables"}


def write_report(run_dir: Path) -> Path:
    """Write HTML, Markdown and CSV into the run's folder and return the page's path; see ``write_formats``."""
    return write_formats(run_dir, DEFAULT)[0]


def write_formats(
    run_dir: Path,
    formats: Sequence[str],
    *,
    with_text: bool = True,
    baselines: Sequence[Path] = (),
    dashboard: str = "",
) -> tuple[Path, ...]:
    """Write the report into the run's folder and return the files, those of the first format first.

    Against each of the *baselines*, folders of other runs, it says what differs. Without *with_text* nothing of the
    corpus is in any of the files. With the address of a *dashboard* marks of the pictures are links to the features
    behind them, and no number is another. Each file is replaced whole.

    Raises:
        ConfigError: A format has no such name, or the dashboard's address cannot be one.
        EnvironmentProblem: A PDF is asked for and there is no browser; nothing is written.
        StoreError: The folder is no run, a part is damaged, or the disk refuses.
    """
    if unknown := [name for name in formats if name not in FILES]:
        msg = f"no format {unknown[0]!r}; there are {', '.join(FILES)}"
        raise ConfigError(msg)
    if "pdf" in formats:
        find_browser()
    target = dashboard_at(dashboard, run_dir.absolute().name) if dashboard else None
    run = load_run(run_dir)
    change = tuple(block for one in baselines for block in change_blocks(run_dir, one, dashboard=target))
    page = build_page(run, with_text=with_text, change=change, linking=linking_to(target, run))
    names = list(dict.fromkeys(name for one in formats for name in FILES[one]))
    fill = writers(run, page, names)
    return tuple(write_whole(run_dir / name, fill[name]) for name in names)


def writers(run: RunTables, page: Page, names: Sequence[str]) -> dict[str, Callable[[IO[bytes]], object]]:
    """Return by file what fills it; the page points to those of *names* that stand beside it."""
    beside = [(name, NOTES.get(name, "")) for name in names if name not in ("report.html", "report.pdf")]
    return {
        "report.html": lambda file: file.write(html_page(page, beside=beside).encode()),
        "report.md": lambda file: file.write(markdown_page(page).encode()),
        "scores.csv": lambda file: write_csv(scores_table(run, page.tags, page.tests, with_text=page.has_text), file),
        "report.csv": lambda file: file.write(tables_csv(page).encode()),
        "report.json": lambda file: file.write(
            json.dumps(page_data(page), ensure_ascii=False, allow_nan=False).encode()
        ),
        "report.pdf": lambda file: file.write(pdf_of(html_page(page, beside=()))),
        "report.txt": lambda file: file.write(plain_page(page).encode()),
    }
