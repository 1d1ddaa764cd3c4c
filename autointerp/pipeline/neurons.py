"""Features against the MLP neurons of the layers before them: tokens of the pool, the subject's neurons on them."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from autointerp.core.draws import draw_key, draw_keys
from autointerp.core.errors import ConfigError, EnvironmentProblem
from autointerp.metrics.neurons import Strongest, shifted, strongest_neurons
from autointerp.pipeline.finding import dictionaries_named
from autointerp.pipeline.pooled import PoolTokens, pool_activations, pool_tokens
from autointerp.pipeline.run import OnProgress, Run, ignore_progress
from autointerp.store.parts import read_table, write_part
from autointerp.store.places import cache_of
from autointerp.subject.contexts import Context
from autointerp.subject.dictionaries import site_of
from autointerp.subject.model import Site
from autointerp.subject.neurons import neurons_before

N_TOKENS = 20_000
MIN_FIRINGS = 10
"""As matching has it (analysis/matching.py): with fewer the highest of many correlations is chance. Our choice."""

BATCH = 8
CELLS_OF_A_BLOCK = 5_000_000
"""Tokens x neurons correlated at once: 40 MB in float64, of which some four stand in memory together."""
CELLS_OF_A_BATCH = 32_000_000
"""Numbers read from the subject in one pass: 128 MB in float32."""

MEASURED, SILENT, TOO_FEW, UNDEFINED = "measured", "silent", "too_few_firings", "undefined"

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Chosen:
    """Tokens of the pool in the order they are read: contexts of one length after the other, without massive norms.

    ``kept``: of each context, [T]; ``column``: of every token of the pool its place among the *n*, or -1.
    """

    contexts: tuple[Context, ...]
    kept: tuple[NDArray[np.bool_], ...]
    column: NDArray[np.int64]
    n: int


def choose_tokens(harvest: Path, tokens: PoolTokens, *, n_tokens: int, seed: int) -> Chosen:
    """Return whole contexts of the pool, a keyed choice with at most *n_tokens* tokens; all where the pool has fewer.

    Tokens of massive norm are left out, as the harvest left them out. Raises ConfigError where not one context fits.
    """
    names = ["doc", "start", "context", "token_ids", "kept"]
    rows = read_table(harvest, "pool", columns=names).sort_values("context", ignore_index=True)
    keys = [draw_key(seed, "neurons", doc, int(start)) for doc, start in zip(rows["doc"], rows["start"], strict=True)]
    order = sorted(range(len(rows)), key=keys.__getitem__)
    n_each = np.array([int(np.sum(kept)) for kept in rows["kept"]], np.int64)
    chosen = [row for row, total in zip(order, np.cumsum(n_each[order]), strict=True) if total <= n_tokens]
    if not chosen:
        msg = f"--tokens {n_tokens}: not one context of the pool is so short; 20,000 are usual"
        raise ConfigError(msg)
    chosen.sort(key=lambda row: len(rows["kept"][row]))  # stable: the subject reads contexts of one length together
    kept = tuple(np.asarray(rows["kept"][row], np.bool_) for row in chosen)
    places = np.concatenate([tokens.first[row] + np.flatnonzero(k) for row, k in zip(chosen, kept, strict=True)])
    column = np.full(tokens.n, -1, np.int64)
    column[places] = np.arange(len(places))
    contexts = (
        Context(str(rows["doc"][row]), int(rows["start"][row]), tuple(map(int, rows["token_ids"][row])))
        for row in chosen
    )
    return Chosen(tuple(contexts), kept, column, len(places))


def on_chosen(activations: csr_array, chosen: Chosen) -> csr_array:
    """Return activations [n_features, tokens of the pool] on the chosen tokens alone, [n_features, n]."""
    column = chosen.column[activations.indices]
    is_in = column >= 0
    before = np.concatenate([[0], np.cumsum(is_in)])
    parts = (activations.data[is_in], column[is_in], before[activations.indptr])
    return csr_array(parts, shape=(activations.shape[0], chosen.n))


# ---- the subject's neurons


@dataclass(frozen=True)
class NeuronFiles:
    """Neurons' activations on the chosen tokens, float32, in files of some neurons each, [n_tokens, n of the file]."""

    folder: Path
    n_tokens: int
    widths: dict[Site, int]

    def blocks(self, sites: Sequence[Site]) -> Iterator[Floats]:
        """Yield the neurons of these sites, in the order of sites and numbers."""
        for site in sites:
            for start, end in self.edges(site):
                yield np.fromfile(self._path(site, start), np.float32).reshape(self.n_tokens, end - start)

    def edges(self, site: Site) -> list[tuple[int, int]]:
        """Return which neurons of a site each of its files holds."""
        size = max(1, CELLS_OF_A_BLOCK // max(self.n_tokens, 1))
        return [(start, min(start + size, self.widths[site])) for start in range(0, self.widths[site], size)]

    def append(self, site: Site, vectors: Floats) -> None:
        """Write some tokens more, [tokens, n neurons of the site]."""
        for start, end in self.edges(site):
            with self._path(site, start).open("ab") as file:
                np.ascontiguousarray(vectors[:, start:end]).tofile(file)

    def _path(self, site: Site, start: int) -> Path:
        return self.folder / f"{site}-{start}.f32"


@contextmanager
def neuron_activations(run: Run, sites: Sequence[Site], chosen: Chosen) -> Iterator[NeuronFiles]:
    """Yield the neurons of all sites on the chosen tokens, from one pass of the subject over them; removed after.

    On disk, not in memory: 20,000 tokens of 18,432 neurons (12 layers of SmolLM2-135M) are 1.5 GB.

    Raises:
        SubjectError: The subject has no neurons that are known here.
        EnvironmentProblem: There is no room for them under the home's cache.
    """
    cache = cache_of(run.home)
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="neurons-", dir=cache) as folder:
        files = NeuronFiles(Path(folder), chosen.n, run.subject.widths_of(sites) if sites else {})
        check_room(files, free=shutil.disk_usage(folder).free)
        _read_neurons(run, files, chosen)
        yield files


def check_room(files: NeuronFiles, *, free: int) -> None:
    """Raise EnvironmentProblem where the files to be written do not fit into *free* bytes."""
    needed = 4 * files.n_tokens * sum(files.widths.values())
    if needed > free:
        msg = (
            f"{files.folder.parent}: {needed / 1e9:.1f} GB are needed for a while, {free / 1e9:.1f} GB are free; "
            "make room or lower --tokens"
        )
        raise EnvironmentProblem(msg)


def _read_neurons(run: Run, files: NeuronFiles, chosen: Chosen) -> None:
    if not files.widths:
        return
    longest = max(len(context.token_ids) for context in chosen.contexts)
    size = max(1, min(BATCH, CELLS_OF_A_BATCH // (longest * sum(files.widths.values()))))
    done = 0
    for contexts, kept in _batches(chosen, size):
        vectors = run.subject.vectors_at([context.token_ids for context in contexts], list(files.widths))
        mask = np.concatenate(kept)
        for site, found in vectors.items():
            files.append(site, found.flatten(0, 1).cpu().numpy()[mask])
        done += int(mask.sum())
        run.on_progress("neurons", done, chosen.n, "tokens")


def _batches(chosen: Chosen, size: int) -> Iterator[tuple[list[Context], list[NDArray[np.bool_]]]]:
    """Yield contexts of one length with their masks, *size* at most, in the order of the chosen tokens.

    ``batches_of_one_length`` would yield what is left of a length after all others: not where features have it.
    """
    pairs = zip(chosen.contexts, chosen.kept, strict=True)
    for _, same in groupby(pairs, key=lambda pair: len(pair[0].token_ids)):
        while batch := list(islice(same, size)):
            contexts, kept = zip(*batch, strict=True)
            yield list(contexts), list(kept)


# ---- the comparison


def compare_with_neurons(
    run_dir: Path,
    *,
    dictionary: str = "",
    n_tokens: int = N_TOKENS,
    min_firings: int = MIN_FIRINGS,
    on_progress: OnProgress = ignore_progress,
) -> pd.DataFrame:
    """Return the rows of the table ``neurons`` of all dictionaries, or of the one named, after writing them.

    Features' activations are those that the harvest kept of its pool; the subject reads the chosen tokens once for
    the neurons of all layers.

    Raises:
        ConfigError: The text is not harvested, or no dictionary has that name.
        SubjectError: Where a dictionary reads, or what the subject's neurons are, is not known.
    """
    run = Run.at(run_dir, on_progress)
    dictionaries = dictionaries_named(run.dictionaries, dictionary)
    before = {d.name: neurons_before(site_of(d, run.config.site)) for d in dictionaries}
    tokens = pool_tokens(run.harvest_folder)
    chosen = choose_tokens(run.harvest_folder, tokens, n_tokens=n_tokens, seed=run.config.seed)
    sites = max(before.values(), key=len)  # those of a lower site are the first of a higher one's
    found = []
    with neuron_activations(run, sites, chosen) as files:
        for place, d in enumerate(dictionaries, 1):
            activations = pool_activations(run.harvest_folder, d.name, d.n_features, tokens)
            features = on_chosen(activations, chosen)
            del activations
            rows = neuron_rows(d.name, features, files, before[d.name], seed=run.config.seed, min_firings=min_firings)
            write_part(run.directory, "neurons", d.name, rows)
            found.append(rows)
            on_progress("correlations", place, len(dictionaries), "dictionaries")
    return pd.concat(found, ignore_index=True)


def neuron_rows(
    dictionary: str, features: csr_array, files: NeuronFiles, sites: Sequence[Site], *, seed: int, min_firings: int
) -> pd.DataFrame:
    """Return one row a feature, columns as of the table ``neurons``.

    Args:
        dictionary: Its name.
        features: Its activations on the chosen tokens, [n_features, n_tokens].
        files: The neurons on the same tokens.
        sites: Those of the neurons computed before the dictionary's site.
        seed: Of the run; with the dictionary it decides by how much each feature's tokens are shifted.
        min_firings: With fewer firings a feature is counted apart.
    """
    width, n_tokens = features.shape
    moved = shifted(features, offsets_of(dictionary, width, n_tokens, seed=seed))
    # Together: reading the neurons and centring them takes as long as correlating them with a narrow dictionary.
    both = strongest_neurons(csr_array(vstack([features, moved])), files.blocks(sites))
    best, null = (Strongest(both.neuron[rows], both.correlation[rows]) for rows in (slice(width), slice(width, None)))
    n_firings = np.diff(features.indptr)
    is_known = best.neuron >= 0
    status = np.select(
        [n_firings == 0, ~is_known, n_firings < min_firings], [SILENT, UNDEFINED, TOO_FEW], default=MEASURED
    )
    return pd.DataFrame(
        {"dictionary": dictionary, "feature": np.arange(width)}
        | _places(best, files, sites)
        | {
            "correlation": np.where(is_known, best.correlation, np.nan),
            "shifted": np.where(null.neuron >= 0, null.correlation, np.nan),
            "n_firings": n_firings.astype(np.int64),
            "n_tokens": n_tokens,
            "n_neurons": sum(files.widths[site] for site in sites),
            "status": status.astype(object),
        }
    )


def offsets_of(dictionary: str, width: int, n_tokens: int, *, seed: int) -> NDArray[np.int64]:
    """Return by how many tokens each feature is moved, [width]: keyed, between a quarter and three quarters of all.

    What moves by a few tokens still stands in the same sentences.
    """
    keys = draw_keys(draw_key(seed, "shifted", dictionary), np.arange(width, dtype=np.uint64))
    moves: NDArray[np.int64] = n_tokens // 4 + (keys % np.uint64(max(1, n_tokens // 2))).astype(np.int64)
    return moves


def _places(best: Strongest, files: NeuronFiles, sites: Sequence[Site]) -> dict[str, object]:
    """Return the columns that name each feature's neuron: its site and its number there, empty without one."""
    first = np.cumsum([0, *(files.widths[site] for site in sites)])
    at = np.searchsorted(first, best.neuron, side="right") - 1
    names = [str(sites[i]) if i >= 0 else None for i in at]
    numbers = [int(neuron - first[i]) if i >= 0 else None for neuron, i in zip(best.neuron, at, strict=True)]
    return {"neuron_site": names, "neuron": pd.array(numbers, dtype="Int64")}
