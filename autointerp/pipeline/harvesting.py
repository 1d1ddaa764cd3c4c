"""The harvest stage: shards of text run through the subject, and what is kept of every feature."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from autointerp.core.draws import draw_key
from autointerp.core.types import SIDES
from autointerp.pipeline import sketching
from autointerp.pipeline.config import HarvestSection
from autointerp.pipeline.kept import activation_rows, write_sorted
from autointerp.pipeline.planned import PlannedContext, TextPlan, plan_text, read_shard
from autointerp.pipeline.run import Run
from autointerp.pipeline.samples import write_samples
from autointerp.pipeline.text import context_key
from autointerp.sampling.sketches import TILES_A_CONTEXT, Entries, Limits, Sketch, Stretch, sketch_of
from autointerp.store.manifest import write_manifest
from autointerp.store.parts import part_paths, write_part
from autointerp.subject.contexts import CONTEXT_TOKENS, TILE_TOKENS, massive_norm
from autointerp.subject.dictionaries import Dictionary, site_of
from autointerp.subject.harvest import HarvestedShard, Reader, SparseActivations, harvest_shard
from autointerp.subject.model import Site, Subject

N_FOR_NORM = 32


def limits_of(section: HarvestSection) -> Limits:
    """Return how much is kept of a feature."""
    return Limits(section.n_top, section.n_stratum, section.n_firings)


def norm_limit(
    subject: Subject, site: Site, contexts: Sequence[PlannedContext], dictionaries: Sequence[Dictionary]
) -> float:
    """Return the norm above which tokens are left out: the site's dictionaries' own rule, or 10 times the median.

    Neurons as a baseline have no rule: a token that is loud among them alone would be left out of the ladder, too.
    """
    if all(d.kind == "neurons" for d in dictionaries):
        return inf
    own = [d.max_norm for d in dictionaries if d.max_norm is not None]
    return min(own) if own else massive_norm(subject, site, [c.context for c in contexts])


def write_shard(
    folder: Path,
    number: int,
    contexts: Sequence[PlannedContext],
    *,
    subject: Subject,
    readers: Sequence[Reader],
    seed: int,
    section: HarvestSection,
    pool_key: int,
) -> None:
    """Harvest one shard of text and write its parts; the last one marks it done."""
    harvested = harvest_shard(subject, readers, [(c.number, c.context) for c in contexts])
    text = stretch_of(contexts, harvested, seed=seed)
    name = sketching.part_name(0, number)
    if section.keep == "all":
        write_part(folder, "sketch_activations", name, activation_rows(harvested.activations))
    limits = limits_of(section)
    with ThreadPoolExecutor(1, thread_name_prefix="pool") as beside:
        pool = beside.submit(_write_pool, folder, name, contexts, harvested, text, pool_key=pool_key)

        def sketches() -> Iterator[tuple[str, Sketch]]:
            for a in harvested.activations:
                yield a.dictionary, sketch_of(entries_of(a), text, base=draw_key(seed, a.dictionary), limits=limits)
            pool.result()  # before the last part of the sketches, which marks the shard done

        sketching.write_sketches(folder, name, sketches(), text_rows(contexts, harvested, text))


def stretch_of(contexts: Sequence[PlannedContext], harvested: HarvestedShard, *, seed: int) -> Stretch:
    """Return the shard's text as arrays; a tile is whole when all of its tokens were kept."""
    tokens = np.zeros((len(contexts), CONTEXT_TOKENS), np.int64)
    is_whole = np.zeros((len(contexts), TILES_A_CONTEXT), np.bool_)
    for row, planned in enumerate(contexts):
        ids, kept = planned.context.token_ids, harvested.kept[planned.number]
        tokens[row, : len(ids)] = ids
        is_whole[row, : len(ids) // TILE_TOKENS] = kept.reshape(-1, TILE_TOKENS).all(axis=1)
    return Stretch(
        number=np.array([c.number for c in contexts], np.int64),
        side=np.array([SIDES.index(c.side) for c in contexts], np.int64),
        key=np.array([context_key(seed, c.context.doc, c.context.start) for c in contexts], np.uint64),
        tokens=tokens,
        is_whole=is_whole,
    )


def entries_of(activations: SparseActivations) -> Entries:
    """Return one dictionary's activations as the sketch reads them."""
    return Entries(
        activations.feature.astype(np.int64),
        activations.context.astype(np.int64),
        activations.position.astype(np.int64),
        activations.activation,
    )


def text_rows(contexts: Sequence[PlannedContext], harvested: HarvestedShard, text: Stretch) -> pa.Table:
    """Return the counts of the shard's text, as ``texts`` has them; tokens of massive norm are not counted."""
    kept = [harvested.kept[c.number] for c in contexts]
    shown = [np.array(c.context.token_ids)[k] for c, k in zip(contexts, kept, strict=True) if c.side == SIDES[0]]
    ids, seen = np.unique(np.concatenate(shown) if shown else np.zeros(0, np.int64), return_counts=True)
    counts = [("token", int(i), int(n)) for i, n in zip(ids, seen, strict=True)]
    counts += [("kept", 0, sum(int(k.sum()) for k in kept)), ("kept_shown", 0, int(seen.sum()))]
    counts += [("whole", side, int(text.is_whole[text.side == side].sum())) for side in range(len(SIDES))]
    kinds, numbers, sums = zip(*counts, strict=True)
    return pa.table({"kind": list(kinds), "number": list(numbers), "count": list(sums)})


def _write_pool(
    folder: Path,
    name: str,
    contexts: Sequence[PlannedContext],
    harvested: HarvestedShard,
    text: Stretch,
    *,
    pool_key: int,
) -> None:
    """Write the shard's contexts that are in the pool, and all activations on them."""
    is_in = text.key <= np.uint64(pool_key)
    numbers = text.number[is_in]
    pooled = []
    for a in harvested.activations:
        own = np.isin(a.context, numbers)
        pooled.append(
            SparseActivations(a.dictionary, a.feature[own], a.context[own], a.position[own], a.activation[own])
        )
    write_part(folder, "sketch_pool", name, activation_rows(pooled))
    rows = [
        {
            "doc": c.context.doc,
            "side": c.side,
            "start": c.context.start,
            "context": c.number,
            "token_ids": list(c.context.token_ids),
            "kept": harvested.kept[c.number].tolist(),
        }
        for c, is_mine in zip(contexts, is_in, strict=True)
        if is_mine
    ]
    write_part(folder, "pool", name, rows)


# ---- the stage


def begin_harvest(run: Run) -> None:
    """Keep other runs from writing this harvest, plan its text, and merge what a kill left unmerged."""
    folder = run.harvest_folder
    if (folder / "manifest.json").exists():
        return
    run.lock_harvest()
    n_shards = len(text_plan(run).shard_tokens)
    # A kill between a group's last shard and its merge: what is done was asked for by nobody since.
    for last in range(sketching.FAN_IN - 1, n_shards, sketching.FAN_IN):
        sketching.merge_up(folder, last, widths_of(run), limits_of(run.config.harvest))


def harvest_chunks(run: Run) -> list[str]:
    """Return the shards still to be harvested; none when the harvest is complete."""
    if (run.harvest_folder / "manifest.json").exists():
        return []
    shards = range(len(text_plan(run).shard_tokens))
    return [str(n) for n in shards if not sketching.is_shard_done(run.harvest_folder, n)]


def text_plan(run: Run) -> TextPlan:
    """Return the text this run reads, planned once."""
    return run.once("text_plan", lambda: _plan(run))


def _plan(run: Run) -> TextPlan:
    plan = plan_text(run.harvest_folder, run.subject, run.config, run.dictionaries)
    if alike := plan.groups:
        n_groups = len(set(alike.values()))
        run.on_progress("text", len(alike), plan.n_documents, f"documents in {n_groups} groups of near-duplicates")
    return plan


def readers_of(run: Run) -> list[Reader]:
    """Return the dictionaries with their sites and norm limits, decided once and by the first contexts alone."""
    return run.once("readers", lambda: _readers(run))


def _readers(run: Run) -> list[Reader]:
    n_shards = len(text_plan(run).shard_tokens)
    planned = (context for n in range(n_shards) for context in read_shard(run.harvest_folder, n))
    first = list(islice(planned, N_FOR_NORM))
    sites = {d.name: site_of(d, run.config.site) for d in run.dictionaries}
    limits = {
        site: norm_limit(run.subject, site, first, [d for d in run.dictionaries if sites[d.name] == site])
        for site in set(sites.values())
    }
    return [Reader(d, sites[d.name], limits[sites[d.name]]) for d in run.dictionaries]


def harvest_chunk(run: Run, chunk: str) -> None:
    """Harvest one shard of text for all dictionaries, and merge what it completes."""
    plan, number, section = text_plan(run), int(chunk), run.config.harvest
    write_shard(
        run.harvest_folder,
        number,
        read_shard(run.harvest_folder, number),
        subject=run.subject,
        readers=readers_of(run),
        seed=run.config.seed,
        section=section,
        pool_key=plan.pool_key,
    )
    merge = partial(sketching.merge_up, run.harvest_folder, number, widths_of(run), limits_of(section))
    # Whoever also finishes the harvest need not wait: the pass over the next shard leaves processors idle now and then.
    if run.merges is not None:
        run.merges.do(merge)
    else:
        merge()
    run.on_progress("harvest", sum(plan.shard_tokens[: number + 1]), plan.n_tokens, "tokens")


def widths_of(run: Run) -> dict[str, int]:
    """Return the number of features by dictionary."""
    return {d.name: d.n_features for d in run.dictionaries}


def finish_harvest(run: Run) -> None:
    """Write every feature's samples and mark the harvest as complete: its manifest is written last."""
    folder = run.harvest_folder
    if (folder / "manifest.json").exists():
        _remove_sketches(folder)
        run.unlock_harvest()
        return
    if run.merges is not None:
        run.merges.wait()
    write_samples(folder, widths_of(run), limits_of(run.config.harvest), on_progress=run.on_progress)
    for table, source in (("pool_activations", "sketch_pool"), ("activations", "sketch_activations")):
        write_sorted(folder, table, source, widths_of(run))
    write_part(folder, "texts", "all", sketching.merged_texts(folder, sketching.live_parts(folder)))
    write_manifest(folder, _facts(run))
    _remove_sketches(folder)
    run.unlock_harvest()


def _remove_sketches(folder: Path) -> None:
    for table in (*sketching.TABLES, "sketch_pool", "sketch_activations"):
        for path in part_paths(folder, table):
            path.unlink(missing_ok=True)


def _facts(run: Run) -> dict[str, Any]:
    plan = text_plan(run)
    return {
        "subject": run.config.subject,
        "subject_sha256": run.subject.sha256,
        "sites": {reader.dictionary.name: str(reader.site) for reader in readers_of(run)},
        "dictionaries": {d.name: d.sha256 for d in run.dictionaries},
        "corpus": list(run.config.corpus),
        "corpus_contents": run.corpus_contents,
        "n_documents": plan.n_documents,
        "n_documents_trained_on_left_out": plan.n_trained_on,
        "n_documents_too_short": plan.n_too_short,
        "n_documents_near_duplicate": len(plan.groups),
        "n_groups_of_near_duplicates": len(set(plan.groups.values())),
        "n_contexts": plan.n_contexts,
        "n_contexts_pooled": min(plan.n_contexts, run.config.harvest.pool_contexts),
        "n_tokens": plan.n_tokens,
        "max_norm": {str(r.site): r.max_norm for r in readers_of(run) if r.max_norm < inf},
    }
