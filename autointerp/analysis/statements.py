"""One sentence of a verdict with its tone, and the small words sentences are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Tone = Literal["warning", "plain", "good"]

MIN_FOR_CLAIM = 6
"""Fewest pairs for a claim: six differences of one sign have p = 0.03 (two-sided sign test), five 0.06."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence or two; ``warning`` limits what may be concluded, ``good`` is a claim that held."""

    tone: Tone
    text: str


def between(ends: Sequence[str]) -> str:
    """Return ``0.04 to 0.16``, or the one figure where both ends print the same."""
    return ends[0] if ends[0] == ends[-1] else f"{ends[0]} to {ends[-1]}"


def plural(n: int, one: str, many: str) -> str:
    """Return the count with the word that goes with it."""
    return f"{n} {one if n == 1 else many}"


def capital(text: str) -> str:
    """Return the text with its first letter large, the rest as it is."""
    return text[:1].upper() + text[1:]
