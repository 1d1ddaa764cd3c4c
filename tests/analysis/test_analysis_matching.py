"""Matching finds planted trees, and says nothing of what it cannot see."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from autointerp.analysis.matching import COLUMNS, KINDS, MatchSettings, Side, kind_of_features, match_features
from autointerp.core.draws import generator
from autointerp.core.errors import ConfigError
from autointerp.trust.trees import Planted, PlantedTrees, TreeSettings, plant_trees

N_TOKENS = 40_000
Edges = set[tuple[int, int]]


def side(planted: Planted) -> Side:
    return Side(planted.directions, planted.activations)


def matches_of(trees: PlantedTrees, n_tokens: int = N_TOKENS) -> pd.DataFrame:
    return match_features(side(trees.narrow), side(trees.wide), n_tokens=n_tokens)


def edges_of(matches: pd.DataFrame) -> Edges:
    rows = matches[matches["kind"] != "merged"].dropna(subset=["parent", "child"])
    return set(zip(rows["parent"].astype(int), rows["child"].astype(int), strict=True))


def f1_and_false(found: Edges, truth: frozenset[tuple[int, int]]) -> tuple[float, float]:
    """Return F1 of the edges, and the share of found edges that are not true (0 when none is found)."""
    right = len(found & truth)
    return 2 * right / (len(found) + len(truth)), 1 - right / len(found) if found else 0.0


def fraction_right(trees: PlantedTrees, matches: pd.DataFrame) -> float:
    found = [*kind_of_features(matches, "parent"), *kind_of_features(matches, "child")]
    return float(np.mean(np.array(found) == [*trees.narrow.kinds, *trees.wide.kinds]))


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.2])
@pytest.mark.parametrize("seed", range(4))
def test_planted_trees_are_found(seed: int, noise: float) -> None:
    """Up to a fifth of firings missing and false: edge F1 at least 0.95, false parents at most 2%, kinds right."""
    trees = plant_trees(TreeSettings(seed=seed, noise=noise))
    matches = matches_of(trees)
    f1, false = f1_and_false(edges_of(matches), trees.edges)
    assert f1 >= 0.95
    assert false <= 0.02
    assert fraction_right(trees, matches) >= 0.95


def test_noise_costs_edges_before_it_invents_any() -> None:
    """With half of the firings wrong hardly an edge is found, but none that is false."""
    f1s = []
    for noise in (0.2, 0.3, 0.5):
        trees = plant_trees(TreeSettings(noise=noise))
        f1, false = f1_and_false(edges_of(matches_of(trees)), trees.edges)
        f1s.append(f1)
        assert false <= 0.02
    assert f1s == sorted(f1s, reverse=True)
    assert f1s[-1] < 0.2


def test_other_trees_are_not_found() -> None:
    """Against a truth whose children are shuffled, and without relatives at all, nothing holds."""
    trees = plant_trees(TreeSettings())
    order = generator(0, "shuffled").permutation(len(trees.wide.kinds))
    shuffled = frozenset((p, int(order[c])) for p, c in trees.edges)
    assert f1_and_false(edges_of(matches_of(trees)), shuffled)[0] < 0.1
    strangers = plant_trees(TreeSettings(seed=1))
    apart = match_features(side(trees.narrow), side(strangers.wide), n_tokens=N_TOKENS)
    assert len(edges_of(apart)) <= 0.02 * len(apart)


@pytest.mark.parametrize("without", ["directions", "activations"])
def test_one_sign_is_not_enough(without: str) -> None:
    """Decoys share the direction or the firings: a matcher that looks at one alone has false parents."""
    trees = plant_trees(TreeSettings())
    blind = {"directions": {"min_cosine": -1.0}, "activations": {"min_correlation": -1.0, "min_overlap": 0.0}}[without]
    matches = match_features(side(trees.narrow), side(trees.wide), n_tokens=N_TOKENS, settings=MatchSettings(**blind))
    assert f1_and_false(edges_of(matches), trees.edges)[1] > 0.02


def test_every_feature_has_one_kind() -> None:
    """Each wide feature has one row, and each narrow one a kind; a tree has one kind."""
    trees = plant_trees(TreeSettings(noise=0.3))
    matches = matches_of(trees)
    assert list(matches.columns) == COLUMNS
    assert set(matches["kind"]) <= set(KINDS)
    own = matches[: len(trees.wide.kinds)]
    assert own["child"].tolist() == list(range(len(trees.wide.kinds)))
    assert (own.groupby("parent")["kind"].nunique() == 1).all()
    assert kind_of_features(matches, "parent").index.tolist() == list(range(len(trees.narrow.kinds)))


def test_order_of_features_does_not_matter() -> None:
    """Features numbered otherwise have the same edges and kinds."""
    trees = plant_trees(TreeSettings())
    order = generator(1, "order").permutation(len(trees.wide.kinds))
    turned = Side(trees.wide.directions[order], trees.wide.activations[order])
    other = match_features(side(trees.narrow), turned, n_tokens=N_TOKENS)
    there = {(p, int(order[c])) for p, c in edges_of(other)}
    assert there == edges_of(matches_of(trees))


# ---- by hand, on 60 tokens: what fires where, and directions in a plane


def by_hand(*features: tuple[float, range]) -> Side:
    """Return features (angle in degrees, tokens on which they fire)."""
    angles = np.deg2rad([angle for angle, _ in features])
    fires = np.zeros((len(features), 60))
    for row, (_, tokens) in enumerate(features):
        fires[row, list(tokens)] = 1.0
    return Side(np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32), csr_array(fires))


def kinds(narrow: Side, wide: Side) -> tuple[list[str], list[str]]:
    matches = match_features(narrow, wide, n_tokens=1000)
    return kind_of_features(matches, "parent").tolist(), kind_of_features(matches, "child").tolist()


WHOLE = (0.0, range(60))


def test_absorption_needs_a_silent_heir() -> None:
    """The same child is absorbed where the heir is silent on it, and part of a split where the heir fires, too."""
    special = (45.0, range(45, 60))
    assert kinds(by_hand(WHOLE), by_hand((5.0, range(45)), special)) == (["absorbed"], ["absorbed"] * 2)
    assert kinds(by_hand(WHOLE), by_hand((5.0, range(60)), special)) == (["split"], ["split"] * 2)


def test_a_split_has_no_heir() -> None:
    """Parts that share the firings are a split where none of them keeps the whole's direction."""
    assert kinds(by_hand(WHOLE), by_hand((45.0, range(30)), (-45.0, range(30, 60)))) == (["split"], ["split"] * 2)


def test_a_single_part_is_no_match() -> None:
    """An only child that fires on a sixth of the parent's tokens is a part; on most of them, its match."""
    assert kinds(by_hand(WHOLE), by_hand((5.0, range(10)))) == (["split"], ["split"])
    assert kinds(by_hand(WHOLE), by_hand((5.0, range(50)))) == (["matched"], ["matched"])


def test_two_become_one() -> None:
    """Of two narrow features with one child the nearer is its parent, the other is merged and not lost."""
    narrow = by_hand((0.0, range(40)), (30.0, range(40, 60)))
    assert kinds(narrow, by_hand((10.0, range(60)))) == (["matched", "merged"], ["matched"])


def test_too_rare_is_undecided() -> None:
    """A feature with fewer firings than asked is neither novel nor lost, whatever its direction."""
    rare, other = (0.0, range(5)), (90.0, range(30))
    assert kinds(by_hand(rare, other), by_hand(rare)) == (["undecided", "lost"], ["undecided"])


def test_other_spaces_are_refused() -> None:
    """Directions of different sizes say so instead of failing in a product."""
    stranger = Side(np.ones((1, 3), np.float32), csr_array((1, 60)))
    with pytest.raises(ConfigError, match="different sizes"):
        match_features(by_hand(WHOLE), stranger, n_tokens=60)


def test_empty_dictionaries_match_nothing() -> None:
    """No feature on one side: all of the other are novel or lost."""
    none = Side(np.zeros((0, 2), np.float32), csr_array((0, 60)))
    assert kinds(none, by_hand(WHOLE)) == ([], ["novel"])
    assert kinds(by_hand(WHOLE), none) == (["lost"], [])
