"""The harvested text as evidence needs it: counts of all of it, and the pool of contexts known whole."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autointerp.core.draws import draw_key
from autointerp.core.types import SIDES
from autointerp.sampling.sketches import TILES_A_CONTEXT, tile_keys
from autointerp.store.parts import read_table
from autointerp.subject.contexts import TILE_TOKENS


def context_key(seed: int, doc: str, start: int) -> int:
    """Return a context's own draw key: of its document and place alone, so that shards do not matter."""
    return draw_key(seed, "context", doc, start)


@dataclass(frozen=True)
class Totals:
    """Counts over all of the text. ``seen``: of each token id on the shown side; ``n_whole``: tiles by side, [3]."""

    n_kept: int
    n_shown_tokens: int
    n_whole: NDArray[np.int64]
    seen: Mapping[int, int]


@dataclass(frozen=True)
class Text:
    """The pool: contexts in which the activations of every feature are kept, and the tiles they are cut into.

    A tile's number is its context's * 4 + its place there, whatever the shards; arrays of tiles are in the
    order of their numbers, shape [n_tiles].
    """

    contexts: pd.DataFrame
    totals: Totals
    seed: int

    @cached_property
    def tiles(self) -> NDArray[np.int64]:
        """The tiles' numbers."""
        lengths = self.contexts["token_ids"].map(len).to_numpy(np.int64) // TILE_TOKENS
        first = np.repeat(self.contexts["context"].to_numpy(np.int64) * TILES_A_CONTEXT, lengths)
        return first + self.place_of_tile

    @cached_property
    def place_of_tile(self) -> NDArray[np.int64]:
        lengths = self.contexts["token_ids"].map(len).to_numpy(np.int64) // TILE_TOKENS
        return np.concatenate([np.arange(n) for n in lengths]) if len(lengths) else np.zeros(0, np.int64)

    @cached_property
    def row_of_tile(self) -> NDArray[np.int64]:
        """The row of the tile's context in ``contexts``."""
        numbers = self.contexts["context"].to_numpy(np.int64)
        return np.searchsorted(numbers, self.tiles // TILES_A_CONTEXT)

    @property
    def n_tiles(self) -> int:
        return len(self.tiles)

    @cached_property
    def is_whole(self) -> NDArray[np.bool_]:
        """Whether every token of the tile was kept; in others silence cannot be verified."""
        kept = [np.asarray(row, bool).reshape(-1, TILE_TOKENS).all(axis=1) for row in self.contexts["kept"]]
        return np.concatenate(kept) if kept else np.zeros(0, np.bool_)

    @cached_property
    def side_of_tile(self) -> NDArray[np.int64]:
        """Index into SIDES."""
        codes = pd.Categorical(self.contexts["side"], categories=list(SIDES)).codes.astype(np.int64)
        return codes[self.row_of_tile]

    @cached_property
    def tile_ids(self) -> NDArray[np.int32]:
        """The tokens of each tile, [n_tiles, TILE_TOKENS]."""
        rows = [np.asarray(ids, np.int32).reshape(-1, TILE_TOKENS) for ids in self.contexts["token_ids"]]
        return np.concatenate(rows) if rows else np.zeros((0, TILE_TOKENS), np.int32)

    @cached_property
    def tile_keys(self) -> NDArray[np.uint64]:
        keys = [context_key(self.seed, d, int(s)) for d, s in zip(self._docs, self._starts, strict=True)]
        return tile_keys(np.array(keys, np.uint64)[self.row_of_tile], self.place_of_tile)

    def place(self, index: int) -> tuple[str, int]:
        """Return (document, start in tokens) of the tile at this place of the arrays."""
        row = int(self.row_of_tile[index])
        return str(self._docs[row]), int(self._starts[row]) + int(self.place_of_tile[index]) * TILE_TOKENS

    def ids(self, index: int) -> list[int]:
        """Return the token ids of the tile at this place of the arrays."""
        return [int(i) for i in self.tile_ids[index]]

    @cached_property
    def _docs(self) -> list[str]:
        return self.contexts["doc"].tolist()

    @cached_property
    def _starts(self) -> list[int]:
        return self.contexts["start"].tolist()

    def values(self, rows: pd.DataFrame) -> NDArray[np.float32]:
        """Return one feature's activations, [n_tiles, TILE_TOKENS], from its rows (context, position, activation)."""
        found = np.zeros((self.n_tiles, TILE_TOKENS), np.float32)
        position = rows["position"].to_numpy(np.int64)
        tile = rows["context"].to_numpy(np.int64) * TILES_A_CONTEXT + position // TILE_TOKENS
        found[np.searchsorted(self.tiles, tile), position % TILE_TOKENS] = rows["activation"].to_numpy()
        return found


def read_text(harvest: Path, *, seed: int) -> Text:
    """Return the pool and the counts of a finished harvest."""
    contexts = read_table(harvest, "pool").sort_values("context", ignore_index=True)
    return Text(contexts, totals_of(read_table(harvest, "texts").itertuples(index=False)), seed)


def totals_of(rows: Iterable[tuple[str, int, int]]) -> Totals:
    """Return the counts of ``texts`` rows (kind, number, count)."""
    found: dict[str, dict[int, int]] = {"token": {}, "kept": {}, "kept_shown": {}, "whole": {}}
    for kind, number, count in rows:
        found[str(kind)][int(number)] = int(count)
    whole = np.array([found["whole"].get(side, 0) for side in range(len(SIDES))], np.int64)
    return Totals(found["kept"].get(0, 0), found["kept_shown"].get(0, 0), whole, found["token"])
