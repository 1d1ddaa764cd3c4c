"""A feature's windows as a page shows them: strata in order, what fired, what the judge said."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from autointerp.analysis.figures import number
from autointerp.analysis.tagging import VERDICTS
from autointerp.core.types import SIDES
from autointerp.metrics.classification import THRESHOLD
from autointerp.report.gathered import FeatureRows, Row
from autointerp.report.tables import known_number
from autointerp.report.windows import Run, activation_runs
from autointerp.sampling.bins import N_BUCKETS

STRATA = ("top", *(f"firing:{bucket}" for bucket in reversed(range(N_BUCKETS))), "random", "")
MOST_SHOWN = 60
"""Windows of a page; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge said of a window given a label, and whether it was right."""

    scorer: str
    explainer: str
    p_yes: str
    is_right: bool


@dataclass(frozen=True, slots=True)
class WindowView:
    """One window; ``runs`` have the shade of what fired, ``peak`` is its strongest activation."""

    item: str
    stratum: str
    runs: tuple[Run, ...]
    peak: float
    verdicts: tuple[Verdict, ...]

    @property
    def is_mistaken(self) -> bool:
        """Whether a judge was wrong about it."""
        return any(not verdict.is_right for verdict in self.verdicts)


@dataclass(frozen=True, slots=True)
class Stratum:
    """The windows of one side and stratum, strongest first; ``n`` counts those not shown, too."""

    side: str
    name: str
    n: int
    windows: tuple[WindowView, ...]


def strata_of(known: FeatureRows) -> tuple[Stratum, ...]:
    """Return a feature's windows by side and stratum: held-out before shown, strong before weak before silent."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in known.windows:
        groups.setdefault((str(row["side"]), str(row["stratum"])), []).append(row)
    verdicts = _verdicts(known)
    share = max(1, MOST_SHOWN // max(len(groups), 1))
    return tuple(
        Stratum(side, name, len(group), tuple(islice(_windows(group, verdicts, peak=known.row["peak"]), max(share, 6))))
        for (side, name), group in sorted(groups.items(), key=lambda one: _place(*one[0]))
    )


def _place(side: str, name: str) -> tuple[int, int, str]:
    rank = next(i for i, start in enumerate(STRATA) if name.startswith(start))
    return -SIDES.index(side), rank, name if rank == len(STRATA) - 1 else ""


def _windows(group: list[Row], verdicts: Mapping[str, tuple[Verdict, ...]], *, peak: float) -> Iterator[WindowView]:
    for row in sorted(group, key=lambda row: -max(row["activations"], default=0.0)):
        item = f"{row['doc']}:{row['start']}"
        yield WindowView(
            item=item,
            stratum=str(row["stratum"]),
            runs=activation_runs(row["tokens"], row["activations"], peak=peak),
            peak=float(max(row["activations"], default=0.0)),
            verdicts=verdicts.get(item, ()),
        )


def _verdicts(known: FeatureRows) -> dict[str, tuple[Verdict, ...]]:
    """Return what was said of own labels, by window."""
    writers = {row["explanation"]: str(row["explainer"]) for row in known.explanations}
    found: dict[str, tuple[Verdict, ...]] = {}
    for row in known.predictions:
        if row["control"] == "none" and row["scorer"] in VERDICTS:
            item = str(row["item"])
            found[item] = (*found.get(item, ()), _verdict(row, writers.get(row["explanation"], "")))
    return found


def _verdict(row: Row, explainer: str) -> Verdict:
    guess = known_number(row["guess"])
    said = "unread" if guess is None else number(guess)
    return Verdict(str(row["scorer"]), explainer, said, guess is None or (guess >= THRESHOLD) == (row["truth"] > 0))
