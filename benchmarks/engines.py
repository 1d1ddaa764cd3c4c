"""How much faster two workers harvest than one: ``python benchmarks/engines.py [--json] [--small] [--kinds ray,dask]``.

The demo's model and dictionaries, shards of text as chunks, through Prefect on a local cluster of each kind. One
worker and two, in turns, every process limited to one thread; the clock runs from the first shard done by each
worker, so that starting processes and loading models, which long runs pay once, are left out. Bar: with two
workers at least 1.6 times the shards a second of one. Needs two cores that nobody else uses.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

LIMITS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
ONE_THREAD = dict.fromkeys(LIMITS, "1") | {"OMP_WAIT_POLICY": "passive", "TOKENIZERS_PARALLELISM": "false"}
MIN_SPEED_UP = 1.6

CONFIG = """
name = "engines"
subject = "smollm2-135m-instruct"
site = "residual.12"
dictionaries = ["demo-ladder"]
corpus = ["gensim-news", "python-topics"]
[harvest]
n_tokens = {n_tokens}
shard_contexts = {shard_contexts}
[engine]
kind = "{kind}"
n_workers = {n_workers}
threads_a_worker = 1
"""

HARVEST = """
import json, sys, time
from pathlib import Path
from autointerp.pipeline.driver import load_config
from flows.evaluate import run_with_prefect

if __name__ == "__main__":
    seen = []
    def show(stage, done, total, unit):
        if stage == "harvest":
            seen.append((time.monotonic(), done))
    run_with_prefect(load_config(Path(sys.argv[1])), home=Path(sys.argv[2]), on_progress=show, last="harvest")
    print(json.dumps(seen))
"""


def shards_a_second(folder: Path, *, kind: str, n_workers: int, n_shards: int, contexts: int) -> float:
    """Return the rate of one harvest in a home of its own, from when every worker has done its first shard."""
    with tempfile.TemporaryDirectory(dir=folder) as home:
        path, script = Path(home) / "c.toml", Path(home) / "harvest.py"
        n_tokens = n_shards * contexts * 128
        path.write_text(
            CONFIG.format(n_tokens=n_tokens, shard_contexts=contexts, kind=kind, n_workers=n_workers), "utf-8"
        )
        script.write_text(HARVEST, "utf-8")
        environment = os.environ | ONE_THREAD | {"PREFECT_HOME": str(folder / "prefect")}
        done = subprocess.run(
            [sys.executable, str(script), str(path), home], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{kind}, {n_workers} workers: ended with {done.returncode}: {done.stderr}")
        return rate(json.loads(done.stdout.splitlines()[-1]), n_workers)


def rate(seen: Sequence[tuple[float, int]], n_workers: int) -> float:
    """Return chunks a second after the first *n_workers* are done.

    >>> rate([(0.0, 0), (9.0, 1), (10.0, 2), (12.0, 3), (14.0, 4)], n_workers=2)
    0.5
    """
    start, first = next((at, done) for at, done in seen if done >= n_workers)
    end, last = seen[-1]
    return (last - first) / (end - start)


def main() -> None:
    """Measure, print, and end with 1 if the bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    parser.add_argument("--small", action="store_true", help="a quick check of the benchmark itself")
    parser.add_argument("--kinds", default="ray,dask", help="engines, by commas")
    options = parser.parse_args()
    n_shards, contexts, n_repetitions = (6, 4, 1) if options.small else (24, 32, 3)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="benchmark-engines-") as folder:
        for kind in options.kinds.split(","):
            rates: dict[int, list[float]] = {1: [], 2: []}
            for number in range(n_repetitions):
                for n in (1, 2) if number % 2 else (2, 1):
                    rates[n].append(
                        shards_a_second(Path(folder), kind=kind, n_workers=n, n_shards=n_shards, contexts=contexts)
                    )
            figures[f"{kind}_speed_up"] = median(rates[2]) / median(rates[1])
            print(f"{kind}_speed_up {figures[f'{kind}_speed_up']:.2f} (bar {MIN_SPEED_UP})", flush=True)
    missed = [name for name, value in figures.items() if value < MIN_SPEED_UP]
    print("below the bar: " + ", ".join(missed) if missed else "all bars met", flush=True)
    if options.json:
        print(json.dumps(figures | {"small": options.small, "missed": missed}))
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
