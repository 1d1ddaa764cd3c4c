"""The dashboard over a million features: ``python benchmarks/dashboard.py [--features N] [--json] [--small]``.

Made-up runs: a ladder of four widths, N features in all, every one labelled and scored by four scorers, in two
runs. The snapshot is made by a command of its own and served by another; four clients ask at once, each kind of
page ``--requests`` times with arguments drawn anew, so that hardly any answer was given before.

1. Seconds to make the snapshot, and until the server answers its first page; its memory while it is asked.
2. Milliseconds, 95th percentile, of the overview, the explorer (any sort, filter and page), a search of labels in one
   dictionary, a feature, and a comparison asked for again.
3. Kilobytes of the largest page, compressed; bytes of the script; memory while all rows are sent as CSV.
4. Seconds and memory of ``autointerp report`` of one run.

``--small`` checks that the benchmark works, on 20,000 features; its figures are not results.
"""

import argparse
import gzip
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tests")]  # the tests' made-up runs are ours, too

from made_up_runs import N_WITH_WINDOWS, WORDS, write_runs  # noqa: E402
from trials.figure import Figure, at_most, conclude, report  # noqa: E402

CLIENTS = 4
BARS = {"overview": 120, "explorer": 200, "search": 300, "feature": 220, "compare": 150}
BUILD_S, READY_S, MEMORY_MB, PAGE_KB, SCRIPT_BYTES, REPORT_S = 30, 2, 600, 150, 12_000, 20
COMMAND = [sys.executable, "-c", "from autointerp.cli import main; main()"]


# ---- the server, asked


class Served:
    """The dashboard as a process of its own."""

    def __init__(self, home: Path) -> None:
        start = time.monotonic()
        self.process = subprocess.Popen(
            [*COMMAND, "serve", "--home", str(home), "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1].strip("/\n"))
        self.get("/")
        self.ready_s = time.monotonic() - start

    def get(self, address: str) -> bytes:
        """Return a page's body as sent: compressed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("GET", quote(address, safe="/?=&%"), headers={"accept-encoding": "gzip"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.status == 200, (address, answer.status)
        return body

    def memory_mb(self) -> float:
        return psutil.Process(self.process.pid).memory_info().rss / 2**20

    def drain(self, address: str) -> tuple[int, float]:
        """Read a stream to its end; return its bytes and the most memory meanwhile."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.request("GET", quote(address, safe="/?=&%"))
        answer = connection.getresponse()
        n, most = 0, 0.0
        while piece := answer.read(4 << 20):
            n, most = n + len(piece), max(most, self.memory_mb())
        connection.close()
        return n, most

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def kinds(widths: dict[str, int]) -> dict[str, Callable[[random.Random], str]]:
    """Return what an address of each kind of page is drawn from."""
    names = list(widths)

    def explorer(draws: random.Random) -> str:
        run = draws.choice(["run:toy-first ", "run:toy-second ", ""])
        low = draws.uniform(0.3, 0.9)
        terms = [
            "", f"detection:{low:.4f}..{low + 0.1:.4f} ", f"density<{10 ** draws.uniform(-4, -1):.3g} ",
            "status:scored ", f"dictionary:{draws.choice(names)} ", f"simulation<{low:.4f} fuzzing>{low / 2:.4f} ",
        ]  # fmt: skip
        sort = draws.choice(["", "sort:-detection", "sort:simulation", "sort:density", "sort:-embedding", "sort:-peak"])
        return f"/features?q={quote(run + draws.choice(terms) + sort)}"

    def search(draws: random.Random) -> str:
        words = f"{draws.choice(WORDS)} {draws.choice(WORDS)[:3]}*"
        q = f'run:toy-second dictionary:{names[-1]} label:"{words}"'
        return f"/features?q={quote(q)}"

    def feature(draws: random.Random) -> str:
        return f"/f/{draws.choice(names)}/{draws.randrange(N_WITH_WINDOWS)}"

    return {
        "overview": lambda _: "/", "explorer": explorer, "search": search, "feature": feature,
        "compare": lambda _: "/compare?a=toy-first&b=toy-second",
    }  # fmt: skip


def ask(served: Served, address: Callable[[random.Random], str], *, n: int) -> tuple[list[float], int]:
    """Have the clients ask *n* times in all; return milliseconds of each, and bytes of the largest answer."""
    found: list[float] = []
    sizes = [0]

    def client(number: int) -> None:
        draws = random.Random(number)
        for _ in range(-(-n // CLIENTS)):
            start = time.monotonic()
            size = len(served.get(address(draws)))
            found.append((time.monotonic() - start) * 1e3)
            sizes.append(size)

    threads = [threading.Thread(target=client, args=[number]) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found, max(sizes)


def walk(served: Served, *, n: int) -> list[float]:
    """Return the milliseconds of *n* pages of the explorer, each the one after the last."""
    found, after = [], ""
    for _ in range(n):
        start = time.monotonic()
        page = served.get(f"/features.json?q=sort%3A-detection&after={after}")
        found.append((time.monotonic() - start) * 1e3)
        after = json.loads(gzip.decompress(page))["after"]
    return found


def measure(n_features: int, n_requests: int) -> list[Figure]:
    """Return all figures."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        home = Path(folder)
        widths = write_runs(home, n_features)
        start = time.monotonic()
        subprocess.run([*COMMAND, "snapshot", "--home", str(home)], check=True, stdout=subprocess.DEVNULL)
        figures = [at_most("snapshot, s", time.monotonic() - start, BUILD_S)]
        served = Served(home)
        try:
            figures += serve_figures(served, widths, n_requests)
        finally:
            served.stop()
        return figures + report_figures(home)


def report_figures(home: Path) -> list[Figure]:
    """Return seconds and memory of a run's report as HTML, and what its two CSV and Markdown files take beside it."""
    figures = []
    for formats in ("html", "html,md,csv"):
        start = time.monotonic()
        command = [*COMMAND, "report", str(home / "runs" / "toy-second"), "--home", str(home), "-f", formats]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        if status:
            raise subprocess.CalledProcessError(status, command)
        seconds = time.monotonic() - start
        figures.append(
            at_most("report, s", seconds, REPORT_S) if formats == "html" else report("all files, s", seconds)
        )
        figures.append(report(f"memory of {formats}, GB", used.ru_maxrss / 1e6))
    return figures


def serve_figures(served: Served, widths: dict[str, int], n_requests: int) -> list[Figure]:
    figures = [at_most("ready, s", served.ready_s, READY_S)]
    largest = 0
    for name, address in kinds(widths).items():
        if name == "compare":
            served.get(address(random.Random(0)))
        times, size = ask(served, address, n=n_requests)
        largest = max(largest, size)
        figures.append(at_most(f"{name}, p95 ms", float(np.quantile(times, 0.95)), BARS[name]))
    figures.append(at_most("explorer, page after page, p95 ms", float(np.quantile(walk(served, n=20), 0.95)), 200))
    figures.append(at_most("largest page, kB compressed", largest / 1e3, PAGE_KB))
    figures.append(at_most("script, bytes", len(gzip.decompress(served.get("/static/script.js"))), SCRIPT_BYTES))
    figures.append(at_most("memory, MB", served.memory_mb(), MEMORY_MB))
    n_bytes, most = served.drain("/features.csv?q=run:toy-second")
    figures.append(report("CSV of a run, MB", n_bytes / 1e6))
    figures.append(at_most("memory while CSV is sent, MB", most, MEMORY_MB))
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    n_features, n_requests = (20_000, 12) if options.small else (options.features, options.requests)
    figures = measure(n_features, n_requests)
    print("\n".join(map(str, figures)))
    return conclude(figures, as_json=options.json)


if __name__ == "__main__":
    raise SystemExit(main())
