"""What runs cost: calls, tokens and money by stage, scorer and model, and by decided feature."""

from autointerp.dashboard.pages.runs import spent
from autointerp.dashboard.shelf import Reader
from autointerp.dashboard.views import Asked, Sheet, View

NAMES = ("run", "stage", "scorer", "model", "n_calls", "n_cached", "n_failed", "n_unpriced", "tokens_in", "tokens_out",
         "usd")  # fmt: skip
WHOLE = """
SELECT r.run, r.created, r.n_scored, coalesce(sum(s.n_calls), 0)::BIGINT AS n_calls,
    coalesce(sum(s.n_cached), 0)::BIGINT AS n_cached, coalesce(sum(s.n_unpriced), 0)::BIGINT AS n_unpriced,
    coalesce(sum(s.tokens_in), 0)::BIGINT AS tokens_in, coalesce(sum(s.tokens_out), 0)::BIGINT AS tokens_out,
    sum(s.usd) AS usd
FROM runs r LEFT JOIN spent s USING (run) GROUP BY ALL ORDER BY r.created DESC, r.run LIMIT 50
"""


def page(reader: Reader, asked: Asked) -> View:
    """Return the cost of the newest runs, or in detail of the one named."""
    run = asked.get("run")
    rows = spent(reader, run)[:500]
    return View(
        title=f"Cost of {run}" if run else "Cost",
        template="cost.html.jinja",
        data={"runs": reader.rows(WHOLE), "spent": rows},
        sheet=lambda: Sheet(NAMES, ([row[name] for name in NAMES] for row in rows)),
    )
