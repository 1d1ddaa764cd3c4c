"""The same text, model and dictionary for both sides, and the clock they are measured with."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from itertools import islice
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

import harvest as common

Figures = dict[str, Any]

N_WINDOWS, TILE = 100, 32
DOCUMENT_TOKENS, DOCUMENT_CHARACTERS = 1024, 5_120
"""Text of more than five characters a token is left out, for both sides: so cut, the corpora hold a million tokens."""

HARVESTS = {
    "hundred": """
n_top = 50
n_stratum = 4
n_firings = 256
pool_contexts = 512
[evidence]
shown_firing = 4
held_out_firing = 4
""",
    "default": "",
    "all": 'keep = "all"\n',
}
"""What is kept. ``hundred``: what 100 windows of every feature need, the 50 highest tiles of each side and 4 of each
stratum (some 40 a feature), and an eighth and a quarter of the usual firing tokens and of the text from which silent
windows are drawn, which delphi's cache and windows have no part in. ``default``: what is kept unless it is said.
``all``: every activation besides that."""


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
    """Write ``corpus.jsonl``, a document for every 1,024 tokens and some to spare, and the small model if wanted."""
    from autointerp.pipeline.driver import load_config
    from autointerp.subject.corpus import distinct, in_keyed_order, list_corpus
    from autointerp.subject.dictionaries import trained_documents
    from autointerp.subject.model import Subject

    if is_small:
        common.make_small_world(folder)
    subject = Subject.load(str(folder / "model") if is_small else load_config(None).subject)
    # Whole sources: a million tokens are more than the demo's share of them.
    sources = ["python-stdlib"] if is_small else [name.partition("~")[0] for name in load_config(None).corpus]
    # The harvest would leave out what trained the dictionary.
    trained = trained_documents(dictionary_folder(folder, is_small=is_small))
    documents = [
        document.text
        for document in distinct(in_keyed_order(list_corpus(sources), seed=0))
        if trained.isdisjoint(document.fingerprints)
    ]
    long_enough = (piece for piece in pieces(documents) if len(subject.token_ids(piece)) >= DOCUMENT_TOKENS)
    n_documents = n_tokens // DOCUMENT_TOKENS
    # Some to spare, for pieces that the harvest takes for near-duplicates of others.
    found = list(islice(long_enough, n_documents + n_documents // 20))
    if len(found) < n_documents:
        have = len(found) * DOCUMENT_TOKENS
        raise SystemExit(f"the corpora have {have:,} tokens of the {n_tokens:,} wanted; give --n-tokens {have:,}")
    lines = (json.dumps({"text": text}) + "\n" for text in found)
    (folder / "corpus.jsonl").write_text("".join(lines), "utf-8")


def pieces(documents: Sequence[str]) -> Iterator[str]:
    """Yield the first piece of every document that has one, then every second piece, and so on."""
    size = DOCUMENT_CHARACTERS
    for start in range(0, max(map(len, documents)) - size + 1, size):
        for text in documents:
            if len(text) >= start + size:
                yield text[start : start + size]


def dictionary_folder(folder: Path, *, is_small: bool) -> Path:
    """Return the folder of the small model's or the demo's dictionary of 2,048 features."""
    from autointerp.pipeline.shipped import demo_ladder_folder

    return (folder / "ladder" if is_small else demo_ladder_folder()) / "2048"


def open_run(folder: Path, *, name: str, n_tokens: int, is_small: bool) -> Any:
    """Return the run that harvests the corpus; its text is planned."""
    from autointerp.pipeline.driver import load_config
    from autointerp.pipeline.harvesting import text_plan
    from autointerp.pipeline.run import Run, run_directory

    demo = load_config(None)
    text = f"""
name = "{name}"
subject = "{folder / "model" if is_small else demo.subject}"
site = "{"residual.1" if is_small else demo.site}"
dictionaries = ["{dictionary_folder(folder, is_small=is_small)}"]
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
    from autointerp.subject.dictionaries import site_of

    ids = [context.token_ids for context in contexts_of(run)[:8]]
    first = run.dictionaries[0]
    first.encode(run.subject.site_vectors(ids, site_of(first, run.config.site)))


# ---- what both tell


def summary(windows: list[int]) -> Figures:
    """Return how many features have windows, how many windows there are, and the process's peak memory."""
    return {
        "n_features": sum(n > 0 for n in windows),
        "n_features_hundred": sum(n >= N_WINDOWS for n in windows),
        "n_windows": sum(windows),
        "peak_mb": getrusage(RUSAGE_SELF).ru_maxrss / 1024,
    }


def bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
