"""The whole path as plain Python: the same stages in the same order, without an engine."""

from pathlib import Path

from autointerp.pipeline.config import Config
from autointerp.pipeline.driver import Outcome, opened, outcome_of
from autointerp.pipeline.order import carry_out_stages
from autointerp.pipeline.run import OnProgress, Run


def carry_out(config: Config, *, home: Path, on_progress: OnProgress, last: str = "") -> Outcome:
    """Carry out the stages up to *last* (all if empty) and, after the last of all, write the report."""
    with opened(config, home=home, on_progress=on_progress) as run:
        carry_out_stages(run, last)
    return finished(run, is_whole=last in {"", "score"})


def finished(run: Run, *, is_whole: bool) -> Outcome:
    """Write the report, if there is something to report, and return what the run came to."""
    if not is_whole:
        return outcome_of(run, report=None)
    from autointerp.report.write import write_report  # charts: not paid for by a harvest

    return outcome_of(run, report=write_report(run.directory))
