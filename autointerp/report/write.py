"""Writes the report of a run beside its tables, in the formats asked for; HTML, Markdown and CSV by default."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from autointerp.core.errors import ConfigError
from autointerp.report.changes import change_blocks
from autointerp.report.data import page_data, tables_csv
from autointerp.report.linking import dashboard_at, linking_to
from autointerp.report.page import Page, build_page
from autointerp.report.plain import plain_page
from autointerp.report.printing import find_browser, pdf_of
from autointerp.report.render import html_page, markdown_page, scores_csv
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
    made = makers(run, page, names)
    return tuple(_write(run_dir / name, made[name]()) for name in names)


def makers(run: RunTables, page: Page, names: Sequence[str]) -> dict[str, Callable[[], bytes]]:
    """Return by file what makes its content; the page points to those of *names* that stand beside it."""
    beside = [(name, NOTES.get(name, "")) for name in names if name not in ("report.html", "report.pdf")]
    return {
        "report.html": lambda: html_page(page, beside=beside).encode(),
        "report.md": lambda: markdown_page(page).encode(),
        "scores.csv": lambda: scores_csv(run, page.tags, page.tests, with_text=page.has_text).encode(),
        "report.csv": lambda: tables_csv(page).encode(),
        "report.json": lambda: json.dumps(page_data(page), ensure_ascii=False, allow_nan=False).encode(),
        "report.pdf": lambda: pdf_of(html_page(page, beside=())),
        "report.txt": lambda: plain_page(page).encode(),
    }


def _write(path: Path, content: bytes) -> Path:
    def fill(file: object) -> None:
        file.write(content)  # type: ignore[attr-defined]

    return write_whole(path, fill)
