"""One feature's evidence from what was kept of it: windows drawn for each side, tokens it fires on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autointerp.core.draws import draw_key
from autointerp.core.types import SIDES, Evidence, FeatureId, Sample, TokenStat, Window
from autointerp.pipeline.measuring import FeatureStats
from autointerp.pipeline.rivals import Hard, pools
from autointerp.pipeline.samples import FeatureSample
from autointerp.pipeline.sections import EvidenceSection
from autointerp.pipeline.text import Text
from autointerp.sampling.strata import Chosen, Pooled, Quota, choose_tiles, stratified
from autointerp.subject.contexts import TILE_TOKENS
from autointerp.subject.model import Subject

N_TOKEN_STATS = 2000
SHRINKAGE = 2.0


def quotas(section: EvidenceSection) -> dict[str, Quota]:
    """Return each side's quota."""
    return {
        "shown": Quota(top=section.shown_top, firing=section.shown_firing, silent=section.shown_silent),
        "select": Quota(firing=section.select_firing, silent=section.select_silent),
        "held_out": Quota(
            top=section.held_out_top,
            firing=section.held_out_firing,
            random=section.held_out_random,
            silent=section.held_out_silent,
        ),
    }


@dataclass(frozen=True)
class Known:
    """What is known of one feature: its sample, and its activations on the pool's tiles, [n_tiles, 32]."""

    feature: FeatureId
    sample: FeatureSample
    pooled: NDArray[np.float32]
    text: Text
    n_stratum: int

    def window(self, tile: int) -> tuple[str, int, list[int], NDArray[np.float32]] | None:
        """Return (document, start, token ids, activations) of a tile; None for one of which nothing is known."""
        index = int(np.searchsorted(self.text.tiles, tile))
        if index < self.text.n_tiles and self.text.tiles[index] == tile:
            return (*self.text.place(index), self.text.ids(index), self.pooled[index])
        for row in np.flatnonzero(self.sample.tile >> 1 == tile >> 1).tolist():
            half = slice((tile & 1) * TILE_TOKENS, (tile & 1) * TILE_TOKENS + TILE_TOKENS)
            if ids := self.sample.pair[row][half]:
                start = int(self.sample.start[row]) + (tile - int(self.sample.tile[row])) * TILE_TOKENS
                return self.sample.doc[row], start, list(ids), self.sample.values[row, half]
        return None


def build_evidence(
    subject: Subject,
    known: Known,
    stats: FeatureStats,
    *,
    by_side: dict[str, Quota],
    outputs: tuple[tuple[str, ...], tuple[str, ...]],
    siblings: tuple[FeatureId, ...],
    hard: Hard,
) -> tuple[Evidence, dict[str, list[int]]]:
    """Return one feature's evidence, and the token ids of its windows by ``window.item``."""
    feature, ids = known.feature, dict[str, list[int]]()
    sides = {
        side: tuple(_samples(subject, known, _choose(known, number, by_side[side], hard), side=side, ids=ids))
        for number, side in enumerate(SIDES)
    }
    evidence = Evidence(
        feature=feature,
        density=float(stats.density[feature.index]),
        window_density=float(stats.window_density[feature.index]),
        peak=float(stats.peak[feature.index]),
        n_available=int(stats.n_by_side[SIDES.index("held_out"), feature.index]),
        promoted=outputs[0],
        suppressed=outputs[1],
        token_stats=token_stats(subject, known),
        n_shown_tokens=known.text.totals.n_shown_tokens,
        siblings=siblings,
        **sides,
    )
    return evidence, ids


def _choose(known: Known, side: int, quota: Quota, hard: Hard) -> list[Chosen]:
    """Return the tiles drawn of one side, by their numbers."""
    text, sample = known.text, known.sample
    rows = sample.rows_of(side)
    peaks = known.pooled.max(axis=1).astype(np.float64)
    frame = np.flatnonzero((text.side_of_tile == side) & text.is_whole)
    firing = np.flatnonzero((text.side_of_tile == SIDES.index("shown")) & text.is_whole & (peaks > 0))
    silent = frame[peaks[frame] == 0]
    found = pools(text, hard, SIDES[side], firing=firing, silent=silent, token=_top_token(sample))
    return choose_tiles(
        stratified(
            sample.tile[rows],
            sample.key[rows],
            sample.tile_peak[rows],
            counts=sample.counts[side],
            peak=sample.peak,
            n_stratum=known.n_stratum,
        ),
        Pooled(
            text.tiles[frame], text.tile_keys[frame], peaks[frame], len(frame) / max(int(text.totals.n_whole[side]), 1)
        ),
        quota=quota,
        peak=sample.peak or 1.0,
        base=draw_key(text.seed, str(known.feature)),
        pools=[replace(pool, tiles=np.searchsorted(frame, pool.tiles)) for pool in found],
    )


def _samples(
    subject: Subject, known: Known, chosen: Sequence[Chosen], *, side: str, ids: dict[str, list[int]]
) -> Iterator[Sample]:
    """Yield one side's samples; on the held-out side also the halves that complete simulation windows."""
    taken = {choice.tile for choice in chosen}
    for choice in chosen:
        yield Sample(_window(subject, known, choice.tile, ids), choice.stratum, choice.weight)
        other = choice.tile ^ 1
        is_pair = side == "held_out" and choice.stratum in {"top", "random"} and other not in taken
        if is_pair and known.window(other) is not None:
            taken.add(other)
            yield Sample(_window(subject, known, other, ids), "neighbour", 0.0)


def _window(subject: Subject, known: Known, tile: int, ids: dict[str, list[int]]) -> Window:
    found = known.window(tile)
    assert found is not None
    doc, start, own, values = found
    window = Window(doc, start, subject.display_tokens(own, start=start), tuple(float(v) for v in values))
    ids[window.item] = own
    return window


def _top_token(sample: FeatureSample) -> int | None:
    """Return the id of the token on which the feature fires most often on the shown side; None where it never does."""
    return int(np.bincount(sample.firing_token).argmax()) if len(sample.firing_token) else None


def token_stats(subject: Subject, known: Known) -> tuple[TokenStat, ...]:
    """Return the tokens on which the feature fired on the shown side, the most frequent firings first.

    Where only a sample of the firings was kept, a token's share of firing occurrences is estimated by
    (k + a p) / (n / s + a): k of its n occurrences are in the sample, s is the number of firings one of the sample
    stands for, p the share of all tokens that fire, a = 2. Without the shrinkage a rare token that happens to be in
    the sample would look like a sure sign.
    """
    sample, totals = known.sample, known.text.totals
    if not len(sample.firing_token):
        return ()
    unique, inverse, kept = np.unique(sample.firing_token, return_inverse=True, return_counts=True)
    seen = np.array([totals.seen[int(token)] for token in unique])
    scale = sample.n_shown_firings / len(sample.firing_token)
    shrink = SHRINKAGE if scale > 1 else 0.0
    share = (kept + shrink * sample.n_shown_firings / totals.n_shown_tokens) / (seen / scale + shrink)
    # The mean over all occurrences: silence counts.
    mean = share * np.bincount(inverse, weights=sample.firing_value) / kept
    order = np.argsort(-kept, kind="stable")[:N_TOKEN_STATS]
    return tuple(
        TokenStat(
            token=subject.display_token(int(unique[i])),
            seen=int(seen[i]),
            fired=round(float(share[i] * seen[i])),
            mean_activation=float(mean[i]),
        )
        for i in order
    )
