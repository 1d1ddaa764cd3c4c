"""The pool's activations as sparse matrices, one a dictionary: what correlations between features are read from."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from autointerp.core.errors import ConfigError
from autointerp.pipeline.samples import bucket_name
from autointerp.pipeline.sketching import buckets
from autointerp.store.parts import read_arrow_part, read_table


@dataclass(frozen=True)
class PoolTokens:
    """The pool's tokens one after the other, contexts in the order of their numbers.

    ``first``: where each context begins; ``n_kept``: tokens but for those of massive norm, on which nothing is said.
    """

    contexts: NDArray[np.int64]
    first: NDArray[np.int64]
    n: int
    n_kept: int


def pool_tokens(harvest: Path) -> PoolTokens:
    """Return the tokens of a finished harvest's pool. Raises ConfigError when there is none."""
    if not (harvest / "manifest.json").exists():
        msg = f"{harvest}: the text is not harvested yet; run `autointerp harvest` with this configuration"
        raise ConfigError(msg)
    rows: pd.DataFrame = read_table(harvest, "pool", columns=["context", "kept"]).sort_values("context")
    edges = np.concatenate([[0], np.cumsum(rows["kept"].map(len).to_numpy(np.int64))])
    n_kept = int(sum(np.sum(kept) for kept in rows["kept"]))
    return PoolTokens(rows["context"].to_numpy(np.int64), edges[:-1], int(edges[-1]), n_kept)


def pool_activations(harvest: Path, dictionary: str, width: int, tokens: PoolTokens) -> csr_array:
    """Return a dictionary's activations on the pool, float32 [width, n of the tokens]; 12 bytes a firing."""
    columns = ["feature", "context", "position", "activation"]
    parts = [
        read_arrow_part(harvest, "pool_activations", bucket_name(dictionary, first), columns=columns)
        for first, _ in buckets(width)
    ]
    feature, context, position, activation = (
        np.concatenate([part[name].combine_chunks().to_numpy() for part in parts]) for name in columns
    )
    token = tokens.first[np.searchsorted(tokens.contexts, context)] + position
    edges = np.searchsorted(feature, np.arange(width + 1))  # they are stored sorted by feature
    return csr_array((activation, token, edges), shape=(width, tokens.n))
