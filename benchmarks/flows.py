"""What flows cost and what they survive: ``python benchmarks/flows.py [--json] [--small] [--only overhead,kills]``.

overhead   the same labelling by the plain pipeline and by Prefect's flow, in turns (plain, flow, flow, plain) in one
           process, over a judge that answers after 20 ms; the server runs already. A machine's speed changes by more
           than what is measured, so chunks are compared with themselves: the median of their ratios, and what either
           way takes outside its chunks. That leaves out what strikes fewer than half of the chunks, so the whole
           turns stand beside it, and the worse of both has the bar: the flow takes at most 3% longer.
start_up   ``autointerp run`` with the temporary server and without (``--plain``), each in a process of its own with
           an empty Prefect home. Bar: at most 15 s more.
kills      a served schedule whose server and flows are killed at random moments, again and again. Bar: each moment
           that was due is done exactly once, in a whole run of its own.

All on the tests' tiny model. Ratios and counts, but for the start-up, whose bar is seconds: an idle machine.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, TextIO

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # the tests' own world is ours, too

from children import ENVIRONMENT  # noqa: E402
from served import assert_each_once, deploy, in_state, serve_with_kills  # noqa: E402
from tiny_world import World, make_world, save_dictionary  # noqa: E402

LATENCY_S, AT_ONCE = 0.02, 64
ROUNDS = 3
TURNS = ("plain", "flow", "flow", "plain")
MAIN = "from autointerp.cli import main; main()"
BARS = {"overhead_fraction": 0.03, "start_up_more_s": 15.0, "moments_not_done_once": 0.0}


class Slow:
    """A model that answers every question alike, after LATENCY_S."""

    def __init__(self, model: str) -> None:
        from autointerp.llm.scripted import constant_llm

        self.name, self._inner = f"slow:{model}", constant_llm(0.5)

    async def answer(self, question: Any) -> Any:
        await asyncio.sleep(LATENCY_S)
        return await self._inner.answer(question)


# ---- overhead


def wide_dictionary(world: World, n_features: int) -> Path:
    """Write a random dictionary of so many features, each firing on about one token of a hundred; return its folder."""
    import torch
    from safetensors.torch import load_file, save_file

    from autointerp.subject.contexts import cut_contexts
    from autointerp.subject.corpus import read_corpus
    from autointerp.subject.model import Site, Subject

    folder = world.root / "wide" / str(n_features)
    save_dictionary(folder, width=n_features)
    subject = Subject.load(str(world.model))
    contexts = [c for d in read_corpus([f"jsonl:{world.corpus}"]) for c in cut_contexts(subject, d)]
    vectors = torch.cat([subject.site_vectors([c.token_ids], Site.parse("residual.2"))[0] for c in contexts])
    weights = next(folder.glob("*.safetensors"))
    stored = load_file(weights)
    rank = max(1, len(vectors) // 100)
    parts = [(vectors @ part).topk(rank, dim=0).values[-1] for part in stored["W_enc"].split(512, dim=1)]
    save_file(stored | {"threshold": torch.cat(parts)}, weights)
    return folder


def measure_overhead(folder: Path, n_features: int, *, n_turns: int) -> dict[str, float]:
    """Return how much longer the flow takes than the plain pipeline to label so many features."""
    from autointerp.llm import registry
    from autointerp.pipeline.run import ignore_progress
    from flows.evaluate import SETTINGS, run_with_prefect
    from flows.plain import carry_out
    from flows.serving import Server

    registry.PROVIDERS["slow"] = lambda model, _opening: (Slow(model), "")  # type: ignore[index]
    world = make_world(folder)
    config = world.config(
        dictionaries=[str(wide_dictionary(world, n_features))],
        features={"n_per_dictionary": n_features, "min_held_out": 2, "min_shown": 2, "chunk": 256},
        evidence={"shown_top": 4, "shown_firing": 4, "held_out_firing": 2, "held_out_silent": 2},
        explain={"explainers": ["examples"], "model": "slow:m"},
        score={"judge": "constant:0.3", "n_top": 1, "n_random": 1, "at_once": AT_ONCE},
    )
    home = folder / "home"
    run = carry_out(config, home=home, on_progress=ignore_progress, last="evidence").run

    def forget() -> None:
        for table in ("explanations", "failures", "calls"):
            shutil.rmtree(run / table, ignore_errors=True)
        for path in (home / "cache").glob("replies.sqlite*"):
            path.unlink()

    carry = {"plain": carry_out, "flow": run_with_prefect}

    def timed(how: str, last: str = "explain") -> tuple[float, list[float]]:
        """Return the seconds of all of it, and of each chunk."""
        forget()
        with explaining_timed() as chunks:
            began = time.perf_counter()
            carry[how](config, home=home, on_progress=ignore_progress, last=last)
            return time.perf_counter() - began, chunks

    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    from prefect.settings import PREFECT_API_URL, temporary_settings

    (folder / "server").mkdir()
    server = Server(folder / "server")
    server.start()
    try:
        with temporary_settings({PREFECT_API_URL: server.address}):
            timed("flow", "harvest")  # its first import and first connection are start-up
            timed("plain")  # as its first labels are
            turns = [(how, *timed(how)) for how in n_turns * TURNS]
    finally:
        server.stop()
    whole = {how: [seconds for name, seconds, _ in turns if name == how] for how in carry}
    chunks = {how: np.array([each for name, _, each in turns if name == how]) for how in carry}
    outside = {how: median(np.array(whole[how]) - chunks[how].sum(axis=1)) for how in carry}
    ratios = np.sort((chunks["flow"] / chunks["plain"]).ravel())
    plain = median(whole["plain"])
    inside = (median(ratios) - 1) * (1 - outside["plain"] / plain)
    by_chunk = inside + (outside["flow"] - outside["plain"]) / plain
    by_turn = median(np.array(whole["flow"]) / np.array(whole["plain"])) - 1
    return {
        "plain_s": plain,
        "flow_s": median(whole["flow"]),
        "chunks": chunks["plain"].shape[1],
        "outside_chunks_plain_s": outside["plain"],
        "outside_chunks_flow_s": outside["flow"],
        "chunk_ratio": median(ratios),
        "chunk_ratio_quarter_low": ratios[len(ratios) // 4],
        "chunk_ratio_quarter_high": ratios[3 * len(ratios) // 4],
        "overhead_by_chunk": by_chunk,
        "overhead_by_turn": by_turn,
        "overhead_fraction": max(by_chunk, by_turn),
    }


@contextmanager
def explaining_timed() -> Iterator[list[float]]:
    """Yield the seconds of each chunk of labels that is written meanwhile."""
    from autointerp.pipeline.order import STAGES

    (stage,) = (stage for stage in STAGES if stage.name == "explain")
    seconds: list[float] = []
    do = stage.do

    def timed(run: Any, chunk: str) -> None:
        began = time.perf_counter()
        do(run, chunk)
        seconds.append(time.perf_counter() - began)

    object.__setattr__(stage, "do", timed)
    try:
        yield seconds
    finally:
        object.__setattr__(stage, "do", do)


# ---- start-up


def measure_start_up(folder: Path) -> dict[str, float]:
    """Return how many seconds more a run takes with a temporary server that was never started before."""
    world = make_world(folder)
    config = world.toml(folder / "c.toml")

    def seconds(turn: int, *how: str) -> float:
        home = folder / f"home-{turn}-{len(how)}"
        command = [sys.executable, "-c", MAIN, "run", str(config), "--home", str(home), *how]
        environment = ENVIRONMENT | {"PREFECT_HOME": str(home / "prefect")}
        environment.pop("PREFECT_API_URL", None)
        began = time.perf_counter()
        subprocess.run(command, env=environment, capture_output=True, check=True)
        return time.perf_counter() - began

    rounds = [(seconds(turn, "--plain"), seconds(turn)) for turn in range(ROUNDS)]
    plain, flow = (median(times) for times in zip(*rounds, strict=True))
    return {"run_plain_s": plain, "run_flow_s": flow, "start_up_more_s": flow - plain}


# ---- kills


def measure_kills(folder: Path, *, n_firings: int, n_kills: int, interval_s: float) -> dict[str, float]:
    """Return how a schedule ended whose server and flows were killed again and again."""
    home = folder / "home"
    file = deploy(folder, make_world(folder), interval_s=interval_s, overlap="queue")
    n_killed = serve_with_kills(file, home, n_firings=n_firings, n_kills=n_kills, log=folder / "log")
    done = in_state(home, "done")
    is_wrong = 0.0
    try:
        assert_each_once(home)
    except AssertionError as error:
        print(error, file=sys.stderr)
        is_wrong = 1.0
    return {
        "firings_done": len(done),
        "kills": n_killed,
        "interrupted": sum(firing.n_tries > 1 for firing in done),
        "moments_not_done_once": is_wrong,
    }


def show(figures: dict[str, float], told: TextIO) -> dict[str, float]:
    """Print figures as soon as there are any, and return them."""
    for name, value in figures.items():
        print(f"{name:28} {value:,.3f}", file=told, flush=True)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--small", action="store_true", help="1,000 features, 10 firings")
    parser.add_argument("--only", default="overhead,start_up,kills")
    parser.add_argument("--features", type=int)
    parser.add_argument("--firings", type=int)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--interval", type=float, default=3.0, help="seconds between firings")
    options = parser.parse_args()
    n_features = options.features or (1_000 if options.small else 10_000)
    n_firings = options.firings or (10 if options.small else 200)
    n_kills = options.kills if options.kills is not None else n_firings // 5
    told = sys.stderr if options.json else sys.stdout
    sections: dict[str, Callable[[Path], dict[str, float]]] = {
        "overhead": lambda folder: measure_overhead(folder, n_features, n_turns=1 if options.small else 2),
        "start_up": measure_start_up,
        "kills": lambda f: measure_kills(f, n_firings=n_firings, n_kills=n_kills, interval_s=options.interval),
    }
    figures: dict[str, float] = {}
    for name in options.only.split(","):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            os.environ["PREFECT_HOME"] = str(Path(folder) / "prefect")
            figures |= show(sections[name](Path(folder)), told)
    below = [f"{name} = {figures[name]:.3g}, bar <= {bar}" for name, bar in BARS.items() if figures.get(name, 0) > bar]
    print("\n".join(f"below the bar: {line}" for line in below), file=told)
    if options.json:
        print(json.dumps(figures))
    return bool(below)


if __name__ == "__main__":
    raise SystemExit(main())
