"""Silent tiles that are hard to tell from firing ones: same token, near in words, and those of other features."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from autointerp.core.draws import draw
from autointerp.core.types import FeatureId
from autointerp.pipeline.sections import EvidenceSection
from autointerp.pipeline.text import Text
from autointerp.sampling.strata import Pool
from autointerp.subject.dictionaries import Dictionary
from autointerp.subject.model import Subject

N_SIBLINGS = 5
"""Features of the nearest directions that are named with a feature."""

NEAR_TIMES = 10
"""Near tiles are drawn from the nearest silent ones, so many times as many: the very nearest would be copies."""

N_NUMBERS = 64
"""Of a tile's vector. A random projection keeps cosines to about 1 / sqrt(64); 80 MB for ten million tokens."""

Tiles = NDArray[np.int64]
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Quotas:
    """How many tiles one side gives of each hard kind; ``rival`` of each other feature."""

    same_token: int = 0
    near: int = 0
    rival: int = 0


@dataclass(frozen=True)
class Hard:
    """What pools are made of: tiles' vectors (None where none are near), rivals' firing tiles by stratum."""

    by_side: Mapping[str, Quotas]
    vectors: Vectors | None = None
    rivals: Mapping[str, Tiles] = field(default_factory=dict)


def hard_quotas(section: EvidenceSection) -> dict[str, Quotas]:
    """Return each side's quotas; the select side has none."""
    return {
        "shown": Quotas(section.shown_same_token, section.shown_near, section.shown_rival),
        "select": Quotas(),
        "held_out": Quotas(section.held_out_same_token, section.held_out_near, section.held_out_rival),
    }


def pools(text: Text, hard: Hard, side: str, *, firing: Tiles, silent: Tiles, token: int | None) -> Iterator[Pool]:
    """Yield the pools of one side.

    Args:
        text: The pool of the harvested text; tiles are given by their place in its arrays.
        hard: What pools are made of.
        side: Whose quotas count.
        firing: Tiles of the shown side on which the feature fires; nearness is to these alone, so that
            nothing is learnt of the side that is tested.
        silent: This side's whole tiles on which it is silent, in order.
        token: Id of the token on which it fires most, None where there is none.
    """
    quota = hard.by_side[side]
    if quota.same_token and token is not None:
        holds = (text.tile_ids[silent] == token).any(axis=1)
        yield Pool("silent:same_token", silent[holds], quota.same_token)
    if quota.near and hard.vectors is not None and len(firing):
        centre = hard.vectors[firing].mean(axis=0)
        order = np.argsort(-(hard.vectors[silent] @ centre), kind="stable")
        yield Pool("silent:near", np.sort(silent[order[: NEAR_TIMES * quota.near]]), quota.near)
    for stratum, tiles in hard.rivals.items() if quota.rival else ():
        yield Pool(stratum, np.intersect1d(tiles, silent), quota.rival)


def tile_vectors(subject: Subject, text: Text, *, seed: int) -> Vectors:
    """Return unit vectors, [n_tiles, N_NUMBERS]: the tile's input embeddings, rare tokens weighing more."""
    ids, counts = np.unique(text.tile_ids, return_counts=True)
    rarity = np.log(counts.sum() / counts).astype(np.float32)
    embedded = subject.projected_embedding(ids.tolist(), n=N_NUMBERS, seed=seed) * rarity[:, None]
    found = np.zeros((text.n_tiles, N_NUMBERS), np.float32)
    for column in range(text.tile_ids.shape[1]):
        found += embedded[np.searchsorted(ids, text.tile_ids[:, column])]
    unit: Vectors = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12).astype(np.float32)
    return unit


def nearest_directions(dictionary: Dictionary, features: Sequence[int], among: Sequence[int]) -> dict[int, list[int]]:
    """Return for each feature the N_SIBLINGS of *among* with the largest cosine of directions; itself left out.

    None for a dictionary without decoder: it has no directions.
    """
    if not dictionary.has_decoder or not among:
        return {feature: [] for feature in features}
    directions = dictionary.directions[list(among)]
    found = {}
    for feature in features:
        cosines = directions @ dictionary.directions[feature]
        order = cosines.argsort(descending=True, stable=True)[: N_SIBLINGS + 1].tolist()
        found[feature] = [among[place] for place in order if among[place] != feature][:N_SIBLINGS]
    return found


def choose_rivals(
    feature: FeatureId, siblings: Sequence[int], eligible: Sequence[int], *, section: EvidenceSection, seed: int
) -> dict[str, int]:
    """Return the other features whose windows this one is set against, by stratum."""
    near = list(siblings[: section.n_siblings])
    rest = [other for other in eligible if other != feature.index and other not in siblings]
    others = draw(rest, section.n_others, seed=seed, key=lambda other: ("rival", str(feature), other))
    kinds = {"sibling": near, "other": others}
    return {f"silent:{kind}:{feature.dictionary}#{i}": i for kind, found in kinds.items() for i in found}


def firing_tiles(values: NDArray[np.float32]) -> Tiles:
    """Return the places of the pool's tiles in which a feature fires; *values* [n_tiles, 32]."""
    return np.flatnonzero(values.max(axis=1) > 0)
