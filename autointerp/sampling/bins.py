"""Quarter octaves of activation, and which of them are one stratum."""

import numpy as np
from numpy.typing import NDArray

BINS_PER_OCTAVE = 4
FIRST_BIN = -60
N_BINS = 128
N_BUCKETS = 10

_EDGES = np.float32(2.0) ** (np.arange(FIRST_BIN, FIRST_BIN + N_BINS + 1, dtype=np.float32) / BINS_PER_OCTAVE)
"""Of the bins. Values are compared with them: logarithms differ by a rounding from processor to processor."""


def octave_bins(values: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the quarter octave of each positive value, 0 .. N_BINS - 1."""
    return np.searchsorted(_EDGES[1:-1], np.asarray(values, np.float32), side="right")


def lowest_strata(peaks: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the last bin that lies below a tenth of each feature's peak: it and all below are one stratum.

    Evidence draws from tenths of the peak, and a peak only grows as texts are added: what is one stratum stays one.
    """
    tenths = np.asarray(peaks, np.float32) / np.float32(N_BUCKETS)
    return (np.searchsorted(_EDGES[1:], tenths, side="right") - 1).clip(0, N_BINS - 1)
