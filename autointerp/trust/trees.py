"""Two dictionaries with planted trees between them: which wide feature came from which narrow one is known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from autointerp.core.draws import generator

Ints: TypeAlias = NDArray[np.int64]
Vectors: TypeAlias = NDArray[np.float32]

SHARED = (0.6, 0.75)
"""Cosine of a part with the whole it was split from: it keeps the direction and adds one of its own."""

PARTS = (2, 5)
ABSORBED_SHARE = (0.1, 0.3)
"""Of the parent's tokens, those of a child in whose place the parent falls silent."""

DECOYS = ((True, 0.0), (False, 0.7), (True, 0.2))
"""Of features without a relative: whether the direction is near another's, and the share of firings in common."""

TOKENS_A_CONCEPT = (150, 900)


@dataclass(frozen=True, slots=True)
class TreeSettings:
    """How many of each kind; all numbers are our choice.

    ``noise`` of both dictionaries: directions turned by it (tangent of the angle), that share of firings missing
    and as many on tokens drawn at random (at most half), activations multiplied by exp(noise * normal).
    """

    n_matched: int = 40
    n_split: int = 20
    n_absorbed: int = 15
    n_novel: int = 20
    n_lost: int = 10
    n_tokens: int = 40_000
    d_model: int = 64
    noise: float = 0.1
    seed: int = 0


@dataclass(frozen=True)
class Planted:
    """One dictionary: unit directions [n, d_model], activations [n, n_tokens], the kind of each feature."""

    directions: Vectors
    activations: csr_array
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class PlantedTrees:
    """Both dictionaries and the true edges (narrow feature, wide feature)."""

    narrow: Planted
    wide: Planted
    edges: frozenset[tuple[int, int]]


@dataclass(frozen=True)
class _Feature:
    kind: str
    direction: Vectors
    tokens: Ints


@dataclass
class _Ladder:
    narrow: list[_Feature] = field(default_factory=list)
    wide: list[_Feature] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)

    def add(self, parents: Sequence[_Feature], children: Sequence[_Feature]) -> None:
        """Add features; each parent is an edge to each child."""
        first, place = len(self.wide), len(self.narrow)
        self.edges += [(place + p, first + c) for p in range(len(parents)) for c in range(len(children))]
        self.narrow += parents
        self.wide += children


def plant_trees(settings: TreeSettings) -> PlantedTrees:
    """Return two dictionaries over the same tokens, the same ones for the same settings.

    A third of the novel and the lost features lie near another feature's direction and fire elsewhere; a third fire
    where another one does, with a direction of their own; a third are near it and fire with it now and then: no
    sign alone tells them from children.
    """
    draws = generator(settings.seed, "trees")
    ladder = _Ladder()
    for kind, n in (("matched", settings.n_matched), ("split", settings.n_split), ("absorbed", settings.n_absorbed)):
        for _ in range(n):
            whole = _Feature(kind, _direction(draws, settings), _tokens(draws, settings))
            ladder.add([whole], list(_children(whole, draws, settings)))
    real = (len(ladder.narrow), len(ladder.wide))
    for number in range(settings.n_novel):
        model = ladder.narrow[int(draws.integers(real[0]))]
        ladder.add([], [_decoy("novel", model, number, draws, settings)])
    for number in range(settings.n_lost):
        model = ladder.wide[int(draws.integers(real[1]))]
        ladder.add([_decoy("lost", model, number, draws, settings)], [])
    return _shuffled(ladder, draws, settings)


def _children(whole: _Feature, draws: np.random.Generator, settings: TreeSettings) -> Iterator[_Feature]:
    if whole.kind == "matched":
        yield whole
    elif whole.kind == "split":
        n = int(draws.integers(PARTS[0], PARTS[1] + 1))
        cuts = np.cumsum(draws.dirichlet(np.full(n, 6.0)))[:-1] * len(whole.tokens)
        for part in np.split(draws.permutation(whole.tokens), cuts.astype(int)):
            yield _Feature("split", _beside(whole.direction, draws, settings), np.sort(part))
    else:
        shares = draws.uniform(*ABSORBED_SHARE, int(draws.integers(1, 3)))
        ends = [0, *(np.cumsum(shares) * len(whole.tokens)).astype(int).tolist()]
        order = draws.permutation(whole.tokens)
        yield _Feature("absorbed", whole.direction, np.sort(order[ends[-1] :]))
        for start, end in pairwise(ends):
            yield _Feature("absorbed", _beside(whole.direction, draws, settings), np.sort(order[start:end]))


def _decoy(kind: str, model: _Feature, number: int, draws: np.random.Generator, settings: TreeSettings) -> _Feature:
    """Return a feature that is like another in direction, in firing, or a little in both, by turns."""
    is_near, share = DECOYS[number % len(DECOYS)]
    direction = _beside(model.direction, draws, settings) if is_near else _direction(draws, settings)
    together = draws.choice(model.tokens, int(share * len(model.tokens)), replace=False)
    own = draws.choice(settings.n_tokens, len(model.tokens) - len(together), replace=False)
    return _Feature(kind, direction, np.union1d(together, own))


def _shuffled(ladder: _Ladder, draws: np.random.Generator, settings: TreeSettings) -> PlantedTrees:
    """Return the features in an order that says nothing."""
    narrow, wide = draws.permutation(len(ladder.narrow)), draws.permutation(len(ladder.wide))
    loud = np.exp(draws.normal(1.0, 0.3, settings.n_tokens))
    places = np.argsort(narrow), np.argsort(wide)
    return PlantedTrees(
        narrow=_planted([ladder.narrow[i] for i in narrow], loud, draws, settings),
        wide=_planted([ladder.wide[i] for i in wide], loud, draws, settings),
        edges=frozenset((int(places[0][p]), int(places[1][c])) for p, c in ladder.edges),
    )


def _planted(
    features: Sequence[_Feature], loud: NDArray[np.float64], draws: np.random.Generator, settings: TreeSettings
) -> Planted:
    """Return the features as a dictionary sees them; ``loud``: how strongly anything fires on each token."""
    seen = [_heard(feature.tokens, draws, settings) for feature in features]
    lengths = np.array([len(tokens) for tokens in seen])
    tokens, first = np.concatenate(seen), np.concatenate([[0], np.cumsum(lengths)])
    values = loud[tokens] * np.exp(draws.normal(0.0, settings.noise, len(tokens)))
    activations = csr_array((values, tokens, first), shape=(len(features), settings.n_tokens))
    turned = [_turned(feature.direction, settings.noise, draws) for feature in features]
    return Planted(np.stack(turned), activations, tuple(feature.kind for feature in features))


def _heard(tokens: Ints, draws: np.random.Generator, settings: TreeSettings) -> Ints:
    """Return the tokens on which the feature is seen to fire."""
    wrong = min(settings.noise, 0.5)
    kept = tokens[draws.random(len(tokens)) >= wrong]
    return np.union1d(kept, draws.integers(settings.n_tokens, size=round(wrong * len(tokens))))


def _tokens(draws: np.random.Generator, settings: TreeSettings) -> Ints:
    size = int(np.exp(draws.uniform(*np.log(TOKENS_A_CONCEPT))))
    return np.sort(draws.choice(settings.n_tokens, size, replace=False))


def _direction(draws: np.random.Generator, settings: TreeSettings) -> Vectors:
    return _unit(draws.standard_normal(settings.d_model))


def _beside(direction: Vectors, draws: np.random.Generator, settings: TreeSettings) -> Vectors:
    """Return a direction whose cosine with this one is drawn from ``SHARED``."""
    other = _direction(draws, settings)
    apart = _unit(other - (other @ direction) * direction)
    cosine = draws.uniform(*SHARED)
    return _unit(cosine * direction + np.sqrt(1 - cosine**2) * apart)


def _turned(direction: Vectors, noise: float, draws: np.random.Generator) -> Vectors:
    return _unit(direction + noise * _unit(draws.standard_normal(len(direction))))


def _unit(vector: NDArray[np.floating]) -> Vectors:
    return (vector / np.linalg.norm(vector)).astype(np.float32)
