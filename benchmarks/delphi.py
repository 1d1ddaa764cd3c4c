"""From text to 100 windows of every feature, beside delphi: ``python benchmarks/delphi.py --delphi PATH [--json]``.

PATH (or $DELPHI_PATH) is a folder from which EleutherAI's delphi can be imported; without it nothing is measured.
Both read the same contexts of 128 tokens with the same model and dictionary on the CPU, each side in a process of
its own, and end with 100 windows of 32 tokens of every feature that fires: all of them where it fires in fewer.

- delphi: ``LatentCache.run`` and ``save_splits``, then ``LatentDataset`` with its constructor and sampler. It runs
  the whole model; of one file and of five the faster and the smaller are taken; no silent windows are drawn.
- autointerp: the harvest as ``autointerp harvest`` does it, once with each of ``HARVESTS``, then ``read_samples`` and
  a keyed draw of windows.

Ratios are delphi's figure by ours, with the harvest named ``hundred``; seconds do not count loading a model, nor
making token ids of the text. ``time_ratio``: all of it. ``time_ratio_without_forward``: less each side's own
pass through the model and a dense encoding of the same vectors. ``time_ratio_with_strings``: both also turn every
window's token ids into text. ``cpu_ratio``, ``cpu_ratio_without_forward``: of processor time, which other work
on the machine lengthens less. ``bytes_ratio``: of what stands on the disk. Bars, an aim: ``time_ratio`` and
``bytes_ratio`` at least 5. ``--small`` checks that the benchmark works; its figures are not results.
"""

import argparse
import json
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
import types
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TQDM_DISABLE", "1")

import harvest as common

# This file is called as the package is: what is imported by that name must not be found here.
sys.path.remove(str(FOLDER))
sys.path[:] = [place for place in sys.path if place and Path(place).resolve() != FOLDER]

Figures = dict[str, Any]

AIM = 5.0
N_WINDOWS, TILE = 100, 32
DOCUMENT_TOKENS, DOCUMENT_CHARACTERS = 1024, 12_288
BATCH = 32
"""Contexts a batch: delphi's default."""
SPLITS = (1, 5)
"""Files a cache is written to; five is delphi's default."""
HARVESTS = {
    "hundred": "n_top = 100\nn_stratum = 100\n",
    "default": "",
    "all": 'keep = "all"\n',
}
"""What is kept: 100 tiles of each side and stratum, as the demo keeps, and every activation besides."""

ABSENT = {"faiss": (), "sentence_transformers": ("SentenceTransformer",), "blobfile": ("BlobFile",)}
"""Packages that delphi imports beside what is used here, and the names it asks of them."""


@dataclass
class Clock:
    """Seconds and processor seconds by what was done; a part within another counts in both."""

    wall: Counter[str] = field(default_factory=Counter)
    cpu: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall[name] += time.perf_counter() - wall
        self.cpu[name] += time.process_time() - cpu

    def timed(self, name: str, do: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, its calls counted under this name."""

        @wraps(do)
        def timed(*arguments: Any, **options: Any) -> Any:
            with self.of(name):
                return do(*arguments, **options)

        return timed

    def figures(self) -> Figures:
        return {"wall": dict(self.wall), "cpu": dict(self.cpu)}


# ---- what both read


def write_world(folder: Path, *, n_tokens: int, is_small: bool) -> None:
    """Write ``corpus.jsonl``, one document for every 1,024 tokens, and the small model where it is wanted."""
    from autointerp.pipeline.driver import load_config
    from autointerp.subject.corpus import distinct, in_keyed_order, list_corpus
    from autointerp.subject.model import Subject

    if is_small:
        common.make_small_world(folder)
    subject = Subject.load(str(folder / "model") if is_small else load_config(None).subject)
    sources = ["python-stdlib"] if is_small else load_config(None).corpus
    n_documents = n_tokens // DOCUMENT_TOKENS
    with (folder / "corpus.jsonl").open("w", encoding="utf-8") as file:
        for document in distinct(in_keyed_order(list_corpus(sources), seed=0)):
            text = document.text[:DOCUMENT_CHARACTERS]
            if len(subject.token_ids(text)) >= DOCUMENT_TOKENS:
                file.write(json.dumps({"text": text}) + "\n")
                n_documents -= 1
            if not n_documents:
                return
    raise SystemExit("the corpus has too few long documents")


def open_run(folder: Path, *, name: str, n_tokens: int, is_small: bool) -> Any:
    """Return the run that harvests the corpus; its text is planned."""
    from autointerp.pipeline.driver import load_config
    from autointerp.pipeline.harvesting import text_plan
    from autointerp.pipeline.run import Run, run_directory
    from autointerp.pipeline.shipped import demo_ladder_folder

    demo = load_config(None)
    text = f"""
name = "{name}"
subject = "{folder / "model" if is_small else demo.subject}"
site = "{"residual.1" if is_small else demo.site}"
dictionaries = ["{(folder / "ladder" if is_small else demo_ladder_folder()) / "2048"}"]
corpus = ["jsonl:{folder / "corpus.jsonl"}"]
[harvest]
n_tokens = {n_tokens}
max_tokens_per_document = {DOCUMENT_TOKENS}
{HARVESTS.get(name, "")}"""
    path = folder / f"{name}.toml"
    path.write_text(text, "utf-8")
    config, home = load_config(path), folder / name
    run = Run(config, home, run_directory(home, config))
    found = text_plan(run)
    common.require(found.n_tokens == n_tokens, f"{found.n_tokens} tokens of text instead of {n_tokens}")
    return run


def contexts_of(run: Any) -> list[Any]:
    from autointerp.pipeline.harvesting import text_plan
    from autointerp.pipeline.planned import read_shard

    numbers = range(len(text_plan(run).shard_tokens))
    return [planned.context for number in numbers for planned in read_shard(run.harvest_folder, number)]


def warm_up(run: Any) -> None:
    """Encode one batch: the first pass allocates."""
    ids = [context.token_ids for context in contexts_of(run)[:8]]
    run.dictionaries[0].encode(run.subject.site_vectors(ids, run.site))


# ---- autointerp


def measure_ours(run: Any) -> Figures:
    """Return what the harvest of the planned text takes, and the windows of every feature."""
    from autointerp.pipeline.harvesting import finish_harvest, harvest_chunk, harvest_chunks
    from autointerp.pipeline.samples import read_counts, read_samples

    subject, dictionary, clock = run.subject, run.dictionaries[0], Clock()
    warm_up(run)
    vars(subject)["vectors_at"] = clock.timed("forward", subject.vectors_at)
    encode_sparse = dictionary.encode_sparse

    def encoded(vectors: Any) -> Any:
        with clock.of("encode"):
            dictionary.encode(vectors)
        return encode_sparse(vectors)

    # The dense encoding is only there to be subtracted: ``cache`` and all the rest are without it.
    vars(dictionary)["encode_sparse"] = encoded
    with clock.of("cache"):
        for chunk in harvest_chunks(run):
            harvest_chunk(run, chunk)
        finish_harvest(run)
    for spent in (clock.wall, clock.cpu):
        spent["cache"] -= spent["encode"]
    n = dictionary.n_features
    with clock.of("load"):
        samples = read_samples(run.harvest_folder, dictionary.name, range(n))
        windows = {feature: windows_of(sample) for feature, sample in samples.items()}
    with clock.of("strings"):
        for found in windows.values():
            for _, _, ids, _ in found:
                subject.display_tokens(ids)
    counts = read_counts(run.harvest_folder, dictionary.name, n)[1]
    return summary([len(found) for found in windows.values()]) | {
        "clock": clock.figures(),
        "n_activations": int(counts["n_tokens"].sum()),
        "bytes": bytes_of(run.harvest_folder),
        "tables": {folder.name: bytes_of(folder) for folder in run.harvest_folder.iterdir() if folder.is_dir()},
    }


def windows_of(sample: Any) -> list[tuple[str, int, tuple[int, ...], Any]]:
    """Return (document, start, token ids, activations) of the 100 kept tiles with the lowest keys."""
    windows = []
    for row in sample.key.argsort()[:N_WINDOWS].tolist():
        half = int(sample.tile[row]) % 2 * TILE
        place = slice(half, half + TILE)
        windows.append((sample.doc[row], int(sample.start[row]), sample.pair[row][place], sample.values[row, place]))
    return windows


# ---- delphi


def import_delphi(place: str) -> Any:
    """Return the package. Raises ImportError."""
    sys.path.append(place)
    for name, attributes in ABSENT.items():
        module = types.ModuleType(name)
        vars(module).update({attribute: type(attribute, (), {}) for attribute in attributes})
        sys.modules.setdefault(name, module)
    import delphi.config
    import delphi.latents

    logging.getLogger("delphi").setLevel(logging.ERROR)
    return delphi


def model_with_bos(subject: Any, clock: Clock) -> Any:
    """Return the model without its head, as delphi calls it; it reads what ours reads, a BOS token first."""
    import torch

    class WithBos(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = getattr(subject.model, subject.model.base_model_prefix)
            self.device = subject.device

        def forward(self, ids: Any) -> None:
            head = ids.new_full((len(ids), 1), subject.bos)
            with clock.of("forward"):
                self.inner(input_ids=torch.cat([head, ids], dim=1), use_cache=False)

    return WithBos()


class TokenIds:
    """A tokenizer that leaves token ids what they are: delphi makes text of every window it samples."""

    def batch_decode(self, ids: Any) -> list[int]:
        return list(ids.tolist())


def measure_delphi(run: Any, folder: Path, place: str) -> Figures:
    """Return what caching and loading take with each number of files."""
    import torch

    delphi, clock = import_delphi(place), Clock()
    subject, dictionary = run.subject, run.dictionaries[0]
    tokens = torch.tensor([context.token_ids for context in contexts_of(run)])
    warm_up(run)
    model = model_with_bos(subject, clock)
    layer = subject.tap(run.site).module
    hookpoint = next(name for name, module in model.named_modules() if module is layer)
    encode = clock.timed("encode", lambda vectors: dictionary.encode(vectors[:, 1:]))
    cache = delphi.latents.LatentCache(model, {hookpoint: encode}, batch_size=BATCH)
    with clock.of("cache"):
        cache.run(tokens.numel(), tokens)
    sizes = {}
    for n_splits in SPLITS:
        raw = folder / f"delphi-{n_splits}"
        with clock.of(f"save_{n_splits}"):
            cache.save_splits(n_splits=n_splits, save_dir=raw)
            cache.save_config(raw, delphi.config.CacheConfig(), run.config.subject)
        with clock.of(f"load_{n_splits}"):
            found = [len(record.train) for record in dataset(delphi, raw, hookpoint, TokenIds())]
        sizes[str(n_splits)] = bytes_of(raw)
    raw = folder / f"delphi-{SPLITS[-1]}"
    with clock.of("load_strings"):
        for _ in dataset(delphi, raw, hookpoint, subject.tokenizer):
            pass
    return summary(found) | {
        "clock": clock.figures(),
        "n_activations": len(cache.cache.latent_activations[hookpoint]),
        "bytes": sizes,
    }


def dataset(delphi: Any, raw: Path, hookpoint: str, tokenizer: Any) -> Any:
    """Return delphi's records of every feature with at least one window, none of them silent."""
    sampler = delphi.config.SamplerConfig(n_examples_train=N_WINDOWS, n_examples_test=0, train_type="random")
    constructor = delphi.config.ConstructorConfig(example_ctx_len=TILE, min_examples=1, n_non_activating=0)
    return delphi.latents.LatentDataset(raw, sampler, constructor, tokenizer=tokenizer, modules=[hookpoint])


# ---- figures


def summary(windows: list[int]) -> Figures:
    """Return how many features have windows, how many windows there are, and the process's peak memory."""
    return {
        "n_features": sum(n > 0 for n in windows),
        "n_features_hundred": sum(n >= N_WINDOWS for n in windows),
        "n_windows": sum(windows),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def compared(ours: Figures, theirs: Figures) -> Figures:
    """Return the ratios, delphi's figure by ours."""
    times = {kind: _times(ours["clock"][kind], theirs["clock"][kind]) for kind in ("wall", "cpu")}
    return {
        "time_ratio": times["wall"]["all"],
        "time_ratio_without_forward": times["wall"]["without_forward"],
        "time_ratio_with_strings": times["wall"]["with_strings"],
        "cpu_ratio": times["cpu"]["all"],
        "cpu_ratio_without_forward": times["cpu"]["without_forward"],
        "bytes_ratio": min(theirs["bytes"].values()) / ours["bytes"],
    }


def _times(ours: Mapping[str, float], theirs: Mapping[str, float]) -> dict[str, float]:
    least = min(theirs[f"save_{n}"] + theirs[f"load_{n}"] for n in SPLITS)
    strings = theirs[f"save_{SPLITS[-1]}"] + theirs["load_strings"]
    mine = ours["cache"] + ours["load"]
    bare, their_bare = (side["forward"] + side["encode"] for side in (ours, theirs))
    return {
        "all": (theirs["cache"] + least) / mine,
        "without_forward": (theirs["cache"] - their_bare + least) / (mine - bare),
        "with_strings": (theirs["cache"] + strings) / (mine + ours["strings"]),
    }


# ---- all of it


def in_child(side: str, folder: Path, options: argparse.Namespace) -> Figures:
    """Return what one side measures in a process of its own."""
    command = [sys.executable, str(Path(__file__)), "--side", side, "--folder", str(folder)]
    command += ["--n-tokens", str(options.n_tokens)]
    command += ["--delphi", str(options.delphi)] + (["--small"] if options.small else [])
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def side_figures(options: argparse.Namespace) -> Figures:
    folder, name = options.folder, options.side
    if name == "world":
        write_world(folder, n_tokens=options.n_tokens, is_small=options.small)
        return {}
    run = open_run(folder, name=name, n_tokens=options.n_tokens, is_small=options.small)
    return measure_delphi(run, folder, str(options.delphi)) if name == "delphi" else measure_ours(run)


def reason_to_skip(place: Path | None) -> str:
    """Return why nothing can be measured, "" when it can."""
    if place is None:
        return "no path to delphi: --delphi PATH, or DELPHI_PATH in the environment"
    command = [sys.executable, str(Path(__file__)), "--side", "check", "--delphi", str(place)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    return f"{place}: {done.stderr.strip().splitlines()[-1]}" if done.returncode else ""


HOW = (
    "To get it: pip install --no-deps --target /tmp/delphi eai-delphi asyncer; what else it misses, likewise; "
    "then python benchmarks/delphi.py --delphi /tmp/delphi"
)


def measure(folder: Path, options: argparse.Namespace) -> Figures:
    """Return all figures: both sides', and the ratios of each harvest."""
    in_child("world", folder, options)
    sides = {}
    for name in ("delphi", *HARVESTS):
        sides[name] = in_child(name, folder, options)
        print(f"\n{name}", *lines_of(sides[name]), sep="\n", flush=True)
    ratios = {name: compared(sides[name], sides["delphi"]) for name in HARVESTS}
    for name, own in ratios.items():
        print(f"\ndelphi / {name}", *lines_of(own), sep="\n", flush=True)
    return {"n_tokens": options.n_tokens, "small": options.small} | ratios["hundred"] | {"sides": sides, "rows": ratios}


def lines_of(figures: Mapping[str, Any], indent: int = 2) -> Iterator[str]:
    for name, value in figures.items():
        if isinstance(value, dict):
            yield f"{'':{indent}}{name}"
            yield from lines_of(value, indent + 2)
        else:
            yield f"{'':{indent}}{name:{34 - indent}} " + (
                f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
            )


def main() -> None:
    """Measure, print, and end with 1 below the aim; with 0 where delphi is not there, unless it is required."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--delphi", type=Path, default=os.environ.get("DELPHI_PATH"), help="a folder with delphi")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    parser.add_argument("--small", action="store_true", help="a random model of two layers and a fifth of the text")
    parser.add_argument("--n-tokens", type=int, default=0, help="tokens to read, a multiple of 4,096")
    parser.add_argument("--require", action="store_true", help="end with 1 where delphi is not there")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.n_tokens = options.n_tokens or (8_192 if options.small else 40_960)
    if options.side == "check":
        import_delphi(str(options.delphi))
        return
    if options.side:
        print(json.dumps(side_figures(options)))
        return
    if reason := reason_to_skip(options.delphi):
        print(f"SKIPPED, nothing was compared. {reason}\n{HOW}", file=sys.stderr)
        print(json.dumps({"skipped": reason}) if options.json else "skipped")
        raise SystemExit(1 if options.require else 0)
    with tempfile.TemporaryDirectory(prefix="benchmark-delphi-") as folder:
        figures = measure(Path(folder), options)
    missed = [
        f"{n} {figures[n]:.2f}, aim {AIM:.0f}"
        for n in ("time_ratio_without_forward", "bytes_ratio")
        if figures[n] < AIM
    ]
    print("\n" + ("below the aim: " + "; ".join(missed) if missed else "both aims reached"), flush=True)
    if options.json:
        print(json.dumps(figures | {"missed": missed}))
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
