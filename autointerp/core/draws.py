"""Keyed draws: the same choice in any order, on any machine, from any shard."""

import hashlib
from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

# Copied for every key: setting BLAKE2b up with its digest size costs as much as hashing a short text.
_EMPTY = hashlib.blake2b(digest_size=16)


def content_key(*parts: object, length: int = 16) -> str:
    """Return a hexadecimal key of *length* digits that depends on every part and their order.

    Parts are written with ``repr``, so they must be plain values (str, int, float, bool, None,
    tuples of these); BLAKE2b, 16 bytes.
    """
    text = "\x1f".join(map(repr, parts))
    hashed = _EMPTY.copy()
    hashed.update(text.encode())
    return hashed.hexdigest()[:length]


def draw_key(seed: int, *parts: object) -> int:
    """Return a uniform 64-bit integer decided by the seed and the parts alone."""
    return int(content_key(seed, *parts), 16)


def uniform(seed: int, *parts: object) -> float:
    """Return a number in [0, 1) decided by the seed and the parts alone."""
    return (draw_key(seed, *parts) >> 11) / 2**53


def draw(items: Iterable[T], k: int, *, seed: int, key: Callable[[T], object] = lambda item: item) -> list[T]:
    """Return *k* of the items (all, if there are fewer), the same ones in whatever order they come."""
    return sorted(items, key=lambda item: draw_key(seed, key(item)))[:k]


def generator(seed: int, *parts: object) -> np.random.Generator:
    """Return a NumPy generator for resampling, decided by the seed and the parts alone."""
    return np.random.default_rng(draw_key(seed, *parts))


def draw_keys(base: int | NDArray[np.uint64], keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return one uniform 64-bit key for each of *keys*, shape [n], decided by it and *base* (one, or one each).

    The finaliser of SplitMix64 (Steele, Lea and Flood 2014) over ``base ^ key``: the vector form of
    ``draw_key`` for frames of millions of tiles, whose own keys come from ``draw_key``.
    """
    with np.errstate(over="ignore"):
        mixed = (keys ^ np.asarray(base, np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))
