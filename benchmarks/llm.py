"""The language-model layer against a bare SDK loop: overhead, memory, cache hits, resume, kill -9.

    python benchmarks/llm.py [--json] [--questions 20000] [--stored 1000000] [--kills 200]

Compares in one run, so that the machine does not matter; exits 1 below its bar. The server answers at
once, from a process of its own on loopback.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import psutil

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests" / "llm"
sys.path[:0] = [str(ROOT), str(TESTS)]  # the tests' own server is ours, too

from local_server import CHAT, Got, LocalServer, Send  # noqa: E402

from autointerp.core.types import Question, Reply, Text  # noqa: E402
from autointerp.llm.gather import answer_stream  # noqa: E402
from autointerp.llm.registry import open_llm  # noqa: E402
from autointerp.llm.reply_store import ReplyStore, encode  # noqa: E402
from autointerp.llm.sent import possibly_paid  # noqa: E402

AT_ONCE = 32
ROUNDS = 4
BARS = {
    "rate_over_bare_sdk": (">=", 0.8),
    "memory_growth": ("<=", 1.1),
    "cache_hit_us": ("<=", 200.0),
    "resume_s": ("<=", 20.0),
    "surplus_requests_over_bound": ("<=", 1.0),
}


@contextmanager
def served() -> Iterator[str]:
    """Yield the address of a server in its own process."""
    command = [sys.executable, str(TESTS / "local_server.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


def questions(start: int, n: int) -> Iterator[Question]:
    return (Question("", f"question {at}", 8, Text()) for at in range(start, start + n))


async def ask_bare(url: str, start: int, n: int) -> float:
    """Return calls a second of the SDK alone with the same concurrency."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(api_key="none", base_url=f"{url}/v1", max_retries=0) as sdk:
        waiting = iter(questions(start, n))

        async def work() -> None:
            for question in waiting:
                messages: list[Any] = [{"role": "user", "content": question.prompt}]
                await sdk.chat.completions.create(model="m", messages=messages, max_tokens=8)

        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        return n / (time.perf_counter() - began)


async def ask_ours(llm: Any, start: int, n: int) -> float:
    """Return calls a second of the whole layer: store, ledger of calls under way, budget, pace, retries."""
    began = time.perf_counter()
    async for _ in answer_stream(llm, questions(start, n), AT_ONCE):
        pass
    return n / (time.perf_counter() - began)


def measure_rate(url: str, folder: Path, n: int) -> dict[str, float]:
    """Return both rates, in turns so that both see the same machine, and the growth of memory."""
    options = {"base_url": f"{url}/v1", "at_most": AT_ONCE}
    llm = open_llm("openai:m", store_path=folder / "rate.sqlite", options=options)
    each = n // ROUNDS
    asyncio.run(ask_bare(url, 0, n // 10))
    asyncio.run(ask_ours(llm, -n // 10, n // 10))  # concurrency has found its place, caches are warm
    bare, ours, memory = [], [], []
    for turn in range(ROUNDS):
        bare.append(asyncio.run(ask_bare(url, turn * each, each)))
        ours.append(asyncio.run(ask_ours(llm, turn * each, each)))
        memory.append(psutil.Process().memory_info().rss)
    llm.close()  # type: ignore[attr-defined]
    return {
        "bare_calls_per_s": sorted(bare)[len(bare) // 2],
        "calls_per_s": sorted(ours)[len(ours) // 2],
        "rate_over_bare_sdk": sum(1 / rate for rate in bare) / sum(1 / rate for rate in ours),
        "memory_growth": memory[-1] / memory[0],
    }


def fill(path: Path, n: int) -> None:
    """Store n replies, as a run would have."""
    store = ReplyStore(path)
    store.close()
    import sqlite3

    from autointerp.core.draws import content_key

    llm = open_llm("openai:m", store_path=path, options={"base_url": "http://127.0.0.1:9/v1"})

    def rows() -> Iterator[tuple[str, str, str]]:
        for question in questions(0, n):
            key = llm.key(question)  # type: ignore[attr-defined]
            text = encode(Reply(question.key, "served", "ok", (), "text", 7, 2, 0, 0.01, None))
            yield key, content_key(key, text), text

    with sqlite3.connect(path) as connection:
        connection.executemany("INSERT INTO replies VALUES (?, ?, ?)", rows())
    connection.close()
    llm.close()  # type: ignore[attr-defined]


def measure_resume(url: str, folder: Path, n: int) -> dict[str, float]:
    """Return seconds from opening a store of n replies through all of them to the first new call, and a hit's cost.

    The pipeline skips parts that stand; a run killed before its first part has every question to look up.
    """
    path = folder / "resume.sqlite"
    fill(path, n)
    began = time.perf_counter()
    llm = open_llm("openai:m", store_path=path, options={"base_url": "http://127.0.0.1:9/v1"})
    missing = list(llm.missing(questions(0, n + 1)))  # type: ignore[attr-defined]
    resume_s = time.perf_counter() - began
    assert len(missing) == 1

    async def hits(count: int) -> float:
        start = time.perf_counter()
        for question in questions(0, count):
            await llm.answer(question)
        return (time.perf_counter() - start) / count * 1e6

    hit_us = min(asyncio.run(hits(2000)) for _ in range(3))
    llm.close()  # type: ignore[attr-defined]
    del url
    return {"resume_s": resume_s, "cache_hit_us": hit_us}


def measure_kills(folder: Path, kills: int) -> dict[str, float]:
    """Return what a run cost that was killed again and again, over what it may cost."""
    from killed_run import AT_ONCE as UNDER_WAY
    from killed_run import questions as asked

    n_got = 0

    def respond(got: Got) -> Send:
        nonlocal n_got
        if got.path == "/count":
            return Send(n_got)
        n_got += 1
        return Send(CHAT, delay_s=0.005)

    server = LocalServer(respond, keep=False)
    n = 10 * max(kills, 1)
    arguments = [folder / "killed", server.url, n, kills, 7]
    command = [sys.executable, str(TESTS / "killed_run.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)})
    n_alive, n_unique = int(done.stdout), len({question.key for question in asked(n)})
    server.stop()
    surplus = n_got - n_unique
    return {
        "kills_alive": n_alive,
        "surplus_requests": surplus,
        "possibly_paid": len(possibly_paid(folder / "killed" / "sent")),
        "surplus_requests_over_bound": surplus / max(1, n_alive * UNDER_WAY),
    }


def below_bar(figures: dict[str, float]) -> list[str]:
    """Return the figures that miss their bar, with it."""
    return [
        f"{name} = {figures[name]:.3g}, bar {sign} {bar}"
        for name, (sign, bar) in BARS.items()
        if name in figures and not (figures[name] >= bar if sign == ">=" else figures[name] <= bar)
    ]


def show(figures: dict[str, float], told: TextIO) -> dict[str, float]:
    """Print figures as soon as there are any, and return them."""
    for name, value in figures.items():
        print(f"{name:28} {value:,.3f}", file=told, flush=True)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--questions", type=int, default=20_000)
    parser.add_argument("--stored", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=200)
    options = parser.parse_args()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as temporary, served() as url:
        folder = Path(temporary)
        told = sys.stderr if options.json else sys.stdout
        if options.questions:
            figures |= show(measure_rate(url, folder, options.questions), told)
        if options.stored:
            figures |= show(measure_resume(url, folder, options.stored), told)
        if options.kills:
            figures |= show(measure_kills(folder, options.kills), told)
    missed = below_bar(figures)
    for line in missed:
        print(f"below the bar: {line}", file=sys.stderr)
    if options.json:
        print(json.dumps({**figures, "below_bar": missed}))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
