"""How fast, in how much memory and how soon text is harvested: ``python benchmarks/harvest.py [--json] [--small]``.

1. Throughput of the harvest with three dictionaries, statistics, samples, Parquet parts and all, divided by
   that of the bare forward and encoding of the same model and dictionaries, shards taken in turns. Bar: at
   least 0.90. And what each further dictionary costs beyond its own encoder, as a share of the bare pass with
   one dictionary. Bar: at most 0.05.
2. Peak memory of ``autointerp harvest`` at N and at 10 N tokens, each in a process of its own. A small
   random model with dictionaries of the demo's widths and sparsity: what is measured is growth with the
   text, which depends on the number of activations and not on the model's size. Bar: at most 200 MB more.
3. Seconds from ``autointerp run`` to the first tokens harvested, with the demo's model; seconds of
   ``autointerp --help`` (median of 5; bar 0.5); and what Prefect adds to a run that is finished already.

Run it on an idle machine. ``--small`` checks that the benchmark works; its figures are not results.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

AUTOINTERP = Path(sys.executable).with_name("autointerp")
WIDTHS, ACTIVE, SMALL_D_MODEL = (512, 1024, 2048, 4096), 32, 64
MIN_RELATIVE, MAX_EXCESS, MAX_GROWTH_MB, MAX_HELP_S = 0.90, 0.05, 200.0, 0.5

Figures = dict[str, float | int | str]


@dataclass(frozen=True)
class Sizes:
    """How much is measured: memory at ``n_tokens`` and ten times that, throughput on ``n_repetitions`` shards."""

    n_tokens: int
    n_repetitions: int


FULL, SMALL = Sizes(100_000, 8), Sizes(10_000, 2)
N_DICTIONARIES = 3


# ---- 1. throughput


def relative_throughput(config_path: Path, home: Path, sizes: Sizes) -> Figures:
    """Return tokens a second of harvest and bare pass, their ratio, and what a further dictionary costs.

    Ratios are medians over shards, of passes one directly after the other: a machine that others share changes its
    speed from minute to minute. To them is added by how much the merge of these shards, which a long harvest does
    once in eight, delays the passes beside which it is done.
    """
    from autointerp.pipeline.driver import load_config
    from autointerp.pipeline.harvesting import text_plan
    from autointerp.pipeline.planned import read_shard
    from autointerp.pipeline.run import Run, run_directory

    config = load_config(config_path)
    run = Run(config, home, run_directory(home, config))
    n_shards = len(text_plan(run).shard_tokens)
    require(n_shards > sizes.n_repetitions, f"{n_shards} shards of text are not enough")
    shards = [read_shard(run.harvest_folder, number) for number in range(sizes.n_repetitions + 1)]
    three, one = run.dictionaries[-N_DICTIONARIES:], run.dictionaries[-1:]

    def passes(folder: str, dictionaries: Sequence[Any]) -> tuple[Callable[[int], object], Callable[[int], object]]:
        return (
            lambda number: harvest_shard(run, home / folder, number, shards[number], dictionaries),
            lambda number: forward_and_encode(run, [c.context for c in shards[number]], dictionaries),
        )

    harvest, bare = passes("three", three)
    harvest_one, bare_one = passes("one", one)
    kinds = {"harvest": harvest, "bare": bare, "harvest_one": harvest_one, "bare_one": bare_one}
    for do in kinds.values():
        do(sizes.n_repetitions)  # the first pass of each allocates
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(sizes.n_repetitions):
        # Taken in turns and in alternating order, so that whatever else the machine does hits all.
        for name in kinds if number % 2 else reversed(kinds):
            taken[name].append(seconds_of(kinds[name], number))
    seconds = {name: np.array(values) for name, values in taken.items()}
    merging = merge_seconds(run, home / "three", sizes.n_repetitions - 1, three, bare)
    merging_one = merge_seconds(run, home / "one", sizes.n_repetitions - 1, one, bare_one)
    n_more = len(three) - 1
    of_merges = merging / seconds["bare"].sum()
    relative = np.median(seconds["harvest"] / seconds["bare"]) + of_merges
    further = seconds["harvest"] - seconds["harvest_one"] - (seconds["bare"] - seconds["bare_one"])
    of_further = np.median(further / n_more / seconds["bare_one"])
    n_tokens = sum(len(c.context.token_ids) for shard in shards[: sizes.n_repetitions] for c in shard)
    return {
        "harvest_tokens_per_s": float(n_tokens / (seconds["harvest"].sum() + merging)),
        "bare_tokens_per_s": float(n_tokens / seconds["bare"].sum()),
        "harvest_relative_throughput": float(1 / relative),
        "n_dictionaries": len(three),
        "further_dictionary_excess": float(of_further + (merging - merging_one) / n_more / seconds["bare_one"].sum()),
        "merge_share": float(of_merges),
        "least_shard": float(1 / (max(seconds["harvest"] / seconds["bare"]) + of_merges)),
        "most_shard": float(1 / (min(seconds["harvest"] / seconds["bare"]) + of_merges)),
    }


def merge_seconds(
    run: Any, folder: Path, last: int, dictionaries: Sequence[Any], bare: Callable[[int], object]
) -> float:
    """Return by how much merging the finished shards up to *last* delays the pass beside which it is done.

    The median of three merges of the same shards, each beside the pass over as many shards as it takes.
    """
    from autointerp.pipeline.harvesting import limits_of
    from autointerp.pipeline.sketching import merge_up

    widths, delays = {d.name: d.n_features for d in dictionaries}, []
    for number in range(3):
        again = folder.with_name(f"{folder.name}-{number}")
        shutil.copytree(folder, again)
        alone = seconds_of(bare, number) / 2
        start = time.perf_counter()
        merging = threading.Thread(target=merge_up, args=(again, last, widths, limits_of(run.config.harvest)))
        merging.start()
        n_passes = 0
        while merging.is_alive() or not n_passes:
            bare(number)
            n_passes += 1
        merging.join()
        beside = time.perf_counter() - start
        alone += seconds_of(bare, number) / 2
        delays.append(beside - n_passes * alone)
    return median(delays)


def harvest_shard(run: Any, folder: Path, number: int, contexts: Sequence[Any], dictionaries: Sequence[Any]) -> None:
    """Do what the harvest does with one shard, statistics, samples and parts; merges are measured by themselves."""
    from autointerp.pipeline.harvesting import readers_of, text_plan, write_shard

    section = run.config.harvest
    write_shard(
        folder,
        number,
        contexts,
        subject=run.subject,
        readers=[reader for reader in readers_of(run) if reader.dictionary in dictionaries],
        seed=run.config.seed,
        section=section,
        pool_key=text_plan(run).pool_key,
    )


def forward_and_encode(run: Any, contexts: Sequence[Any], dictionaries: Sequence[Any]) -> None:
    """Do what no harvest can do without: the pass up to the site and the encoding, in the harvest's batches."""
    from autointerp.pipeline.harvesting import readers_of
    from autointerp.subject.contexts import batches_of_one_length
    from autointerp.subject.harvest import BATCH

    (site,) = {reader.site for reader in readers_of(run) if reader.dictionary in dictionaries}
    for batch in batches_of_one_length(contexts, size=BATCH):
        vectors = run.subject.site_vectors([context.token_ids for context in batch], site)
        for dictionary in dictionaries:
            dictionary.encode(vectors)


def seconds_of(do: Callable[..., object], *arguments: object) -> float:
    start = time.perf_counter()
    do(*arguments)
    return time.perf_counter() - start


# ---- 2. memory


def memory_growth(world: Path, sizes: Sizes) -> Figures:
    """Return peak memory at N and 10 N tokens in MB, and the difference."""
    figures: Figures = {}
    peaks = []
    for n_tokens in (sizes.n_tokens, 10 * sizes.n_tokens):
        home = world / f"memory-{n_tokens}"
        config = small_config(world, name="memory", n_tokens=n_tokens)
        peaks.append(peak_mb(["harvest", str(config), "--home", str(home), "--plain", "--json"]))
        figures[f"n_tokens_{'10n' if peaks[1:] else 'n'}"] = harvested_tokens(home)
        figures[f"peak_mb_{'10n' if peaks[1:] else 'n'}"] = peaks[-1]
    return figures | {"memory_growth_mb": peaks[1] - peaks[0]}


def peak_mb(arguments: Sequence[str]) -> float:
    """Return the largest resident memory of one command, as the kernel counted it.

    A child begins with its parent's peak: call this before the parent has loaded anything large.
    """
    process = subprocess.Popen([str(AUTOINTERP), *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    require(process.returncode == 0, f"autointerp {' '.join(arguments)} ended with {process.returncode}")
    return usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)


def harvested_tokens(home: Path) -> int:
    manifest = next((home / "cache" / "harvests").glob("*/manifest.json"))
    return int(json.loads(manifest.read_text("utf-8"))["n_tokens"])


def make_small_world(folder: Path) -> None:
    """Write a random model of two layers with the demo's tokenizer, and random top-k dictionaries.

    In a process of its own: see ``peak_mb``.
    """
    code = "import sys; sys.path.insert(0, sys.argv[1]); import harvest; harvest.write_small_world(sys.argv[2])"
    run_python(code, Path(__file__).parent, folder)


def run_python(code: str, *arguments: object) -> None:
    subprocess.run([sys.executable, "-c", code, *map(str, arguments)], check=True)


def write_small_world(folder: str) -> None:
    """Write ``model`` and ``ladder`` into the folder."""
    import torch
    from sae_lens import TopKSAE, TopKSAEConfig
    from sae_lens.saes.sae import SAEMetadata
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from autointerp.checkpoints import demo_files

    torch.manual_seed(0)
    gguf_folder, gguf_file = demo_files()
    tokenizer = AutoTokenizer.from_pretrained(gguf_folder, gguf_file=gguf_file)
    tokenizer.save_pretrained(Path(folder) / "model")
    model = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=SMALL_D_MODEL,
        intermediate_size=2 * SMALL_D_MODEL,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        initializer_range=0.3,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    LlamaForCausalLM(model).save_pretrained(Path(folder) / "model")
    for width in WIDTHS:
        named = SAEMetadata(name=f"small/{width}", site="residual.1")
        sae = TopKSAE(TopKSAEConfig(d_in=SMALL_D_MODEL, d_sae=width, k=ACTIVE, dtype="float32", metadata=named))
        sae.save_model(Path(folder) / "ladder" / str(width))


def small_config(world: Path, *, name: str, n_tokens: int) -> Path:
    """Write a configuration over the small model that asks no language model, and return its path."""
    text = f"""
name = "{name}"
subject = "{world / "model"}"
site = "residual.1"
dictionaries = ["{world / "ladder"}"]
corpus = ["python-stdlib"]
[harvest]
n_tokens = {n_tokens}
[features]
n_per_dictionary = 3
min_held_out = 5
[explain]
explainers = ["lexical"]
[score]
scorers = ["detection"]
judge = "constant:0.5"
[certify]
n_features = 0
"""
    path = world / f"{name}-{n_tokens}.toml"
    path.write_text(text, "utf-8")
    return path


# ---- 3. start


def help_seconds() -> float:
    return median(seconds_of(run_command, "--help") for _ in range(5))


def prefect_overhead(world: Path, sizes: Sizes) -> Figures:
    """Return seconds of a finished run as plain Python and through Prefect, and what Prefect adds."""
    config, home = small_config(world, name="finished", n_tokens=sizes.n_tokens), world / "finished"
    plain = ["run", str(config), "--home", str(home), "--plain"]
    run_command(*plain)
    without = median(seconds_of(run_command, *plain) for _ in range(3))
    # Prefect's first run in a fresh home of its own makes its database.
    os.environ["PREFECT_HOME"] = str(world / "prefect")
    fresh, *later = [seconds_of(run_command, *plain[:-1]) for _ in range(4)]
    del os.environ["PREFECT_HOME"]
    return {
        "finished_run_plain_s": without,
        "finished_run_prefect_s": median(later),
        "prefect_overhead_s": median(later) - without,
        "prefect_overhead_fresh_home_s": fresh - without,
    }


def first_token_seconds(config_path: Path, world: Path) -> Figures:
    """Return seconds from the command to the first context harvested, with Prefect and without."""
    return {
        "first_token_prefect_s": seconds_to_harvest(config_path, world / "first-prefect"),
        "first_token_plain_s": seconds_to_harvest(config_path, world / "first-plain", "--plain"),
    }


def seconds_to_harvest(config_path: Path, home: Path, *options: str) -> float:
    """Return seconds until the first progress line of the harvest; the run is then interrupted."""
    command = [str(AUTOINTERP), "run", str(config_path), "--home", str(home), *options]
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        seen = []
        for line in process.stderr:
            seen.append(line)
            if line.startswith("harvest"):
                elapsed = time.perf_counter() - start
                end(process)
                return elapsed
    msg = f"{' '.join(command)}: nothing was harvested\n{''.join(seen)}"
    raise SystemExit(msg)


def end(process: subprocess.Popen[str]) -> None:
    """Interrupt a run as a person would, so that it ends its server; kill what does not listen."""
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def run_command(*arguments: str) -> None:
    done = subprocess.run([str(AUTOINTERP), *arguments], capture_output=True, text=True, check=False)
    require(done.returncode == 0, f"autointerp {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")


def require(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise SystemExit(otherwise)


# ---- all of it


def demo_config(folder: Path, name: str, dictionaries: Path | None, *, shard_contexts: int = 64) -> Path:
    """Write the demo's configuration with these changes and return its path.

    One context a shard makes the first progress line that of the first context.
    """
    path = folder / f"{name}.toml"
    run_command("init", str(path))
    text = path.read_text("utf-8").replace('name = "demo"', f'name = "{name}"')
    text = text.replace("shard_contexts = 64", f"shard_contexts = {shard_contexts}")
    require(f"shard_contexts = {shard_contexts}" in text, "the demo's configuration has no `shard_contexts = 64`")
    if dictionaries:
        text = text.replace('"demo-ladder"', json.dumps(str(dictionaries)))
    path.write_text(text, "utf-8")
    return path


@contextmanager
def showing(figures: Figures, title: str) -> Iterator[None]:
    """Print the figures that are added within."""
    known = set(figures)
    print(f"\n{title}", flush=True)
    yield
    for name in (n for n in figures if n not in known):
        value = figures[name]
        print(f"  {name:32} {value:,.3f}" if isinstance(value, float) else f"  {name:32} {value}", flush=True)


def measure(world: Path, sizes: Sizes, dictionaries: Path | None) -> Figures:
    """Return all figures; memory comes first, while this process is small."""
    figures: Figures = {}
    with showing(figures, "start of the command line"):
        figures["help_s"] = help_seconds()
    make_small_world(world)
    with showing(figures, f"memory of a harvest (a random model, {len(WIDTHS)} dictionaries of the demo's widths)"):
        figures |= memory_growth(world, sizes)
    with showing(figures, "Prefect's part of a run that is finished already"):
        figures |= prefect_overhead(world, sizes)
    with showing(figures, "from the command to the first context harvested (the demo's model)"):
        figures |= first_token_seconds(demo_config(world, "first", dictionaries, shard_contexts=1), world)
    return figures | throughput(world, sizes, dictionaries)


def throughput(world: Path, sizes: Sizes, dictionaries: Path | None) -> Figures:
    figures: Figures = {}
    with showing(figures, "throughput (the demo's model and dictionaries)"):
        figures |= relative_throughput(demo_config(world, "throughput", dictionaries), world / "throughput", sizes)
    return figures


def failures(figures: Figures) -> list[str]:
    """Return one phrase a figure on the wrong side of its bar."""
    bars = (
        ("harvest_relative_throughput", ">=", MIN_RELATIVE),
        ("further_dictionary_excess", "<=", MAX_EXCESS),
        ("memory_growth_mb", "<=", MAX_GROWTH_MB),
        ("help_s", "<=", MAX_HELP_S),
    )
    missed = []
    for name, sign, bar in bars:
        if name not in figures:
            continue
        value = float(figures[name])
        if value < bar if sign == ">=" else value > bar:
            missed.append(f"{name} {value:.3f}, bar {sign} {bar}")
    return missed


def main() -> None:
    """Measure, print, and end with 1 if a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    parser.add_argument("--only", choices=["throughput"], help="this part alone")
    parser.add_argument("--small", action="store_true", help="a quick check of the benchmark itself")
    parser.add_argument("--dictionaries", type=Path, help="a ladder's folder instead of the demo's")
    options = parser.parse_args()
    # Started in a shell's background this process ignores Ctrl-C, and so would the runs it interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="benchmark-harvest-") as folder:
        dictionaries = options.dictionaries.resolve() if options.dictionaries else None
        sizes = SMALL if options.small else FULL
        if options.only:
            figures = throughput(Path(folder), sizes, dictionaries)
        else:
            figures = measure(Path(folder), sizes, dictionaries)
    missed = failures(figures)
    print("\n" + ("below the bar: " + "; ".join(missed) if missed else "all bars met"), flush=True)
    if options.json:
        print(json.dumps(figures | {"small": options.small, "missed": missed}))
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
