"""What limits one measure, said above its table and not only once on the page."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from autointerp.analysis.certificates import Certificate, standing
from autointerp.analysis.estimates import FEW_FEATURES
from autointerp.analysis.figures import count
from autointerp.analysis.names import has_names
from autointerp.analysis.statements import Statement, between
from autointerp.analysis.summary import Line
from autointerp.analysis.width import RAW
from autointerp.report.tables import RunTables


def limits(run: RunTables, lines: Sequence[Line], certificates: Sequence[Certificate]) -> tuple[Statement, ...]:
    """Return what a reader of this table has to know before its numbers; *lines* are of one measure."""
    return (
        *_judges(lines, certificates, same_family=run.same_family),
        *_few_features(lines),
        *_shared_control(run, lines),
        *_widths(lines),
        *_answers(run["scores"], lines[0]),
    )


def _judges(
    lines: Sequence[Line], certificates: Sequence[Certificate], *, same_family: bool | None
) -> Iterator[Statement]:
    """Yield one statement a judge: certified for this very measure or not."""
    family = "; explainer and judge are of the same model family" if same_family else ""
    for judge in dict.fromkeys(line.judge for line in lines):
        found = standing(next(line for line in lines if line.judge == judge), certificates)
        is_good = found == "certified" and not family
        yield Statement("good" if is_good else "warning", f"Judge {judge}: {found}{family}.")


def _few_features(lines: Sequence[Line]) -> Iterator[Statement]:
    sizes = sorted(line.mean.n for line in lines if line.mean.n)
    if sizes and sizes[0] < FEW_FEATURES:
        n = between([str(sizes[0]), str(sizes[-1])])
        few = "no interval is possible" if sizes[-1] == 1 else "intervals over so few are too narrow"
        yield Statement("warning", f"Each mean is over {n} {'feature' if n == '1' else 'features'}: {few}.")


def _shared_control(run: RunTables, lines: Sequence[Line]) -> Iterator[Statement]:
    """Yield whose labels the shuffled control borrows, where that is not the one explainer there is."""
    names = sorted({line.explainer for line in lines})
    if len(names) > 1 and any(line.control("shuffled") for line in lines):
        first = f", {run.explainers[0]}" if run.explainers else ""
        text = f"All explainers share one shuffled control: labels by the first of the configuration{first}."
        yield Statement("plain", text)


def _widths(lines: Sequence[Line]) -> Iterator[Statement]:
    if len({line.width for line in lines}) > 1:
        yield Statement("plain", RAW)


def _answers(scores: pd.DataFrame, line: Line) -> Iterator[Statement]:
    """Yield how many of the judge's answers could be read, and how few a scored feature has at least."""
    names = {"scorer": line.scorer, "variant": line.variant, "metric": line.metric, "control": "none"}
    columns = ["value", "n_read", "n_asked"]
    asked = scores.loc[has_names(scores, names) & (scores["n_asked"] > 0).to_numpy(), columns]
    if asked.empty:
        return
    read, total = int(asked["n_read"].sum()), int(asked["n_asked"].sum())
    scored = asked[asked["value"].notna()]
    text = f"Items read: {count(read)}/{count(total)}"
    if len(scored):
        n_read, n_asked = scored["n_read"].to_numpy(), scored["n_asked"].to_numpy()
        least = np.argmin(n_read / n_asked)
        text += f"; the least of one scored feature {n_read[least]}/{n_asked[least]}"
    yield Statement("plain" if read == total else "warning", f"{text}.")
