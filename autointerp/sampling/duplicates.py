"""Near-duplicates: documents that say nearly the same in other spacing, with another header, a few words changed."""

import re
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from autointerp.core.draws import draw_keys

SHINGLE_WORDS = 5
SKETCH = 128
"""Hashes kept of a document: resemblances near 0.8 are known to about 0.035 (one standard error)."""

WITHOUT_SPACES = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uf900-\ufaff\U00020000-\U0003ffff])"
)
"""Thai, Lao, Burmese, Khmer, Chinese and Japanese put no spaces between words: there a character is a word."""

BASE = np.uint64(0x9E3779B97F4A7C15)
"""Of the polynomial over a shingle's words, modulo 2**64; odd, so that no word's hash is lost."""

Sketch = NDArray[np.uint64]


def words_of(text: str) -> list[bytes]:
    r"""Return the words of a text: what stands between spaces, without case.

    >>> words_of("The\n river 東京")
    [b'the', b'river', b'\xe6\x9d\xb1', b'\xe4\xba\xac']
    """
    spaced = text if text.isascii() else WITHOUT_SPACES.sub(r" \1 ", text)
    return spaced.casefold().encode("utf-8", "surrogatepass").split()


def sketch(text: str) -> Sketch:
    """Return the smallest hashes of the text's word 5-grams: distinct, ascending, at most 128.

    The sketch of Broder 1997 (On the resemblance and containment of documents), later called bottom-k
    (Cohen and Kaplan 2007): a MinHash that hashes once, and keeps short texts whole. A text of fewer
    than five words is one shingle; a text without words has none.
    """
    words = words_of(text)
    hashes = np.fromiter(map(crc32, words), np.uint64, len(words))
    n = max(min(1, len(words)), len(words) - SHINGLE_WORDS + 1)
    shingles = np.zeros(n, np.uint64)
    for place in range(min(SHINGLE_WORDS, len(words))):
        shingles = shingles * BASE + hashes[place : place + n]
    return np.unique(draw_keys(0, shingles))[:SKETCH]


def resemblance(first: Sketch, second: Sketch) -> float:
    """Return the estimated Jaccard similarity of two documents' shingles, 0..1; of two without words it is 0.

    Broder 1997: of the smallest hashes of the union, the share that both have. Exact where the union
    has no more than 128.
    """
    union = np.union1d(first, second)[:SKETCH]
    both = np.intersect1d(first, second, assume_unique=True)
    return float(np.isin(union, both, assume_unique=True).mean()) if len(union) else 0.0


def near_groups(sketches: Sequence[Sketch], *, threshold: float) -> list[int]:
    """Return for each document the number of the first one of its group: its own where it resembles none.

    A group is what a chain of resemblances of at least *threshold* holds together: which documents it
    has does not depend on their order.
    """
    leads = np.arange(len(sketches))
    for number, alike in _alike(sketches, threshold):
        # Whoever is in the group already is not asked about: of a thousand copies each joins by one look.
        while len(alike := alike[_firsts(leads, alike) != _firsts(leads, number)]):
            other, alike = int(alike[0]), alike[1:]
            if resemblance(sketches[number], sketches[other]) >= threshold:
                ends = _firsts(leads, np.array([number, other]))
                leads[ends.max()] = ends.min()
    return [int(first) for first in _firsts(leads, leads)]


def _firsts(leads: NDArray[np.int64], numbers: Any) -> NDArray[np.int64]:
    """Return the first document of each one's group, every document leading to an earlier one of it, or itself."""
    while (leads[numbers] != numbers).any():
        numbers = leads[numbers]
    return np.asarray(numbers)


def _alike(sketches: Sequence[Sketch], threshold: float) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield each document with the earlier ones that share enough hashes to resemble it; none is missed.

    Two that resemble each other share a hash among the few rarest of each (prefix filtering: Chaudhuri,
    Ganti and Kaushik 2006). What many documents have, a licence or a menu, is not among these, so that
    boilerplate does not make a pair of every two.
    """
    hashes = _rarest_first(sketches)
    having: defaultdict[int, array[int]] = defaultdict(partial(array, "q"))
    is_own, is_alike = np.zeros(hashes.n + 1, np.bool_), np.zeros(len(sketches), np.bool_)
    for number, size in enumerate(hashes.sizes.tolist()):
        own = hashes.ranks[number, :size]
        rarest = [rank for rank in own[: size - _fewest(threshold, size) + 1].tolist() if rank >= hashes.n_lonely]
        for rank in rarest:
            is_alike[np.frombuffer(having[rank], np.int64)] = True
            having[rank].append(number)
        earlier = np.flatnonzero(is_alike)
        is_alike[earlier] = False
        is_own[own] = True
        n_shared = is_own[hashes.ranks[earlier]].sum(axis=1)
        is_own[own] = False
        yield number, earlier[n_shared >= _fewest(threshold, np.maximum(hashes.sizes[earlier], size))]


def _fewest(threshold: float, n: Any) -> Any:
    """Return how many hashes a sketch of *n* shares at least with one it resembles."""
    return np.ceil(threshold * n - 1e-9).astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Sketches as ranks of their hashes, the rarest first; ``ranks`` is padded with ``n``.

    The first ``n_lonely`` ranks are those of one document alone. Shapes: sizes [n_documents], ranks
    [n_documents, SKETCH].
    """

    n: int
    n_lonely: int
    sizes: NDArray[np.int64]
    ranks: NDArray[np.int32]


def _rarest_first(sketches: Sequence[Sketch]) -> _Ranked:
    sizes = np.array([len(own) for own in sketches], np.int64)
    hashes = np.concatenate([np.zeros(0, np.uint64), *sketches])
    every, where, times = np.unique(hashes, return_inverse=True, return_counts=True)
    rank_of = np.empty(len(every), np.int64)
    rank_of[np.argsort(times, kind="stable")] = np.arange(len(every))
    ranks = np.full((len(sketches), SKETCH), len(every), np.int32)
    ranks[np.arange(SKETCH) < sizes[:, None]] = rank_of[where]
    return _Ranked(len(every), int((times == 1).sum()), sizes, np.sort(ranks, axis=1))
