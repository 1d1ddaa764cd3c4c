"""The evidence stage: every feature measured, the drawn ones' windows sampled; a chunk is one dictionary."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from autointerp.core.draws import draw
from autointerp.core.types import SIDES, Evidence, FeatureId
from autointerp.pipeline import measuring, windows
from autointerp.pipeline.chunks import Chunk
from autointerp.pipeline.rivals import Hard, choose_rivals, firing_tiles, hard_quotas, nearest_directions, tile_vectors
from autointerp.pipeline.run import Run
from autointerp.pipeline.samples import read_samples
from autointerp.pipeline.text import Text, read_text
from autointerp.store.convert import Row, evidence_from, evidence_rows, feature_fields, rows_of, token_stats_from
from autointerp.store.parts import Filters, has_part, read_part, read_table, write_part

if TYPE_CHECKING:
    from autointerp.subject.dictionaries import Dictionary


AT_ONCE = 64
"""Drawn features whose activations, and their rivals', are in memory together."""


def evidence_chunks(run: Run) -> list[str]:
    """Return the dictionaries whose features are still to be measured and sampled."""
    return [d.name for d in run.dictionaries if not has_part(run.directory, "features", d.name)]


def evidence_chunk(run: Run, chunk: str) -> None:
    """Measure every feature of one dictionary and sample the drawn ones' windows."""
    dictionary = next(d for d in run.dictionaries if d.name == chunk)
    text = text_of(run)
    stats = measuring.measure_features(run.harvest_folder, chunk, dictionary.n_features, text.totals)
    eligible = measuring.eligible_features(
        stats, min_held_out=run.config.features.min_held_out, min_shown=run.config.features.min_shown
    )
    enough = [int(i) for i in eligible]
    drawn = draw_features(run, chunk, enough)
    built = list(_build(run, dictionary, text, stats, drawn, enough))
    rows = [row for e, ids in built for row in evidence_rows(e, ids)]
    write_part(run.directory, "evidence", chunk, rows)
    write_part(run.directory, "dictionaries", chunk, [_dictionary_row(run, dictionary)])
    status = measuring.status_of(stats, enough, drawn)
    write_part(run.directory, "features", chunk, feature_table(chunk, stats, [e for e, _ in built], status))
    done = len(run.dictionaries) - len(evidence_chunks(run))
    run.on_progress("evidence", done, len(run.dictionaries), "dictionaries")


def draw_features(run: Run, dictionary: str, eligible: Sequence[int]) -> list[int]:
    """Return the features to label: those named in the configuration, else a keyed draw of the eligible ones."""
    named = [FeatureId.parse(name) for name in run.config.features.only]
    if named:
        return sorted({f.index for f in named if f.dictionary == dictionary})
    n = run.config.features.n_per_dictionary
    return sorted(draw(eligible, n, seed=run.config.seed, key=lambda i: f"{dictionary}#{i}"))


def text_of(run: Run) -> Text:
    """Return the harvested text, read once."""
    return run.once("text", lambda: read_text(run.harvest_folder, seed=run.config.seed))


def _build(
    run: Run,
    dictionary: "Dictionary",
    text: Text,
    stats: measuring.FeatureStats,
    drawn: Sequence[int],
    eligible: Sequence[int],
) -> Iterator[tuple[Evidence, dict[str, list[int]]]]:
    """Yield the evidence of the drawn features of one dictionary, and its windows' token ids; some at a time."""
    from autointerp.subject.harvest import output_tokens

    section, seed, limits = run.config.evidence, run.config.seed, run.config.harvest
    by_side, hard = windows.quotas(section), _hard(run, text)
    for start in range(0, len(drawn), AT_ONCE):
        some = drawn[start : start + AT_ONCE]
        outputs = output_tokens(run.subject, dictionary, some)
        siblings = nearest_directions(dictionary, some, eligible)
        names = {feature: FeatureId(dictionary.name, feature) for feature in some}
        rivals = {f: choose_rivals(names[f], siblings[f], eligible, section=section, seed=seed) for f in some}
        samples = read_samples(run.harvest_folder, dictionary.name, some, seed=seed)
        pooled = _pooled(run, dictionary.name, {*some, *(i for mine in rivals.values() for i in mine.values())})
        for feature in some:
            tiles = {s: firing_tiles(text.values(pooled[index])) for s, index in rivals[feature].items()}
            known = windows.Known(
                names[feature], samples[feature], text.values(pooled[feature]), text, limits.n_stratum
            )
            yield windows.build_evidence(
                run.subject,
                known,
                stats,
                by_side=by_side,
                outputs=outputs[feature],
                siblings=tuple(FeatureId(dictionary.name, index) for index in siblings[feature]),
                hard=replace(hard, rivals=tiles),
            )


def _hard(run: Run, text: Text) -> Hard:
    """Return what all features' hard windows are drawn from; vectors only where near ones are wanted."""
    by_side = hard_quotas(run.config.evidence)
    is_near = any(quota.near for quota in by_side.values())
    make = partial(tile_vectors, run.subject, text, seed=run.config.seed)
    return Hard(by_side, run.once("tile vectors", make) if is_near else None)


def _pooled(run: Run, dictionary: str, features: Collection[int]) -> dict[int, pd.DataFrame]:
    """Return the rows of each feature's activations on the pool."""
    filters = [("dictionary", "==", dictionary), ("feature", "in", sorted(features))]
    rows = read_table(run.harvest_folder, "pool_activations", filters=filters)
    found = {int(mine["feature"].iloc[0]): mine for _, mine in rows.groupby("feature")}
    return {feature: found.get(feature, rows.iloc[:0]) for feature in features}


def _dictionary_row(run: Run, dictionary: "Dictionary") -> dict[str, Any]:
    from autointerp.subject.dictionaries import site_of

    known = dictionary.evaluation
    return {
        "dictionary": dictionary.name,
        "family": dictionary.family,
        "width": dictionary.n_features,
        "site": str(site_of(dictionary, run.config.site)),
        "subject": run.config.subject,
        "kind": dictionary.kind,
        "sha256": dictionary.sha256,
        "l0": known.get("l0"),
        "fraction_variance_explained": known.get("fraction_variance_explained"),
        "fraction_ce_recovered": known.get("fraction_ce_recovered"),
        "n_alive": known.get("n_alive"),
        "tokens_seen": known.get("tokens_seen", 0),
    }


def feature_table(
    name: str, stats: measuring.FeatureStats, built: Sequence[Evidence], status: Sequence[str]
) -> pa.Table:
    """Return one row a feature of the dictionary; sampled ones also have tokens."""
    n = len(stats.peak)
    fields = {e.feature.index: feature_fields(e) for e in built}
    shares = {index: _single_token_share(own) for index, own in fields.items()}

    def texts(column: str) -> pa.ListArray:
        lengths = np.zeros(n, np.int64)
        for index, own in fields.items():
            lengths[index] = len(own[column])
        flat = [text for index in sorted(fields) for text in fields[index][column]]
        first = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(first), pa.array(flat, pa.string()))

    return pa.table(
        {
            "dictionary": pa.DictionaryArray.from_arrays(np.zeros(n, np.int8), [name]),
            "feature": np.arange(n),
            "density": stats.density,
            "window_density": stats.window_density,
            "peak": stats.peak,
            "n_windows": stats.n_by_side.sum(axis=0),
            "n_held_out": stats.n_by_side[SIDES.index("held_out")],
            "fraction_single_token": pa.array([shares.get(index) for index in range(n)], pa.float64()),
            "histogram_start": stats.histogram_start,
            "histogram": pa.ListArray.from_arrays(
                pa.array(stats.histogram_first.astype(np.int32)), pa.array(stats.histogram)
            ),
            "token_stats": [fields[i]["token_stats"] if i in fields else "[]" for i in range(n)],
            "n_shown_tokens": [fields[i]["n_shown_tokens"] if i in fields else 0 for i in range(n)],
            "status": list(status),
        }
        | {column: texts(column) for column in ("promoted", "suppressed", "siblings")}
    )


def _single_token_share(fields: dict[str, Any]) -> float | None:
    """Return the share of shown firings that fall on the most frequent firing token."""
    fired = [stat.fired for stat in token_stats_from(fields["token_stats"])]
    return max(fired) / sum(fired) if fired else None


def read_evidence(run: Run, chunk: Chunk) -> list[Evidence]:
    """Return the evidence of a chunk's features, as stored; nothing else of the dictionary is held."""
    return read_features(run, chunk.dictionary, chunk.features)


def read_features(run: Run, dictionary: str, features: Sequence[int]) -> list[Evidence]:
    """Return the evidence of these features of one dictionary; empty sides where they were not sampled."""
    rows = feature_rows(run, dictionary, features)
    if not rows:
        return []
    frame = read_part(run.directory, "evidence", dictionary, filters=_only(features))
    return [evidence_from(frame, row) for row in rows]


def feature_rows(run: Run, dictionary: str, features: Sequence[int]) -> list[Row]:
    """Return the ``features`` rows of these features of one dictionary."""
    if not features:
        return []
    return list(rows_of(read_part(run.directory, "features", dictionary, filters=_only(features))))


def _only(features: Sequence[int]) -> Filters:
    return [("feature", "in", list(features))]
