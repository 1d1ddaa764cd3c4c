"""What a scorer's number means: what is asked, which metric it is read by, where chance is."""

import inspect
import sys

from autointerp.analysis.values import HEADLINES, KINDS, LOWER_IS_BETTER, METRIC_NAMES
from autointerp.dashboard.shelf import Reader
from autointerp.dashboard.views import Asked, NotThereError, Sheet, View
from autointerp.report.glossary import GLOSSARY

ALWAYS = (
    "AUROC",
    "chance",
    "shuffled control",
    "blank control",
    "look-up control",
    "excess",
    "certificate",
    "labelled",
)
METRICS = """
SELECT metric, variant, avg(chance) AS chance, sum(n_scored)::BIGINT AS n_scored, sum(n_asked)::BIGINT AS n_asked
FROM lines WHERE scorer = ? GROUP BY ALL ORDER BY metric, variant
"""


def page(reader: Reader, asked: Asked) -> View:
    """Return what a scorer is. Raises NotThereError."""
    name = asked.path["name"]
    kind = next((kind for kind in KINDS if kind.name == name), None)
    if kind is None:
        msg = f"there is no scorer {name}; there are {', '.join(kind.name for kind in KINDS)}"
        raise NotThereError(msg)
    metrics = reader.rows(METRICS, [name])
    return View(
        title=f"The scorer {name}",
        template="scorer.html.jinja",
        data={
            "name": name,
            "about": inspect.getdoc(sys.modules[kind.__module__]) or "",
            "more": inspect.getdoc(kind) or "",
            "headline": METRIC_NAMES.get(HEADLINES[name], HEADLINES[name].replace("_", " ")),
            "metrics": [{**row, "is_lower_better": row["metric"] in LOWER_IS_BETTER} for row in metrics],
            "words": [(word, meaning) for word, meaning in GLOSSARY if word in (*ALWAYS, name)],
        },
        sheet=lambda: Sheet(
            ["metric", "variant", "chance"], ([r["metric"], r["variant"], r["chance"]] for r in metrics)
        ),
        extra={"scorers": [kind.name for kind in KINDS]},
    )
