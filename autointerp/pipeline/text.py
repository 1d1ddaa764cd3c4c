"""The harvested text as arrays: contexts, their tiles, and where each tile stands."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autointerp.core.draws import draw_key
from autointerp.core.types import SIDES
from autointerp.store.parts import read_table
from autointerp.subject.contexts import TILE_TOKENS


@dataclass(frozen=True)
class Text:
    """The harvested text as arrays: contexts, and the tiles they are cut into."""

    contexts: pd.DataFrame
    seed: int

    @cached_property
    def first_tile(self) -> NDArray[np.int64]:
        """The number of each context's first tile, shape [n_contexts + 1]."""
        counts = self.contexts["token_ids"].map(len).to_numpy() // TILE_TOKENS
        return np.concatenate([[0], np.cumsum(counts)])

    @property
    def n_tiles(self) -> int:
        return int(self.first_tile[-1])

    @cached_property
    def context_of_tile(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(len(self.contexts)), np.diff(self.first_tile))

    @cached_property
    def is_whole(self) -> NDArray[np.bool_]:
        """Whether every token of the tile was kept, shape [n_tiles]; in others silence cannot be verified."""
        kept = [np.asarray(row).reshape(-1, TILE_TOKENS).all(axis=1) for row in self.contexts["kept"]]
        return np.concatenate(kept)

    @cached_property
    def side_of_tile(self) -> NDArray[np.int64]:
        """Index into SIDES, shape [n_tiles]."""
        codes = pd.Categorical(self.contexts["side"], categories=list(SIDES)).codes.astype(np.int64)
        return codes[self.context_of_tile]

    @cached_property
    def tile_ids(self) -> NDArray[np.int32]:
        """The tokens of each tile, [n_tiles, TILE_TOKENS]."""
        return np.concatenate([np.asarray(ids, np.int32).reshape(-1, TILE_TOKENS) for ids in self.token_ids])

    @cached_property
    def tile_keys(self) -> NDArray[np.uint64]:
        """Each tile's own draw key: of its document and place alone, so that shards do not matter."""
        keys = [draw_key(self.seed, "tile", *self.place(tile)) for tile in range(self.n_tiles)]
        return np.array(keys, np.uint64)

    @cached_property
    def n_kept(self) -> int:
        return int(sum(np.asarray(row).sum() for row in self.contexts["kept"]))

    @cached_property
    def n_shown_tokens(self) -> int:
        shown = self.contexts[self.contexts["side"] == "shown"]
        return int(sum(np.asarray(row).sum() for row in shown["kept"]))

    @cached_property
    def shown_counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(token ids, times seen) on the shown side, kept tokens only."""
        shown = self.contexts[self.contexts["side"] == "shown"]
        rows = zip(shown["token_ids"], shown["kept"], strict=True)
        ids = [np.asarray(i, np.int64)[np.asarray(k, bool)] for i, k in rows]
        return np.unique(np.concatenate(ids) if ids else np.zeros(0, np.int64), return_counts=True)

    def place(self, tile: int) -> tuple[str, int]:
        """Return (document, start in tokens) of a tile."""
        context = int(self.context_of_tile[tile])
        offset = (tile - int(self.first_tile[context])) * TILE_TOKENS
        return str(self._docs[context]), int(self._starts[context]) + offset

    @cached_property
    def tile_at(self) -> dict[tuple[str, int], int]:
        """The tile that begins at (document, start)."""
        return {self.place(tile): tile for tile in range(self.n_tiles)}

    def ids(self, tile: int) -> list[int]:
        context = int(self.context_of_tile[tile])
        offset = (tile - int(self.first_tile[context])) * TILE_TOKENS
        return [int(i) for i in self.token_ids[context][offset : offset + TILE_TOKENS]]

    def other_half(self, tile: int) -> int | None:
        """Return the tile that completes a simulation window of 64 tokens; None where the context ends."""
        context = int(self.context_of_tile[tile])
        first, past = int(self.first_tile[context]), int(self.first_tile[context + 1])
        other = first + ((tile - first) ^ 1)
        return other if other < past else None

    @cached_property
    def _docs(self) -> list[str]:
        return self.contexts["doc"].tolist()

    @cached_property
    def _starts(self) -> list[int]:
        return self.contexts["start"].tolist()

    @cached_property
    def token_ids(self) -> list[NDArray[np.int32]]:
        return self.contexts["token_ids"].tolist()


def read_text(harvest: Path, *, seed: int) -> Text:
    """Return the harvested text, contexts in their order."""
    contexts = read_table(harvest, "contexts").sort_values("context", ignore_index=True)
    return Text(contexts, seed)


def tiles_of(rows: pd.DataFrame, text: Text) -> NDArray[np.int64]:
    """Return the tile number of each row (context, position), shape [n_rows]."""
    tiles: NDArray[np.int64] = text.first_tile[rows["context"].to_numpy(np.int64)]
    offsets: NDArray[np.int64] = rows["position"].to_numpy(np.int64) // TILE_TOKENS
    return tiles + offsets
