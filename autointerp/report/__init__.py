"""Reports of a run: one self-contained page, Markdown and CSV (``write_report``), charts for the dashboard."""

from autointerp.report.tables import RunTables, load_run
from autointerp.report.write import write_report

__all__ = ["RunTables", "load_run", "write_report"]
