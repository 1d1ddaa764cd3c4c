"""A run that asks a server many questions and writes a table, to be killed at any moment; no torch in it."""

import asyncio
import json
import multiprocessing
import random
import sys
import time
import urllib.request
from pathlib import Path

from autointerp.core.types import Failure, Question, Text
from autointerp.llm.gather import answer_all
from autointerp.llm.registry import open_llm

AT_ONCE = 4


def questions(n: int) -> list[Question]:
    """Return n questions of which every third is asked twice."""
    return [Question("", f"question {at // 3 * 3 if at % 3 == 1 else at}", 8, Text()) for at in range(n)]


def run(home: str, url: str, n: int) -> None:
    """Ask everything and write the answers in the order asked."""
    assert "torch" not in sys.modules
    llm = open_llm("openai:m", store_path=Path(home) / "replies.sqlite", options={"base_url": f"{url}/v1"})
    answers = asyncio.run(answer_all(llm, questions(n), AT_ONCE))
    rows = [["failed", a.reason] if isinstance(a, Failure) else [a.question, a.text, a.model] for a in answers]
    (Path(home) / "table.json").write_text(json.dumps(rows))


def n_asked(url: str) -> int:
    """Return how many questions the server has got."""
    with urllib.request.urlopen(f"{url}/count") as answer:
        return int(answer.read())


def wait_for_requests(url: str, n: int, *, child: multiprocessing.process.BaseProcess) -> None:
    """Return when the server has got n questions, or the child has ended."""
    while child.is_alive() and n_asked(url) < n:
        time.sleep(0.01)


def run_killed(home: Path, url: str, *, n: int, kills: int, seed: int) -> int:
    """Start the run, kill it *kills* times at random moments and let it end; return how often it was alive then.

    Moments are drawn in questions asked, not in seconds: so they fall inside the run on any machine.

    Children are forked from a server process that has everything imported: each starts in milliseconds.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", "openai.resources.chat.completions", "tenacity", "httpx2"])
    draw = random.Random(seed)
    n_alive = 0
    for _ in range(kills):
        child = context.Process(target=run, args=(str(home), url, n))
        child.start()
        wait_for_requests(url, n_asked(url) + draw.randint(0, 2 * n // (kills + 1)), child=child)
        time.sleep(draw.uniform(0.0, 0.01))
        n_alive += child.is_alive()
        child.kill()
        child.join()
    child = context.Process(target=run, args=(str(home), url, n))
    child.start()
    child.join(120)
    assert child.exitcode == 0, f"the last run ended with {child.exitcode}"
    return n_alive


if __name__ == "__main__":
    home, url, n, kills, seed = sys.argv[1:]
    counted = run_killed(Path(home), url, n=int(n), kills=int(kills), seed=int(seed))
    sys.stdout.write(f"{counted}\n")
