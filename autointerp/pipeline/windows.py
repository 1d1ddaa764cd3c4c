"""One feature's evidence from its activations: windows drawn for each side, tokens it fires on."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autointerp.core.draws import draw_key
from autointerp.core.types import SIDES, Evidence, FeatureId, Sample, TokenStat, Window
from autointerp.pipeline.measuring import FeatureStats
from autointerp.pipeline.sections import EvidenceSection
from autointerp.pipeline.text import Text, tiles_of
from autointerp.sampling.strata import Quota, choose_tiles
from autointerp.subject.contexts import TILE_TOKENS
from autointerp.subject.model import Subject

N_TOKEN_STATS = 2000


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
