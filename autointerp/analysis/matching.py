"""Which features of a wider dictionary, or of another seed, came from which of this one, and what became of each."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from autointerp.core.errors import ConfigError
from autointerp.metrics.nearest import (
    Ints,
    Vectors,
    firings,
    nearest_correlations,
    nearest_cosines,
    pair_correlations,
    pair_cosines,
    pair_products,
)

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

KINDS = ("matched", "split", "absorbed", "merged", "novel", "lost", "undecided")

COLUMNS = ["parent", "child", "kind", "cosine", "correlation", "overlap"]


@dataclass(frozen=True, slots=True)
class Side:
    """One dictionary as matching sees it: unit directions [n, d] and activations [n, n_tokens] on the pool."""

    directions: Vectors
    activations: csr_array

    @property
    def n_features(self) -> int:
        return len(self.directions)


@dataclass(frozen=True, slots=True)
class MatchSettings:
    """Where the lines are drawn; all numbers are our choice, tried on planted trees.

    ``k``: neighbours of a wide feature that are looked at, by direction and by activations each.
    An edge needs ``min_cosine`` (parts keep the direction of the whole; of 100,000 random directions in 576
    dimensions the nearest is at 0.18, in 64 at 0.5), ``min_correlation`` over all tokens (a part with 1% of the
    whole's firings has 0.1) and ``min_overlap``, the share of the rarer one's firings on which the other fires, too.
    A single child is the parent's match from ``same_correlation``; below, it is a part of it, or it is wider.
    Absorption: a child with at least ``heir_cosine`` to the parent stands for it still, and fires on at most
    ``max_together`` of the firings of another child. A split whose largest part keeps the direction so well reads
    as absorption; the two do not differ in what is observed.
    ``min_firings``: with fewer on the pool nothing is said of a feature.
    """

    k: int = 10
    min_cosine: float = 0.45
    min_correlation: float = 0.1
    min_overlap: float = 0.4
    same_correlation: float = 0.5
    heir_cosine: float = 0.85
    max_together: float = 0.2
    min_firings: int = 10


def match_features(narrow: Side, wide: Side, *, n_tokens: int, settings: MatchSettings | None = None) -> pd.DataFrame:
    """Return what became of each feature, columns ``COLUMNS``: one row a wide feature, then narrow ones without child.

    A wide feature has at most one parent, the narrow one with the largest product of cosine and correlation; so
    the edges are trees. ``kind`` belongs to a tree and is that of the parent as of its children:

    - matched: one child that fires where the parent does;
    - split: children that fire on parts of it (one San Francisco feature at 1M, 2 at 4M, 11 at 34M: Scaling
      Monosemanticity, §feature splitting);
    - absorbed: split, but one child keeps the parent's direction and falls silent where another fires;
    - merged: a narrow feature whose like in the wide dictionary is wider, and perhaps another's child: several
      narrow ones may share it;
    - novel: a wide feature without parent (``parent`` is empty); lost: a narrow one without child or like;
    - undecided: too few firings on the pool.

    Args:
        narrow: The dictionary that comes first.
        wide: The wider one, or one of another seed.
        n_tokens: Tokens of the pool, silent ones among them.
        settings: Where the lines are drawn.

    Raises:
        ConfigError: The directions stand in different spaces.
    """
    settings = settings or MatchSettings()
    if narrow.directions.shape[1:] != wide.directions.shape[1:]:
        msg = "dictionaries whose directions have different sizes cannot be matched; choose two of one site"
        raise ConfigError(msg)
    near = _near_pairs(narrow, wide, n_tokens, settings)
    near = near.assign(strength=near["cosine"] * near["correlation"])
    ordered = near.sort_values(["child", "strength", "parent"], ascending=[True, False, True], kind="stable")
    edges = ordered.drop_duplicates("child").drop(columns="strength").reset_index(drop=True)
    edges["kind"] = _kinds(edges, narrow, wide, settings)
    is_left = ~ordered["parent"].isin(edges["parent"])
    shared = ordered[is_left].sort_values(["parent", "strength"], ascending=[True, False]).drop_duplicates("parent")
    found = [_with_orphans(edges, wide, settings), *_childless(edges, shared, narrow, settings)]
    return pd.concat(found, ignore_index=True)[COLUMNS].astype({"parent": "Int64", "child": "Int64"})


def kind_of_features(matches: pd.DataFrame, column: str) -> pd.Series:
    """Return the kind of each feature, by number: of the narrow ones by ``parent``, of the wide ones by ``child``."""
    rows = matches.dropna(subset=[column]).astype({column: int})
    own = rows.drop_duplicates(column)  # a wide feature's own row stands before those of narrow ones merged into it
    return own.set_index(column)["kind"].sort_index()


# ---- edges


def _near_pairs(narrow: Side, wide: Side, n_tokens: int, settings: MatchSettings) -> pd.DataFrame:
    """Return pairs near enough in direction and in firing; of features that fire often enough."""
    pairs = _candidates(narrow, wide, n_tokens, settings)
    often = _n_firings(narrow) >= settings.min_firings, _n_firings(wide) >= settings.min_firings
    pairs = pairs[often[0][pairs["parent"]] & often[1][pairs["child"]]]
    parent, child = pairs["parent"].to_numpy(), pairs["child"].to_numpy()
    pairs = pairs.assign(
        cosine=pair_cosines(narrow.directions, wide.directions, parent, child),
        correlation=pair_correlations(narrow.activations, wide.activations, parent, child, n_tokens=n_tokens),
        overlap=_overlap(narrow, wide, parent, child),
    )
    is_near = pairs["cosine"] >= settings.min_cosine
    is_near &= pairs["correlation"] >= settings.min_correlation
    return pairs[is_near & (pairs["overlap"] >= settings.min_overlap)]


def _candidates(narrow: Side, wide: Side, n_tokens: int, settings: MatchSettings) -> pd.DataFrame:
    """Return each wide feature's nearest narrow ones by direction and by activations, no pair twice."""
    fired = nearest_correlations(
        wide.activations, narrow.activations, n_tokens=n_tokens, k=settings.k, least=settings.min_correlation
    )
    near = nearest_cosines(wide.directions, narrow.directions, k=settings.k)
    is_near = near.value >= settings.min_cosine
    columns = {
        "child": np.concatenate([fired.row, near.row[is_near]]),
        "parent": np.concatenate([fired.column, near.column[is_near]]),
    }
    return pd.DataFrame(columns).drop_duplicates(ignore_index=True)


def _overlap(narrow: Side, wide: Side, parent: Ints, child: Ints) -> Floats:
    """Return the share of the rarer feature's firings on which both fire."""
    together = pair_products(firings(narrow.activations), firings(wide.activations), parent, child)
    rarer = np.minimum(_n_firings(narrow)[parent], _n_firings(wide)[child])
    shares: Floats = together / np.maximum(rarer, 1)
    return shares


def _n_firings(side: Side) -> Ints:
    counts: Ints = np.diff(side.activations.indptr).astype(np.int64)
    return counts


# ---- kinds


def _kinds(edges: pd.DataFrame, narrow: Side, wide: Side, settings: MatchSettings) -> pd.Series:
    """Return the kind of each edge's tree."""
    by_parent = edges.groupby("parent")
    is_alone = by_parent["child"].transform("size") == 1
    is_same = edges["correlation"] >= settings.same_correlation
    often = _n_firings(narrow)[edges["parent"]], _n_firings(wide)[edges["child"]]
    is_wider = pd.Series(often[1] > often[0], edges.index)
    kind = pd.Series("split", edges.index, dtype=object)
    kind[_is_absorbing(edges, wide, settings).groupby(edges["parent"]).transform("any")] = "absorbed"
    kind[is_alone & is_same] = "matched"
    kind[is_alone & ~is_same & is_wider] = "merged"
    return kind


def _is_absorbing(edges: pd.DataFrame, wide: Side, settings: MatchSettings) -> "pd.Series[bool]":
    """Return whether the parent's heir is silent where this child fires; False for the heir itself."""
    best = edges.loc[edges.groupby("parent")["cosine"].idxmax()].set_index("parent")
    heir = edges["parent"].map(best["child"]).to_numpy(np.int64)
    child = edges["child"].to_numpy(np.int64)
    fires = firings(wide.activations)
    together = pair_products(fires, fires, heir, child) / np.maximum(_n_firings(wide)[child], 1)
    stands = edges["parent"].map(best["cosine"]).to_numpy() >= settings.heir_cosine
    return pd.Series(stands & (heir != child) & (together <= settings.max_together), edges.index)


def _with_orphans(edges: pd.DataFrame, wide: Side, settings: MatchSettings) -> pd.DataFrame:
    """Return one row a wide feature, those without parent novel or undecided."""
    rows = edges.set_index("child").reindex(range(wide.n_features)).rename_axis("child").reset_index()
    return rows.assign(kind=rows["kind"].where(rows["parent"].notna(), _unmatched(wide, "novel", settings)))


def _childless(
    edges: pd.DataFrame, shared: pd.DataFrame, narrow: Side, settings: MatchSettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return rows of the narrow features that are nobody's parent: merged with their likes, lost or undecided."""
    kinds = _unmatched(narrow, "lost", settings)
    is_seen = np.isin(np.arange(narrow.n_features), [*edges["parent"], *shared["parent"]])
    rest = pd.DataFrame({"parent": np.flatnonzero(~is_seen), "kind": kinds[~is_seen]})
    return shared.assign(kind="merged").drop(columns="strength"), rest


def _unmatched(side: Side, kind: str, settings: MatchSettings) -> pd.Series:
    return pd.Series(np.where(_n_firings(side) >= settings.min_firings, kind, "undecided"))
