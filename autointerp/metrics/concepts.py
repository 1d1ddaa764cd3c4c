"""Whether a feature is about a concept, by text alone: where it fires strongest, and where the concept stands."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from autointerp.core.draws import generator

TOP_FEATURES = 5
"""Features looked at where a prompt ends (Scaling Monosemanticity, §feature completeness)."""

N_TILES, MIN_TILES, ABOUT = 20, 5, 0.5
"""A feature is about a concept if at least half of the 20 tiles in which it fires strongest mention it; of a feature
that fires in fewer than five tiles nothing is said. Ours: the paper asked people, or a model, what labels mean."""

MIN_MENTIONS = 5
"""A concept written less often cannot stand in half of five tiles: it is too rare for this text, not missed."""

MIN_LETTERS = 5
WORD = re.compile(rf"(?<!\w)[^\W\d_]{{{MIN_LETTERS},}}(?!\w)")
"""What is drawn as a concept where none are named; shorter words are mostly those of grammar."""


def pattern_of(concept: str) -> re.Pattern[str]:
    """Return what finds a concept in a text: whole words in any case and with any blanks between, a plural s or none.

    Raises ValueError for a concept without a letter or number.
    """
    words = [re.escape(word) for word in concept.split()]
    if not any(char.isalnum() for char in concept):
        msg = f"{concept!r} has no letter and no number to look for"
        raise ValueError(msg)
    return re.compile(r"(?<!\w)" + r"\s+".join(words) + r"s?(?!\w)", re.IGNORECASE)


def tiles_with(
    texts: Iterable[Sequence[str]], concepts: Sequence[str], *, tile: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return in which tiles each concept is mentioned, [n_concepts, n_tiles], and how often in all, [n_concepts].

    Args:
        texts: Contexts as strings of tokens that joined are the text; tiles begin anew with each.
        concepts: What is looked for; see ``pattern_of``.
        tile: Tokens of a tile.
    """
    patterns = [pattern_of(concept) for concept in concepts]
    found: list[NDArray[np.bool_]] = []
    counts = np.zeros(len(concepts), np.int64)
    for tokens in texts:
        ends = np.cumsum([len(token) for token in tokens])
        text = "".join(tokens)
        here = np.zeros((len(concepts), -(-len(tokens) // tile)), np.bool_)
        for row, pattern in enumerate(patterns):
            for mention in pattern.finditer(text):
                counts[row] += 1
                first, last = np.searchsorted(ends, [mention.start(), mention.end() - 1], side="right") // tile
                here[row, first : last + 1] = True
        found.append(here)
    return np.concatenate(found, axis=1) if found else np.zeros((len(concepts), 0), np.bool_), counts


def strongest_tiles(activations: NDArray[np.float32], tiles: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the tiles in which a feature fires strongest, at most ``N_TILES``, ties by number.

    Args:
        activations: Of the tokens on which it fires, [n].
        tiles: Of each of them its tile, [n].
    """
    order = np.lexsort((tiles, -activations.astype(np.float64)))
    _, first = np.unique(tiles[order], return_index=True)
    return tiles[order][np.sort(first)][:N_TILES]


def share_about(strongest: NDArray[np.int64], mentioned: NDArray[np.bool_]) -> float | None:
    """Return the share of a feature's strongest tiles in which a concept is mentioned, None with too few of them.

    Args:
        strongest: Of ``strongest_tiles``.
        mentioned: Whether the concept is mentioned in each tile of the text, [n_tiles].
    """
    return float(mentioned[strongest].mean()) if len(strongest) >= MIN_TILES else None


def swapped_partners(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each concept one of about its frequency, which its own features should not be about; [n_concepts].

    Neighbours by frequency change places in pairs; an odd last one takes the one before. Needs two concepts at least.
    """
    order = np.argsort(counts, kind="stable")
    partner = np.empty(len(order), np.int64)
    for place, concept in enumerate(order):
        other = place ^ 1
        partner[concept] = order[other if other < len(order) else place - 1]
    return partner


def draw_words(texts: Iterable[Sequence[str]], *, n: int, seed: int) -> list[str]:
    """Return words of the text, as many of each doubling of frequency: a keyed draw, sorted.

    Only words of at least ``MIN_LETTERS`` letters that stand there at least ``MIN_MENTIONS`` times.
    """
    counts: Counter[str] = Counter()
    for tokens in texts:
        counts.update(word.lower() for word in WORD.findall("".join(tokens)))
    # A word is found with a plural s, too: drawn beside it, the plural would be the same concept again.
    single = (word for word in counts if not (word.endswith("s") and word[:-1] in counts))
    words = sorted(word for word in single if counts[word] >= MIN_MENTIONS)
    levels: dict[int, list[str]] = {}
    for word in words:
        levels.setdefault(counts[word].bit_length(), []).append(word)
    drawn: list[str] = []
    # Levels with few words leave their part to the others, so the smallest are asked first.
    for left, level in zip(range(len(levels), 0, -1), sorted(levels.values(), key=len), strict=True):
        share = min(len(level), (n - len(drawn)) // left)
        picks = generator(seed, "concepts", level[0]).choice(len(level), size=share, replace=False)
        drawn += [level[pick] for pick in picks]
    return sorted(drawn)
