"""One feature's evidence from its activations: windows drawn for each side, tokens it fires on."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autointerp.core.draws import draw_key
from autointerp.core.types import SIDES, Evidence, FeatureId, Sample, TokenStat, Window
from autointerp.pipeline.measuring import FeatureStats
from autointerp.pipeline.rivals import Hard, pools
from autointerp.pipeline.sections import EvidenceSection
from autointerp.pipeline.text import Text, tiles_of
from autointerp.sampling.strata import Chosen, Quota, choose_tiles
from autointerp.subject.contexts import TILE_TOKENS
from autointerp.subject.model import Subject

N_TOKEN_STATS = 2000
_NUMBERED = tuple(enumerate(SIDES))


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
    hard: Hard,
) -> Evidence:
    """Return one feature's evidence from its activation rows (context, position, activation)."""
    tiles = tiles_of(rows, text)
    values = np.zeros((text.n_tiles, TILE_TOKENS), np.float32)
    values[tiles, rows["position"].to_numpy(np.int64) % TILE_TOKENS] = rows["activation"].to_numpy()
    drawn = {side: tuple(_choose(text, feature, values, rows, number, by_side, hard)) for number, side in _NUMBERED}
    sides = {side: tuple(_samples(subject, text, values, chosen, side=side)) for side, chosen in drawn.items()}
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


def _choose(
    text: Text,
    feature: FeatureId,
    values: NDArray[np.float32],
    rows: pd.DataFrame,
    side: int,
    by_side: dict[str, Quota],
    hard: Hard,
) -> list[Chosen]:
    """Return the tiles drawn of one side, by their numbers in the text."""
    peaks = values.max(axis=1).astype(np.float64)
    frame = np.flatnonzero((text.side_of_tile == side) & text.is_whole)
    firing = np.flatnonzero((text.side_of_tile == SIDES.index("shown")) & text.is_whole & (peaks > 0))
    silent = frame[peaks[frame] == 0]
    found = pools(text, hard, SIDES[side], firing=firing, silent=silent, token=_top_token(text, rows))
    chosen = choose_tiles(
        peaks[frame],
        text.tile_keys[frame],
        quota=by_side[SIDES[side]],
        peak=float(peaks.max(initial=0.0)) or 1.0,
        base=draw_key(text.seed, str(feature)),
        pools=[replace(pool, tiles=np.searchsorted(frame, pool.tiles)) for pool in found],
    )
    return [replace(choice, tile=int(frame[choice.tile])) for choice in chosen]


def _samples(
    subject: Subject, text: Text, values: NDArray[np.float32], chosen: Sequence[Chosen], *, side: str
) -> Iterator[Sample]:
    """Yield one side's samples; on the held-out side also the halves that complete simulation windows."""
    taken = {choice.tile for choice in chosen}
    for choice in chosen:
        yield Sample(_window(subject, text, values, choice.tile), choice.stratum, choice.weight)
        is_pair = side == "held_out" and choice.stratum in {"top", "random"}
        other = text.other_half(choice.tile) if is_pair else None
        if other is not None and other not in taken:
            taken.add(other)
            yield Sample(_window(subject, text, values, other), "neighbour", 0.0)


def _top_token(text: Text, rows: pd.DataFrame) -> int | None:
    """Return the id of the token on which the feature fires most often on the shown side; None where it never does."""
    ids = _shown_firing(text, rows)[0]
    return int(np.bincount(ids).argmax()) if len(ids) else None


def _window(subject: Subject, text: Text, values: NDArray[np.float32], tile: int) -> Window:
    doc, start = text.place(tile)
    tokens = subject.display_tokens(text.ids(tile), start=start)
    return Window(doc, start, tokens, tuple(float(v) for v in values[tile]))


def token_stats(subject: Subject, text: Text, rows: pd.DataFrame) -> tuple[TokenStat, ...]:
    """Return the tokens on which the feature fired on the shown side, the most frequent firings first."""
    ids, seen = text.shown_counts
    fired_ids, values = _shown_firing(text, rows)
    if not len(fired_ids):
        return ()
    unique, inverse, fired = np.unique(fired_ids, return_inverse=True, return_counts=True)
    total = np.bincount(inverse, weights=values)
    order = np.argsort(-fired, kind="stable")[:N_TOKEN_STATS]
    times = dict(zip(ids.tolist(), seen.tolist(), strict=True))
    return tuple(
        TokenStat(
            token=subject.display_token(int(unique[i])),
            seen=times[int(unique[i])],
            fired=int(fired[i]),
            # The mean over all its occurrences: silence counts, or a token that fires once in a
            # thousand would look like a sure sign.
            mean_activation=float(total[i] / times[int(unique[i])]),
        )
        for i in order
    )


def _shown_firing(text: Text, rows: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return (token ids, activations) of the firings on the shown side, shape [n] both."""
    contexts, positions = rows["context"].to_numpy(np.int64), rows["position"].to_numpy(np.int64)
    shown = text.contexts["side"].to_numpy()[contexts] == "shown"
    pairs = zip(contexts[shown], positions[shown], strict=True)
    return np.array([text.token_ids[c][p] for c, p in pairs], np.int64), rows["activation"].to_numpy(np.float64)[shown]
