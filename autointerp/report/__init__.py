"""Reports of a run: one self-contained page, Markdown and CSV (``write.write_report``), charts for the dashboard.

Nothing is imported here: the dashboard reads tables and windows without drawing, and starts in a second.
"""
