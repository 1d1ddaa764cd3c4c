"""Links from a report's marks into a dashboard: its address, and which filter names exactly the rows behind a mark."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import pandas as pd

from autointerp.analysis.summary import NEVER_ASKED
from autointerp.analysis.tagging import own_labels
from autointerp.core.errors import ConfigError
from autointerp.core.types import Reason
from autointerp.report.charts import Link, score_name
from autointerp.report.charts.filters import all_of
from autointerp.report.tables import RunTables
from autointerp.report.terms import LONGEST, NAME, term

Measure = tuple[str, str, str]
"""Scorer, variant and metric."""

UNLABELLED = "control:unlabelled"
"""Stands for the writer where the feature itself is judged, without a label."""

ADDRESS = re.compile(r"https?://[A-Za-z0-9.:_\[\]-]+(/[A-Za-z0-9._~%/-]*)?", re.IGNORECASE)
WRITE = "write the address that `autointerp serve` prints, as in http://127.0.0.1:8765"


# ---- where


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard's address, without a slash at its end, and what it calls the run of the report."""

    url: str
    run: str

    def features(self, expression: str) -> str:
        """Return the explorer's address for what an expression finds in this run; "" where it is too long for one."""
        whole = all_of(term("run", self.run), expression)
        return f"{self.url}/features?q={quote(whole, safe='')}" if len(whole) <= LONGEST else ""

    def compare(self, baseline: str) -> str:
        """Return the address of this run beside another one."""
        return f"{self.url}/compare?a={quote(baseline, safe='')}&b={quote(self.run, safe='')}"


def dashboard_at(url: str, run: str) -> Dashboard:
    """Return the dashboard at an address. Raises ConfigError for what a link must not hold, before anything is read.

    A name and password would stand in a page that is passed on; what stands after ``?`` would swallow the filter.
    """
    if not ADDRESS.fullmatch(url) or not _has_host(url):
        msg = f"--dashboard {url!r} is no address of a dashboard (http or https, a host, no name or query): {WRITE}"
        raise ConfigError(msg)
    return Dashboard(url.rstrip("/"), run)


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


# ---- what


@dataclass(frozen=True, slots=True)
class Rows:
    """How the explorer lists a run, a row a label and judge (``store/snapshot_sql.py``): what a filter has to say.

    ``several``: measures that more than one judge was asked. Only these tell rows apart by ``judges``; what one judge
    was asked stands in the rows of all. ``writers``: who wrote labels. ``unlabelled``: the first of them with a label
    for every feature that was judged without one, "" if there is none. ``is_single``: nobody wrote two labels of one
    feature.
    """

    several: frozenset[Measure] = frozenset()
    judges: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    unlabelled: str = ""
    is_single: bool = True

    def within(self, measures: Sequence[Measure], explainer: str, judge: str) -> str | None:
        """Return the terms that hold of exactly one row a feature, or None where no filter names these rows.

        Args:
            measures: What the mark shows; rows are told apart by judge where one of them has several.
            explainer: Who wrote the labels, or ``UNLABELLED``.
            judge: Who scored them.
        """
        writer = self.unlabelled if explainer == UNLABELLED else explainer
        # The filter language has no word for a star: it would stand for any letters.
        if not self.is_single or writer not in self.writers or "*" in writer:
            return None
        judged = self.judged(measures, judge)
        return None if judged is None else all_of(term("explainer", writer), judged)

    def judged(self, measures: Sequence[Measure], judge: str) -> str | None:
        """Return the term that tells a judge's rows apart, "" where there is one, None where a measure has no name."""
        if not all(NAME.fullmatch(score_name(*measure)) for measure in measures):
            return None
        if any(measure in self.several for measure in measures):
            return term("judge", judge) if judge and "*" not in judge else None
        return term("judge", self.judges[0]) if self.judges else ""


def rows_of(run: RunTables) -> Rows:
    """Return how the explorer lists a run."""
    scores, labels = run["scores"], own_labels(run["explanations"])
    own = scores[scores["control"] == "none"]
    measure = ["scorer", "variant", "metric"]
    each = own.drop_duplicates([*measure, "judge"])
    is_several = each.duplicated(measure, keep=False)
    found = {str(name) for name in labels["explainer"]} or set(run.explainers)
    writers = sorted(found, key=lambda name: (name not in run.explainers, name))
    feature = ["dictionary", "feature"]
    written = run["explanations"]
    bare = written.loc[written["explainer"] == UNLABELLED, "explanation"]
    judged = own[own["value"].notna() & own["explanation"].isin(bare)][feature].drop_duplicates()
    covering = (w for w in writers if _covers(labels.loc[labels["explainer"] == w, feature], judged))
    return Rows(
        several=frozenset((str(s), str(v), str(m)) for s, v, m in each.loc[is_several, measure].to_numpy(object)),
        judges=tuple(sorted({str(name) for name in each.loc[is_several, "judge"]})),
        writers=tuple(writers),
        unlabelled=next(covering, ""),
        is_single=not labels.duplicated([*feature, "explainer"]).any(),
    )


def _covers(labels: pd.DataFrame, features: pd.DataFrame) -> bool:
    return len(features.merge(labels.drop_duplicates())) == len(features)


# ---- both


@dataclass(frozen=True, slots=True)
class Linking:
    """Links of a run's marks; none without a dashboard."""

    dashboard: Dashboard | None = None
    rows: Rows = field(default_factory=Rows)

    @property
    def link(self) -> Link | None:
        return self.dashboard.features if self.dashboard else None

    def of(self, measures: Sequence[Measure], explainer: str, judge: str) -> tuple[str, Link | None]:
        """Return the terms of a series and what makes links of its marks, None where no filter names its features."""
        within = self.rows.within(measures, explainer, judge) if self.dashboard else None
        return within or "", None if within is None else self.link

    def unnamed(self, statuses: Sequence[str]) -> frozenset[str]:
        """Return the statuses of features that labels of theirs may not have.

        Where a feature has several rows it counts as scored as soon as one is, and by one reason where none is, while
        each row has its own.
        """
        if len(self.rows.writers) <= 1 and len(self.rows.judges) <= 1 and self.rows.is_single:
            return frozenset()
        return frozenset(statuses) - {*NEVER_ASKED, Reason.SCORED.value}

    @property
    def sentence(self) -> str:
        """Say where marks lead; "" where they do not."""
        if self.dashboard is None:
            return ""
        return (
            f"In the HTML page a mark of a picture links to the features behind it in the dashboard at "
            f"{self.dashboard.url}, where a feature has a row for each of its labels and judges."
        )


NO_LINKS = Linking()


def linking_to(dashboard: Dashboard | None, run: RunTables) -> Linking:
    """Return the links of a run's marks."""
    return Linking(dashboard, rows_of(run)) if dashboard else NO_LINKS
