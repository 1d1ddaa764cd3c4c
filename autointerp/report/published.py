"""Scores by width that others have published: of other protocols, so drawn beside and never compared."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True)
class Published:
    """One number: whose, of what, at which width (None = of no width), for which scorer of ours it may stand beside.

    ``metric``: of ours, of which it is one; "" where we take none that means the same.
    """

    source: str
    what: str
    scorer: str
    width: int | None
    value: float
    metric: str = ""


SAEBENCH = "SAEBench AutoInterp, Gemma-2-2B layer 12"
"""Its accuracy is over 4 firing texts of 14: answering no throughout scores 0.714, so it is no metric of ours."""

DELPHI = "delphi (arXiv 2410.13928), Gemma-2-9B"
"""Its accuracy gives firing and silent texts the same weight, and guessing scores 0.50, as in our balanced accuracy."""

BALANCED = "balanced_accuracy"

PUBLISHED = (
    *(Published(SAEBENCH, "BatchTopK, accuracy", "detection", w, v) for w, v in ((4096, 0.815), (16384, 0.857))),
    Published(SAEBENCH, "BatchTopK, accuracy", "detection", 65536, 0.880),
    *(Published(SAEBENCH, "ReLU, accuracy", "detection", w, v) for w, v in ((4096, 0.819), (16384, 0.840))),
    Published(SAEBENCH, "ReLU, accuracy", "detection", 65536, 0.856),
    Published(SAEBENCH, "PCA, accuracy", "detection", None, 0.67),
    Published(DELPHI, "detection, accuracy", "detection", 16384, 0.70, BALANCED),
    Published(DELPHI, "detection, accuracy", "detection", 131072, 0.74, BALANCED),
    Published(DELPHI, "fuzzing, accuracy", "fuzzing", 16384, 0.73, BALANCED),
    Published(DELPHI, "fuzzing, accuracy", "fuzzing", 131072, 0.76, BALANCED),
)
"""Accuracies, not AUROC. Of delphi's 131k features 30% were too rare to score, against 10% at 16k."""


def published_lines(scorer: str, metric: str) -> pd.DataFrame:
    """Return source, width and value of what may be drawn beside a scorer's width curve: of the same kind of metric.

    >>> len(published_lines("detection", "balanced_accuracy")), len(published_lines("detection", "auroc"))
    (2, 0)
    """
    mine = [p for p in PUBLISHED if p.metric == metric and p.scorer == scorer and p.width]
    rows = [(f"{p.source}, {p.what}", p.width, p.value) for p in mine]
    return pd.DataFrame(rows, columns=["source", "width", "value"])
