"""Which directions a baseline has: axes, components of the vectors, random ones, probes."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autointerp.core.draws import draw, draw_key, generator
from autointerp.core.errors import ConfigError, CorpusError
from autointerp.subject.baselines import Directions

Floats = NDArray[np.float32]
Find = Callable[[Tensor, int, int], Directions]
"""Called with centred vectors [n, d], how many directions, and a seed."""

ICA_VECTORS = 20_000
"""Vectors that independent components are found on, at most: every step multiplies all of them."""

ICA_STEPS = 200

LOGISTIC_C = 0.1
"""scikit-learn's C of a logistic probe over standardised means: there are fewer documents than dimensions."""


def basis(vectors: Tensor, n: int, seed: int) -> Directions:
    """Return *n* axes of the vectors' own space: all of them, or a keyed draw."""
    d = vectors.shape[1]
    axes = torch.tensor(sorted(draw(range(d), n, seed=seed, key=lambda axis: ("axis", axis))))
    return Directions(torch.eye(d)[axes], torch.ones(len(axes)), axes=axes)


def principal(vectors: Tensor, n: int, seed: int) -> Directions:  # noqa: ARG001 (nothing is drawn)
    """Return the *n* directions of most variance, largest first (PCA by the covariance's eigenvectors)."""
    from sklearn.decomposition import PCA

    _need(len(vectors), n, "principal components")
    found = PCA(n, svd_solver="covariance_eigh").fit(vectors.numpy())
    return _reads_as_written(found.components_)


def independent(vectors: Tensor, n: int, seed: int) -> Directions:
    """Return *n* independent components (FastICA, Hyvarinen and Oja 2000): read by unmixing, written by mixing.

    At most ``ICA_VECTORS`` vectors and ``ICA_STEPS`` steps; components that have not settled by then are used
    as they stand. A keyed start: components come in no order, and another start gives others.
    """
    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning

    _need(len(vectors), n, "independent components")
    few = vectors[generator(seed, "ica").permutation(len(vectors))[:ICA_VECTORS]].numpy()
    start = draw_key(seed, "ica", n) % 2**32
    model = FastICA(n, whiten="unit-variance", max_iter=ICA_STEPS, tol=1e-3, random_state=start)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found: Any = model.fit(few)
    written = torch.from_numpy(np.ascontiguousarray(found.mixing_.T, np.float32))
    lengths = written.norm(dim=1)
    read = torch.from_numpy(np.ascontiguousarray(found.components_, np.float32))
    return Directions(written / lengths[:, None], lengths, read=read)


def random(vectors: Tensor, n: int, seed: int) -> Directions:
    """Return *n* directions drawn uniformly from the sphere, by seed and size alone."""
    d = vectors.shape[1]
    return _reads_as_written(generator(seed, "random directions", d).standard_normal((n, d)))


FOUND: dict[str, Find] = {"residual-basis": basis, "pca": principal, "ica": independent, "random": random}


def probes(positive: Tensor, negative: Tensor) -> Directions:
    """Return two directions from texts with a label, by their tokens' mean vectors [n_texts, d].

    First the difference of the two means (as Scaling Monosemanticity compares few-shot probes), then the weights of a
    logistic regression over standardised components. Raises ConfigError when a side has no text.
    """
    from sklearn.linear_model import LogisticRegression

    if not len(positive) or not len(negative):
        msg = f"probe: {len(positive)} positive and {len(negative)} negative texts with a whole tile; name longer ones"
        raise ConfigError(msg)
    means = torch.cat([positive, negative]).double().numpy()
    truth = np.repeat([1, 0], [len(positive), len(negative)])
    # A component that never moves says nothing; dividing by its 0 would make the direction of it alone.
    spread = np.maximum(means.std(axis=0), 1e-6 * max(float(means.std()), 1e-12))
    weights = LogisticRegression(C=LOGISTIC_C, max_iter=1000).fit((means - means.mean(axis=0)) / spread, truth).coef_[0]
    difference = (positive.double().mean(dim=0) - negative.double().mean(dim=0)).numpy()
    return _reads_as_written(np.stack([difference, weights / spread]))


def neurons(written: Tensor, n: int, seed: int) -> Directions:
    """Return *n* neurons (all, or a keyed draw), written as the down projection's rows [d_mlp, d_model] say."""
    axes = torch.tensor(sorted(draw(range(len(written)), n, seed=seed, key=lambda axis: ("axis", axis))))
    chosen = written[axes].float().cpu()
    lengths = chosen.norm(dim=1)
    return Directions(chosen / lengths.clamp_min(1e-12)[:, None], lengths, axes=axes)


def _reads_as_written(rows: NDArray[Any]) -> Directions:
    """Return directions that are read by the same unit rows they are written by."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = torch.from_numpy(np.ascontiguousarray(rows / np.maximum(length, 1e-12), np.float32))
    return Directions(unit, torch.ones(len(unit)), read=unit.clone())


def _need(n_vectors: int, n: int, what: str) -> None:
    if n_vectors <= n:
        msg = f"{n} {what} need more than {n_vectors} tokens of text; lower `n_directions` or name more text"
        raise CorpusError(msg)
