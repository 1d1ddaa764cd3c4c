"""How purely features stand for clusters that are known: what is left open of the cluster once the feature is known."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def cluster_entropy(feature: ArrayLike, cluster: ArrayLike) -> float | None:
    """Return H(cluster | feature) in bits, >= 0; None without points.

    0: no feature holds points of two clusters. Of n clusters of equal size, features that know nothing
    leave log2(n), and features of w different values leave log2(n / w) at least: H(C|F) >= H(C) - H(F)
    and H(F) <= log2(w) (Cover and Thomas 2006, chapter 2). Shares of the points stand for probabilities,
    which is too low where a feature has few points: one alone is always pure.

    Args:
        feature: Of each point, shape [N], any integers; points on which none fires have a value of
            their own, and it counts as one more.
        cluster: Of each point, shape [N].
    """
    counts = _joint_counts(feature, cluster)
    if not counts.size:
        return None
    total = counts.sum()
    shares = counts / counts.sum(axis=1, keepdims=True)
    bits = -(shares * np.log2(np.where(shares > 0, shares, 1.0))).sum(axis=1)
    return float(counts.sum(axis=1) @ bits / total)


def n_found(feature: ArrayLike, cluster: ArrayLike) -> int:
    """Return how many clusters have a feature of their own: one of whose points they are more than half."""
    counts = _joint_counts(feature, cluster)
    features, clusters = np.nonzero(2 * counts > counts.sum(axis=1, keepdims=True))
    return len(set(clusters.tolist())) if features.size else 0


def _joint_counts(feature: ArrayLike, cluster: ArrayLike) -> NDArray[np.int64]:
    """Return points by feature and cluster, [n_features, n_clusters], of those that occur."""
    features, rows = np.unique(np.asarray(feature), return_inverse=True)
    clusters, columns = np.unique(np.asarray(cluster), return_inverse=True)
    counts = np.zeros((len(features), len(clusters)), np.int64)
    np.add.at(counts, (rows, columns), 1)
    return counts
