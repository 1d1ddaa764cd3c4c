"""Whether scorers put the same features on top, and what people say beside judges."""

from dataclasses import asdict, fields
from pathlib import Path

import pandas as pd
import pyarrow as pa

from autointerp.analysis.agreement import Agreement, agreements
from autointerp.analysis.values import feature_values
from autointerp.core.types import FeatureId
from autointerp.dashboard.behind import read_large
from autointerp.dashboard.pages.runs import found_run
from autointerp.dashboard.shelf import Reader
from autointerp.dashboard.views import Asked, NotThereError, Sheet, View
from autointerp.report.grids import Grid
from autointerp.report.people import agreement_grids
from autointerp.report.tables import RunTables
from autointerp.store.parts import read_table

MOST_LABELS, MOST_RATED = 20_000, 500
"""Labels that agreement is computed over, and rated features whose windows are read."""


def page(reader: Reader, asked: Asked) -> View:
    """Return the agreement of scorers and people in a run, the newest where none is named. Raises NotThereError."""
    runs = [str(row["run"]) for row in reader.rows("SELECT run FROM runs ORDER BY created DESC, run LIMIT 200")]
    if not runs:
        msg = "there is no run yet"
        raise NotThereError(msg)
    run = asked.get("run") or runs[0]
    row = found_run(reader, run)
    found, step = reader.snapshot.once(("agreement", run), lambda: scorer_agreement(reader, run))
    raters, people = rated(reader, run, Path(str(row["folder"])))
    names = [one.name for one in fields(Agreement)]
    return View(
        title=f"Agreement in {run}",
        template="agreement.html.jinja",
        data={"run": run, "agreements": found, "raters": raters, "people": people},
        sheet=lambda: Sheet(names, (list(asdict(one).values()) for one in found)),
        extra={"runs": runs, "step": step},
    )


def scorer_agreement(reader: Reader, run: str) -> tuple[tuple[Agreement, ...], int]:
    """Return the rank correlations of every two scorers, and of how many features each one was taken."""
    counted = reader.one("SELECT count(*) AS n FROM labels WHERE run = ? AND label IS NOT NULL", [run])
    step = max(1, -(-int(counted["n"] if counted else 0) // MOST_LABELS))
    wanted = "run = ? AND feature % ? = 0"
    scores = reader.frame(f"SELECT * EXCLUDE (run) FROM scores WHERE {wanted} AND control = 'none'", [run, step])
    labels = reader.frame(
        f"SELECT dictionary, feature, explanation, explainer FROM explanations WHERE {wanted}", [run, step]
    )
    return agreements(feature_values(scores, labels)), step


def rated(reader: Reader, run: str, folder: Path) -> tuple[Grid, Grid]:
    """Return what people said beside what fires, judges and each other; both empty where nobody reviewed."""
    ratings = read_table(folder, "ratings")
    named = ratings[["dictionary", "feature"]].drop_duplicates().head(MOST_RATED)
    parts = [read_large(reader, run, FeatureId(str(d), int(f)))[0] for d, f in named.itertuples(index=False, name=None)]
    return agreement_grids(RunTables({"ratings": ratings, **_together(parts)}))


def _together(parts: list[dict[str, pa.Table]]) -> dict[str, pd.DataFrame]:
    names = ("evidence", "predictions") if parts else ()
    return {name: pa.concat_tables([part[name] for part in parts]).to_pandas() for name in names}
