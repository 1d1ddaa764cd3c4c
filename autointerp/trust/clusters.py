"""A toy with known truth: points of a plane in clusters, as a dictionary would see them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autointerp.core.draws import generator
from autointerp.core.types import FloatArray

N_ANCHORS = 100
REACH = 0.3


@dataclass(frozen=True, slots=True)
class ClusteredPoints:
    """Points [N, 2] with the cluster of each, shape [N]; every cluster has equally many."""

    points: FloatArray
    cluster: NDArray[np.int64]


def clustered_points(n_clusters: int, n_per_cluster: int, *, spread: float, seed: int) -> ClusteredPoints:
    """Return points around centres on a square grid of cells of side 1, one centre in a cell, in a keyed order.

    ``spread``: standard deviation around the centre; up to 0.1 no two clusters touch.
    """
    side = int(np.ceil(np.sqrt(n_clusters)))
    draws = generator(seed, "clusters", n_clusters)
    cells = draws.permutation(side * side)[:n_clusters]
    centres = np.stack([cells % side, cells // side], axis=1) + 0.5
    cluster = draws.permutation(np.repeat(np.arange(n_clusters), n_per_cluster))
    return ClusteredPoints(centres[cluster] + draws.normal(0.0, spread, (len(cluster), 2)), cluster)


def anchor_nearness(points: FloatArray, *, n_anchors: int = N_ANCHORS, seed: int) -> FloatArray:
    """Return exp(-d^2 / 2r^2) of points' distances d to anchors spread evenly, in (0, 1], [N, n_anchors]; r = 0.3.

    The bare distances would change almost evenly from place to place: two clusters on one line from the
    mean then share a direction, and one feature reconstructs both. Nearness falls off within a cell,
    and every cluster gets a direction of its own.

    Args:
        points: Shape [N, 2].
        n_anchors: Drawn over the rectangle that the points span.
        seed: Of the anchors.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    anchors = generator(seed, "anchors", n_anchors).uniform(low, high, (n_anchors, 2))
    squares = ((points[:, None] - anchors[None]) ** 2).sum(axis=2)
    nearness: FloatArray = np.exp(-squares / (2 * REACH**2))
    return nearness
