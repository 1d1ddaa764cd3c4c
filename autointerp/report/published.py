"""Scores by width that others have published: of other protocols, so drawn beside and never compared."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True)
class Published:
    """One number: whose, of what, at which width (None = of no width), for which scorer of ours it may stand beside."""

    source: str
    what: str
    scorer: str
    width: int | None
    value: float


SAEBENCH = "SAEBench AutoInterp, Gemma-2-2B layer 12"
DELPHI = "delphi (arXiv 2410.13928), Gemma-2-9B"

PUBLISHED = (
    *(Published(SAEBENCH, "BatchTopK, accuracy", "detection", w, v) for w, v in ((4096, 0.815), (16384, 0.857))),
    Published(SAEBENCH, "BatchTopK, accuracy", "detection", 65536, 0.880),
    *(Published(SAEBENCH, "ReLU, accuracy", "detection", w, v) for w, v in ((4096, 0.819), (16384, 0.840))),
    Published(SAEBENCH, "ReLU, accuracy", "detection", 65536, 0.856),
    Published(SAEBENCH, "PCA, accuracy", "detection", None, 0.67),
    *(Published(DELPHI, "detection, accuracy", "detection", w, v) for w, v in ((16384, 0.70), (131072, 0.74))),
    *(Published(DELPHI, "fuzzing, accuracy", "fuzzing", w, v) for w, v in ((16384, 0.73), (131072, 0.76))),
)
"""Accuracies, not AUROC. Of delphi's 131k features 30% were too rare to score, against 10% at 16k."""


def published_lines(scorer: str) -> pd.DataFrame:
    """Return source, width and value of the lines that may stand beside a scorer's width curve."""
    mine = [p for p in PUBLISHED if p.scorer == scorer and p.width]
    rows = [(f"{p.source}, {p.what}", p.width, p.value) for p in mine]
    return pd.DataFrame(rows, columns=["source", "width", "value"])
