"""Which features point alike within one dictionary: nearest directions, and a map of them in two dimensions."""

import numpy as np
import pandas as pd

from autointerp.core.draws import draw_key
from autointerp.metrics.nearest import Floats, Vectors, nearest_cosines

N_COMPONENTS = 50
PERPLEXITY = 30.0
"""van der Maaten and Hinton 2008 advise 5 to 50 neighbours; scikit-learn's default."""

MIN_FOR_MAP = 4


def nearest_features(directions: Vectors, *, k: int) -> pd.DataFrame:
    """Return the *k* nearest features of each, columns feature, neighbour, cosine, the nearest first; itself left out.

    Args:
        directions: Unit vectors, [n_features, d].
        k: Neighbours a feature, fewer where there are not so many.
    """
    found = nearest_cosines(directions, directions, k=k + 1)
    frame = pd.DataFrame({"feature": found.row, "neighbour": found.column, "cosine": found.value})
    others = frame[frame["feature"] != frame["neighbour"]]
    return others.groupby("feature").head(k).reset_index(drop=True)


def map_directions(directions: Vectors, *, seed: int = 0) -> pd.DataFrame:
    """Return a place in the plane for each feature, columns feature, x, y: t-SNE of the first principal components.

    Near places mean near directions; distances between far groups, sizes of groups and the axes mean nothing. The
    same directions and seed give the same map on one machine. With fewer than four features all stand at 0. Time
    grows with n log n, some minutes for 20,000: give a sample or a neighbourhood of a wide dictionary.

    Args:
        directions: Unit vectors, [n_features, d].
        seed: Seed of the run.
    """
    n, d = directions.shape
    places = np.zeros((n, 2))
    if n >= MIN_FOR_MAP:
        places = _embedded(directions.astype(np.float64), min(N_COMPONENTS, n, d), draw_key(seed, "map") % 2**32)
    return pd.DataFrame({"feature": np.arange(n), "x": places[:, 0], "y": places[:, 1]})


def _embedded(directions: Floats, n_components: int, seed: int) -> Floats:
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    reduced = PCA(n_components, svd_solver="full").fit_transform(directions)
    perplexity = min(PERPLEXITY, (len(directions) - 1) / 3)
    places: Floats = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(reduced)
    return places
