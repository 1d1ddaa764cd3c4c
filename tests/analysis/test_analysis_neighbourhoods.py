"""Neighbours and the map keep together what points alike."""

import numpy as np
import pandas as pd

from autointerp.analysis.neighbourhoods import map_directions, nearest_features
from autointerp.core.draws import generator
from autointerp.metrics.nearest import Vectors

N_GROUPS, SIZE = 4, 10


def groups() -> Vectors:
    """Return four groups of ten directions, one after the other."""
    draws = generator(0, "groups")
    centres = np.eye(N_GROUPS, 12)
    rows = np.repeat(centres, SIZE, axis=0) + 0.05 * draws.standard_normal((N_GROUPS * SIZE, 12))
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def test_neighbours_are_of_the_same_group() -> None:
    """Each feature's nearest are of its group, itself not among them, the nearest first."""
    found = nearest_features(groups(), k=3)
    assert (found["feature"] // SIZE == found["neighbour"] // SIZE).all()
    assert (found["feature"] != found["neighbour"]).all()
    assert (found.groupby("feature").size() == 3).all()
    assert found.groupby("feature")["cosine"].apply(lambda c: c.is_monotonic_decreasing).all()


def test_map_keeps_groups_together() -> None:
    """On the map, too, the nearest place of each feature is one of its group; and it is the same map twice."""
    places = map_directions(groups())
    xy = places[["x", "y"]].to_numpy()
    distances = np.linalg.norm(xy[:, None] - xy[None], axis=2) + np.diag(np.full(len(xy), np.inf))
    nearest = distances.argmin(axis=1)
    assert (nearest // SIZE == np.arange(len(xy)) // SIZE).all()
    pd.testing.assert_frame_equal(places, map_directions(groups()))


def test_few_features_have_no_map() -> None:
    """One, two or three features stand at one place, and no neighbour is invented."""
    few = groups()[:1]
    assert map_directions(few)[["x", "y"]].to_numpy().tolist() == [[0.0, 0.0]]
    assert nearest_features(few, k=3).empty
