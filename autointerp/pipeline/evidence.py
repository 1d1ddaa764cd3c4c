"""From harvested parts to evidence: statistics of every feature, windows of the drawn ones."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autointerp.core.draws import draw_key
from autointerp.core.types import SIDES, Evidence, FeatureId, Sample, TokenStat, Window
from autointerp.pipeline.config import EvidenceSection
from autointerp.sampling.strata import Quota, choose_tiles
from autointerp.store.parts import part_paths, read_part, read_table
from autointerp.subject.contexts import TILE_TOKENS
from autointerp.subject.model import Subject

BINS_PER_OCTAVE = 4
FIRST_BIN = -40
N_BINS = 120
N_TOKEN_STATS = 2000


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


@dataclass(frozen=True)
class FeatureStats:
    """What is known of every feature of one dictionary; arrays of shape [n_features]."""

    density: NDArray[np.float64]
    window_density: NDArray[np.float64]
    peak: NDArray[np.float64]
    n_by_side: NDArray[np.int64]
    """Whole tiles with a firing, [3, n_features]."""
    histogram: NDArray[np.int64]
    """Firing tokens per quarter octave from 2**(FIRST_BIN / 4), [n_features, N_BINS]."""


def measure_features(harvest: Path, text: Text, widths: dict[str, int]) -> dict[str, FeatureStats]:
    """Return statistics of every feature by dictionary, reading one part at a time."""
    totals = {name: _Totals(width) for name, width in widths.items()}
    for path in part_paths(harvest, "activations"):
        rows = read_part(harvest, "activations", path.stem)
        for name, mine in rows.groupby("dictionary", sort=False, observed=True):
            totals[str(name)].add(mine, text)
    return {name: total.finish(text) for name, total in totals.items()}


class _Totals:
    """Running counts of one dictionary; memory grows with its width, not with the text."""

    def __init__(self, width: int) -> None:
        self.tokens = np.zeros(width, np.int64)
        self.tiles = np.zeros((len(SIDES), width), np.int64)
        self.peak = np.zeros(width)
        self.histogram = np.zeros((width, N_BINS), np.int64)

    def add(self, rows: pd.DataFrame, text: Text) -> None:
        feature = rows["feature"].to_numpy(np.int64)
        value = rows["activation"].to_numpy(np.float64)
        tile = tiles_of(rows, text)
        width = len(self.tokens)
        self.tokens += np.bincount(feature, minlength=width)
        np.maximum.at(self.peak, feature, value)
        bins = np.clip(np.floor(np.log2(value) * BINS_PER_OCTAVE).astype(np.int64) - FIRST_BIN, 0, N_BINS - 1)
        self.histogram += np.bincount(feature * N_BINS + bins, minlength=width * N_BINS).reshape(width, N_BINS)
        pairs = np.unique(feature * text.n_tiles + tile)
        feature, tile = np.divmod(pairs, text.n_tiles)
        whole = text.is_whole[tile]
        for side in range(len(SIDES)):
            mine = whole & (text.side_of_tile[tile] == side)
            self.tiles[side] += np.bincount(feature[mine], minlength=width)

    def finish(self, text: Text) -> FeatureStats:
        n_whole = max(int(text.is_whole.sum()), 1)
        return FeatureStats(
            density=self.tokens / max(text.n_kept, 1),
            window_density=self.tiles.sum(axis=0) / n_whole,
            peak=self.peak,
            n_by_side=self.tiles,
            histogram=self.histogram,
        )


def tiles_of(rows: pd.DataFrame, text: Text) -> NDArray[np.int64]:
    """Return the tile number of each row (context, position), shape [n_rows]."""
    tiles: NDArray[np.int64] = text.first_tile[rows["context"].to_numpy(np.int64)]
    offsets: NDArray[np.int64] = rows["position"].to_numpy(np.int64) // TILE_TOKENS
    return tiles + offsets


def quotas(section: EvidenceSection) -> dict[str, Quota]:
    """Return each side's quota."""
    return {
        "shown": Quota(top=section.shown_top, firing=section.shown_firing),
        "select": Quota(firing=section.select_firing, silent=section.select_silent),
        "held_out": Quota(
            top=section.held_out_top,
            firing=section.held_out_firing,
            random=section.held_out_random,
            silent=section.held_out_silent,
        ),
    }


def build_evidence(
    subject: Subject,
    text: Text,
    feature: FeatureId,
    rows: pd.DataFrame,
    stats: FeatureStats,
    *,
    by_side: dict[str, Quota],
    outputs: tuple[tuple[str, ...], tuple[str, ...]],
    siblings: tuple[FeatureId, ...],
) -> Evidence:
    """Return one feature's evidence from its activation rows (context, position, activation)."""
    tiles = tiles_of(rows, text)
    values = np.zeros((text.n_tiles, TILE_TOKENS), np.float32)
    values[tiles, rows["position"].to_numpy(np.int64) % TILE_TOKENS] = rows["activation"].to_numpy()
    sides = {
        side: tuple(_samples(subject, text, feature, values, side=number, quota=by_side[side]))
        for number, side in enumerate(SIDES)
    }
    return Evidence(
        feature=feature,
        density=float(stats.density[feature.index]),
        window_density=float(stats.window_density[feature.index]),
        peak=float(stats.peak[feature.index]),
        n_available=int(stats.n_by_side[SIDES.index("held_out"), feature.index]),
        promoted=outputs[0],
        suppressed=outputs[1],
        token_stats=token_stats(subject, text, rows),
        n_shown_tokens=text.n_shown_tokens,
        siblings=siblings,
        **sides,
    )


def _samples(
    subject: Subject, text: Text, feature: FeatureId, values: NDArray[np.float32], *, side: int, quota: Quota
) -> Iterator[Sample]:
    """Yield one side's samples; on the held-out side also the halves that complete simulation windows."""
    frame = np.flatnonzero((text.side_of_tile == side) & text.is_whole)
    peaks = values[frame].max(axis=1).astype(np.float64) if len(frame) else np.zeros(0)
    base = draw_key(text.seed, str(feature))
    peak = float(values.max()) or 1.0
    chosen = choose_tiles(peaks, text.tile_keys[frame], quota=quota, peak=peak, base=base)
    taken = {int(frame[c.tile]) for c in chosen}
    for choice in chosen:
        tile = int(frame[choice.tile])
        yield Sample(_window(subject, text, values, tile), choice.stratum, choice.weight)
        other = text.other_half(tile) if SIDES[side] == "held_out" and choice.stratum in {"top", "random"} else None
        if other is not None and other not in taken:
            taken.add(other)
            yield Sample(_window(subject, text, values, other), "neighbour", 0.0)


def _window(subject: Subject, text: Text, values: NDArray[np.float32], tile: int) -> Window:
    doc, start = text.place(tile)
    tokens = subject.display_tokens(text.ids(tile))
    return Window(doc, start, tokens, tuple(float(v) for v in values[tile]))


def token_stats(subject: Subject, text: Text, rows: pd.DataFrame) -> tuple[TokenStat, ...]:
    """Return the tokens on which the feature fired on the shown side, the most frequent firings first."""
    ids, seen = text.shown_counts
    contexts = rows["context"].to_numpy(np.int64)
    shown = text.contexts["side"].to_numpy()[contexts] == "shown"
    fired_ids = np.array(
        [text.token_ids[c][p] for c, p in zip(contexts[shown], rows["position"].to_numpy()[shown], strict=True)],
        np.int64,
    )
    if not len(fired_ids):
        return ()
    unique, inverse, fired = np.unique(fired_ids, return_inverse=True, return_counts=True)
    total = np.bincount(inverse, weights=rows["activation"].to_numpy(np.float64)[shown])
    order = np.argsort(-fired, kind="stable")[:N_TOKEN_STATS]
    times = dict(zip(ids.tolist(), seen.tolist(), strict=True))
    return tuple(
        TokenStat(
            token=subject.tokenizer.decode([int(unique[i])]),
            seen=times[int(unique[i])],
            fired=int(fired[i]),
            # The mean over all its occurrences: silence counts, or a token that fires once in a
            # thousand would look like a sure sign.
            mean_activation=float(total[i] / times[int(unique[i])]),
        )
        for i in order
    )


def eligible_features(stats: FeatureStats, *, min_held_out: int, min_shown: int) -> NDArray[np.int64]:
    """Return the features with enough firing tiles to be explained and scored."""
    return np.flatnonzero(
        (stats.n_by_side[SIDES.index("held_out")] >= min_held_out)
        & (stats.n_by_side[SIDES.index("shown")] >= min_shown)
    )


def status_of(stats: FeatureStats, eligible: Iterable[int], drawn: Sequence[int]) -> list[str]:
    """Return each feature's status before scoring: dead, too_few_examples, not_sampled or pending.

    A feature named in the configuration that is dead or too rare keeps that status: it is counted, not scored.
    """
    status = np.where(stats.peak > 0, "too_few_examples", "dead").astype(object)
    enough = list(eligible)
    status[enough] = "not_sampled"
    status[sorted(set(drawn).intersection(enough))] = "pending"
    return [str(s) for s in status]
