"""What became of every feature of every dictionary: counted before any score is read."""

from collections import Counter
from collections.abc import Set
from statistics import median

import numpy as np
import pandas as pd

from autointerp.analysis.names import as_categories, places_of
from autointerp.core.types import Reason

NOT_ELIGIBLE = ("dead", "too_few_examples")


def coverage(features: pd.DataFrame, dictionaries: pd.DataFrame) -> pd.DataFrame:
    """Return one row a dictionary, narrow ones first, counting ALL its features.

    Columns: dictionary, width, n_features (rows seen), one column a status that occurs (closed list
    order, ``scored`` always), ``unlisted`` (width minus rows: features nobody reported on),
    n_eligible (neither dead nor too few examples) and n_drawn (eligible and sampled).
    """
    counts = _counts(features).reindex(columns=_statuses(features), fill_value=0)
    widths = (
        dictionaries.drop_duplicates("dictionary").set_index("dictionary")["width"]
        if len(dictionaries)
        else pd.Series(dtype="int64")
    )
    names = counts.index.union(widths.index)
    counts = counts.reindex(names, fill_value=0).astype(int)
    listed = counts.sum(axis=1)
    width = widths.reindex(names).fillna(listed).astype(int)
    eligible = listed - counts.reindex(columns=list(NOT_ELIGIBLE), fill_value=0).sum(axis=1)
    drawn = eligible - counts.get("not_sampled", pd.Series(0, index=names))
    table = counts.assign(unlisted=(width - listed).clip(lower=0), n_eligible=eligible, n_drawn=drawn)
    table.insert(0, "n_features", listed)
    table.insert(0, "width", width)
    return table.rename_axis("dictionary").reset_index().sort_values(["width", "dictionary"], ignore_index=True)


def with_outcomes(features: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Return the features with what became of the pending ones: scored, or why no label of theirs has a score.

    A feature counts as scored as soon as one of its own labels has one number; it stays pending
    while nothing at all was said of it. Of several reasons it has the first by name, as in the dashboard.
    """
    place, statuses = places_of(scores, features), as_categories(scores["status"])
    names, status = statuses.cat.categories.to_numpy(object), statuses.cat.codes.to_numpy(np.int64)
    is_own = (scores["control"] == "none").to_numpy() & (place >= 0)
    has_number = scores["value"].notna().to_numpy()
    reason = np.full(len(features), len(names))
    np.minimum.at(reason, place[is_own & ~has_number], status[is_own & ~has_number])
    is_scored = np.zeros(len(features), dtype=bool)
    is_scored[place[is_own & has_number]] = True
    outcome = np.where(is_scored, Reason.SCORED.value, np.append(names, "")[reason])[places_of(features, features)]
    is_open = (features["status"] == Reason.PENDING).to_numpy() & (outcome != "")
    return features.assign(status=np.where(is_open, outcome, features["status"].astype(object)))


def _counts(features: pd.DataFrame) -> pd.DataFrame:
    """Return counts, shape [n_dictionaries, n_statuses]."""
    return pd.crosstab(features["dictionary"], features["status"]) if len(features) else pd.DataFrame()


def _statuses(features: pd.DataFrame) -> list[str]:
    """Return the statuses to count: the closed list's order, strangers last."""
    seen = set(map(str, features["status"].unique()))
    known = [reason.value for reason in Reason if reason.value in seen or reason is Reason.SCORED]
    return known + sorted(seen - set(known))


def failures_by_reason(failures: pd.DataFrame) -> pd.DataFrame:
    """Return stage, reason, n and one example of the detail, most frequent first."""
    if failures.empty:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in ("stage", "reason", "n", "example")})
    grouped = failures.groupby(["stage", "reason"], sort=True)
    found = grouped.agg(n=("about", "size"), example=("detail", "first")).reset_index()
    return found.sort_values(["n", "stage", "reason"], ascending=[False, True, True], ignore_index=True)


def evidence_sentence(evidence: pd.DataFrame) -> str:
    """Return how much held-out text a label was tested on; windows of one document are not independent."""
    return held_out_sentence(_held_out(evidence))


def held_out_sentence(windows: Set[tuple[object, ...]]) -> str:
    """Return ``evidence_sentence`` of held-out windows: dictionary, feature, document and start of each."""
    if not windows:
        return "No held-out window is on record."
    documents = {(dictionary, feature, doc) for dictionary, feature, doc, _ in windows}
    n_windows, n_documents = (_extent(Counter(place[:2] for place in places)) for places in (windows, documents))
    return f"Held-out text behind one feature: {n_windows} windows from {n_documents} documents."


def _held_out(evidence: pd.DataFrame) -> set[tuple[object, ...]]:
    """Return dictionary, feature, document and start of each held-out window; halves of pairs are not windows."""
    columns = (evidence[name].tolist() for name in ("dictionary", "feature", "doc", "start", "side", "stratum"))
    rows = zip(*columns, strict=True)
    return {row[:4] for row in rows if row[4] == "held_out" and row[5] != "neighbour"}


def _extent(sizes: Counter[tuple[object, ...]]) -> str:
    low, high = min(sizes.values()), max(sizes.values())
    return str(low) if low == high else f"{low} to {high} (median {median(sizes.values()):g})"
