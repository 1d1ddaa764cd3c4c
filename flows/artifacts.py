"""What Prefect's pages show of a run: how far it is, its scores as a table, a summary, where the report is."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from autointerp.pipeline.driver import Outcome

TOLD_EVERY_S = 10.0


@dataclass
class Board:
    """The artifacts of one flow run. What a server that is away does not get is said once, and changes nothing else."""

    flow_run: UUID | None = None
    _progress: UUID | None = None
    _told_at: float = field(default_factory=time.monotonic)
    _is_quiet: bool = False

    def show_progress(self, stage: str, done: int, total: int, unit: str) -> None:
        """Show how far a stage is, every TOLD_EVERY_S seconds at most."""
        if self.flow_run is None or time.monotonic() - self._told_at < TOLD_EVERY_S:
            return
        self._told_at = time.monotonic()
        self._tell(lambda client: self._put_progress(client, f"{stage}: {done} of {total} {unit}", done, total))

    def show_outcome(self, outcome: Outcome) -> None:
        """Show what the run came to: its scores, a summary, and where the report is, if it has one."""
        self._tell(lambda client: self._put_outcome(client, outcome))

    def _put_outcome(self, client: Any, outcome: Outcome) -> None:
        self._put_progress(client, "done", 1, 1)
        self._put(client, "summary", "markdown", summary_of(outcome))
        if outcome.report:
            self._put(client, "scores", "table", json.dumps(table_of_scores(outcome.run)))
            self._put(client, "report", "markdown", f"[{outcome.report}]({link_of(outcome.report)})")

    def _put_progress(self, client: Any, text: str, done: int, total: int) -> None:
        from prefect.client.schemas.actions import ArtifactUpdate

        share = 100.0 * done / total if total else 0.0
        if self._progress is None:
            self._progress = self._put(client, "progress", "progress", share, text)
        else:
            client.update_artifact(self._progress, ArtifactUpdate(data=share, description=text))

    def _put(self, client: Any, name: str, kind: str, data: Any, description: str = "") -> UUID:
        from prefect.client.schemas.actions import ArtifactCreate

        # Only what has a key is listed on the page of artifacts.
        key = f"autointerp-{name}"
        artifact = ArtifactCreate(key=key, type=kind, data=data, description=description, flow_run_id=self.flow_run)
        return UUID(str(client.create_artifact(artifact).id))

    def _tell(self, what: Callable[[Any], object]) -> None:
        if self.flow_run is None or self._is_quiet:
            return
        from prefect.client.orchestration import get_client

        try:
            with get_client(sync_client=True) as client:
                what(client)
        except Exception as error:  # whatever its client raises when the server is away: the run goes on
            self._is_quiet = True
            sys.stderr.write(f"not shown by Prefect: {type(error).__name__}: {error}\n")


def table_of_scores(folder: Path) -> list[dict[str, str]]:
    """Return the report's tables of scores: a measure and dictionary a row, with intervals, counts and controls."""
    from autointerp.analysis.certificates import read_certificates
    from autointerp.analysis.summary import summary_lines
    from autointerp.report.grids import scores_grid
    from autointerp.report.tables import load_run, values_of

    run = load_run(folder)
    lines = summary_lines(values_of(run), run["features"], run["dictionaries"])
    lines = tuple(line for line in lines if line.is_headline)
    certificates = read_certificates(run["certificates"])
    rows = []
    for measure in dict.fromkeys(line.measure for line in lines):
        grid = scores_grid([line for line in lines if line.measure == measure], certificates)
        head = [name.replace("\n", " ") for name in grid.head]
        rows += [{"measure": measure, **dict(zip(head, row, strict=True))} for row in grid.rows]
    return rows


def summary_of(outcome: Outcome) -> str:
    """Return the outcome as Markdown: words and numbers of our own, nothing of text or labels."""
    lines = outcome.text().splitlines()
    return "\n".join([f"# {outcome.run.name}", "", *(f"- {line}" for line in lines)])


def link_of(report: Path) -> str:
    return report.absolute().as_uri() if isinstance(report, Path) else str(report)
