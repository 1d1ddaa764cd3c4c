"""One run: what it was told to do, how far it came, what it cost, what failed and what mends it."""

import json
from dataclasses import dataclass
from typing import Any

from autointerp.analysis.certificates import certificate_sentence, read_certificates
from autointerp.dashboard import links
from autointerp.dashboard.lines import headline_lines
from autointerp.dashboard.pages.feature import MENDED_BY_RETRY, REASONS
from autointerp.dashboard.shelf import Reader, Row
from autointerp.dashboard.views import Asked, NotThereError, Sheet, View


@dataclass(frozen=True, slots=True)
class Failed:
    """Failures of one stage for one reason, with an example and what mends them."""

    stage: str
    reason: str
    n: int
    about: str
    detail: str
    mend: str


def page(reader: Reader, asked: Asked) -> View:
    """Return the page of a run. Raises NotThereError."""
    name = asked.path["run"]
    row = found_run(reader, name)
    manifest = json.loads(row["manifest"])
    certificates = read_certificates(reader.frame("SELECT * EXCLUDE (run) FROM certificates WHERE run = ?", [name]))
    coverage = coverage_of(reader, name)
    return View(
        title=name,
        template="run.html.jinja",
        data={
            "run": {key: value for key, value in row.items() if key not in ("manifest", "folder", "content")},
            "coverage": coverage,
            "lines": headline_lines(reader, name),
            "certificates": certificates,
            "failures": failures(reader, name),
            "spent": spent(reader, name),
            "manifest": manifest,
        },
        sheet=lambda: _sheet(coverage),
        extra={
            "sentences": [(c.certified, certificate_sentence(c)) for c in certificates],
            "config": json.dumps(manifest.get("config", {}), indent=2, ensure_ascii=False),
            "facts": [(key, manifest[key]) for key in FACTS if manifest.get(key) not in (None, "")],
            "statuses": sorted({status for one in coverage for status in one["counts"]}),
            "links": links,
        },
    )


FACTS = ("command", "subject", "explainer", "judge", "created", "git_commit", "seed")


def found_run(reader: Reader, name: str) -> Row:
    """Return a run's row. Raises NotThereError."""
    row = reader.one("SELECT * FROM runs WHERE run = ?", [name])
    if row is None:
        msg = f"there is no run {name}"
        raise NotThereError(msg)
    return row


def coverage_of(reader: Reader, run: str) -> list[Row]:
    """Return by dictionary how many features have each status, narrow ones first."""
    rows = reader.rows(
        "SELECT c.dictionary, d.width, c.status, c.n FROM coverage c "
        "LEFT JOIN dictionaries d ON d.run = c.run AND d.dictionary = c.dictionary WHERE c.run = ? "
        "ORDER BY d.width, c.dictionary, c.status",
        [run],
    )
    found: dict[str, Row] = {}
    for row in rows:
        one = found.setdefault(
            row["dictionary"], {"dictionary": row["dictionary"], "width": row["width"], "counts": {}}
        )
        one["counts"][row["status"]] = int(row["n"])
    return list(found.values())


def failures(reader: Reader, run: str) -> list[Failed]:
    """Return a run's failures by stage and reason, the most frequent first."""
    rows = reader.rows(
        "SELECT stage, reason, count(*) AS n, min(about) AS about, min(detail) AS detail FROM failures WHERE run = ? "
        "GROUP BY stage, reason ORDER BY n DESC, stage, reason",
        [run],
    )
    return [
        Failed(
            mend=f"autointerp retry {run}" if row["reason"] in MENDED_BY_RETRY else REASONS.get(row["reason"], ""),
            **row,
        )
        for row in rows
    ]


def spent(reader: Reader, run: str = "") -> list[Row]:
    """Return what calls came to by run, stage, scorer and model, the dearest first."""
    also, values = ("WHERE run = ?", [run]) if run else ("", [])
    return reader.rows(
        "SELECT run, stage, scorer, model, sum(n_calls)::BIGINT AS n_calls, sum(n_cached)::BIGINT AS n_cached, "
        "sum(n_failed)::BIGINT AS n_failed, sum(n_unpriced)::BIGINT AS n_unpriced, "
        "coalesce(sum(tokens_in), 0)::BIGINT AS tokens_in, coalesce(sum(tokens_out), 0)::BIGINT AS tokens_out, "
        f"sum(usd) AS usd FROM spent {also} GROUP BY run, stage, scorer, model "
        "ORDER BY usd DESC NULLS LAST, n_calls DESC, run, stage, scorer, model",
        values,
    )


def _sheet(coverage: list[Row]) -> Sheet:
    rows: list[list[Any]] = [
        [one["dictionary"], one["width"], status, n] for one in coverage for status, n in one["counts"].items()
    ]
    return Sheet(["dictionary", "width", "status", "n"], rows)
