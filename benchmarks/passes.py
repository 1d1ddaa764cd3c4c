"""What half precision and torch.compile do for a harvest's computing: ``python benchmarks/passes.py [--json]``.

The demo's model up to its site, and its dictionary of 4,096 features, on Python's own library; all by turns, N_TURNS
each, medians of ratios within a turn. No bar: these figures say what ``dtype`` costs and gains and why nothing is
compiled.

1. ``bfloat16_speedup``, ``float16_speedup``: of pass and encoding to sparse codes, subject and dictionary both in that
   format as a harvest has them, over float32; ``*_pass_speedup``: of the pass alone.
2. ``compiled_speedup``: of the pass with every block compiled (torch's default mode) over the same without;
   ``compile_s``: what the first pass takes more than a later one. ``matmul_share``: of the pass, what that mode leaves
   to the library. The same of the dictionary's encoder; ``sparse_codes_speedup``: of what a harvest does in place of
   the encoder, which gives sparse codes; ``encoder_over_pass``: what the encoder takes beside the pass.
3. What changes with the number format, on tokens of no massive norm: ``*_lost`` and ``*_new``, shares of float32's
   activations; ``*_error``, the median relative difference of those that both have.

``--small`` checks that the benchmark works, on few tokens; its figures are not results.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import harvest as common

if TYPE_CHECKING:
    from autointerp.subject.dictionaries import SparseCodes
    from autointerp.subject.model import Subject

SUBJECT, LADDER = "smollm2-135m-instruct", Path(__file__).parents[1] / "data" / "ladder" / "smol-l12"
WIDTH, N_TURNS = 4096, 5
FORMATS = ("bfloat16", "float16")


def token_batches(subject: "Subject", n: int) -> list[list[tuple[int, ...]]]:
    """Return the token ids of *n* of a harvest's batches, of whole contexts."""
    from autointerp.subject.contexts import CONTEXT_TOKENS, batches_of_one_length, cut_contexts
    from autointerp.subject.corpus import list_corpus
    from autointerp.subject.harvest import BATCH

    contexts = (c for listed in list_corpus(["python-stdlib"]) for c in cut_contexts(subject, listed.open()))
    whole = islice((c for c in contexts if len(c.token_ids) == CONTEXT_TOKENS), n * BATCH)
    return [[c.token_ids for c in batch] for batch in batches_of_one_length(whole, size=BATCH)]


def measure(n_batches: int, n_turns: int) -> dict[str, Any]:
    """Return all figures."""
    import torch

    from autointerp.subject.dictionaries import site_of
    from autointerp.subject.loading import load_dictionary
    from autointerp.subject.model import Subject

    folder = LADDER / str(WIDTH)
    subject, dictionary, compiled = Subject.load(SUBJECT), load_dictionary(folder), Subject.load(SUBJECT)
    others = {name: (Subject.load(SUBJECT, dtype=name), load_dictionary(folder, dtype=name)) for name in FORMATS}
    site, batches = site_of(dictionary, ""), token_batches(subject, n_batches)
    for layer in compiled.model.model.layers if hasattr(compiled.model, "model") else compiled.model.layers:
        layer.compile()

    def passes(of: Subject) -> Callable[[], torch.Tensor]:
        return lambda: torch.cat([of.site_vectors(ids, site).flatten(0, 1) for ids in batches])

    vectors = passes(subject)()
    # Not to sparse codes: torch.compile fails on their way through NumPy.
    dense = dictionary.sae.encode
    compiled_dense = torch.compile(dense)
    calls: dict[str, Callable[[], object]] = {
        "float32": passes(subject),
        "compiled": passes(compiled),
        "encoder": lambda: dense(vectors),
        "encoder_compiled": lambda: compiled_dense(vectors),
        "codes": partial(dictionary.encode_sparse, vectors),
    }
    for name, (other, its) in others.items():
        calls |= {name: passes(other), f"{name}_codes": partial(its.encode_sparse, vectors)}
    first = {name: common.seconds_of(call) for name, call in calls.items()}
    turns = [{name: common.seconds_of(call) for name, call in calls.items()} for _ in range(n_turns)]

    def over(*, one: Sequence[str], other: Sequence[str]) -> float:
        return median(sum(turn[name] for name in one) / sum(turn[name] for name in other) for turn in turns)

    figures: dict[str, Any] = {"n_tokens": len(vectors), "threads": torch.get_num_threads()}
    for name in FORMATS:
        figures[f"{name}_speedup"] = over(one=["float32", "codes"], other=[name, f"{name}_codes"])
        figures[f"{name}_pass_speedup"] = over(one=["float32"], other=[name])
    figures |= {
        "compiled_speedup": over(one=["float32"], other=["compiled"]),
        "compile_s": first["compiled"] - median(turn["compiled"] for turn in turns),
        "matmul_share": matmul_share(passes(subject)),
        "encoder_compiled_speedup": over(one=["encoder"], other=["encoder_compiled"]),
        "encoder_matmul_share": matmul_share(lambda: dense(vectors)),
        "sparse_codes_speedup": over(one=["encoder"], other=["codes"]),
        "encoder_over_pass": over(one=["encoder"], other=["float32"]),
        "tokens_per_s": len(vectors) / median(turn["float32"] for turn in turns),
    }
    kept = vectors.norm(dim=-1) <= (dictionary.max_norm or torch.inf)
    known = dictionary.encode_sparse(vectors[kept])
    for name, (other, its) in others.items():
        found = its.encode_sparse(passes(other)()[kept])
        figures |= {f"{name}_{key}": value for key, value in changes(known, found, WIDTH).items()}
    return figures


def matmul_share(call: Callable[[], object]) -> float:
    """Return which share of the processor's time the products of matrices take."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        call()
    times = {event.key: event.self_cpu_time_total for event in profiled.key_averages()}
    products = sum(spent for name, spent in times.items() if name in ("aten::mm", "aten::addmm", "aten::bmm"))
    return float(products / sum(times.values()))


def changes(known: "SparseCodes", found: "SparseCodes", width: int) -> dict[str, float]:
    """Return shares of activations that one has and the other has not, and how much the common ones differ."""
    import numpy as np

    (old, old_value), (new, new_value) = (
        ((codes.row * width + codes.feature).numpy(), codes.value.numpy()) for codes in (known, found)
    )
    common, at_old, at_new = np.intersect1d(old, new, return_indices=True)
    error = np.abs(new_value[at_new] - old_value[at_old]) / old_value[at_old]
    return {
        "lost": 1 - len(common) / len(old),
        "new": (len(new) - len(common)) / len(old),
        "error": float(np.median(error)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--small", action="store_true", help="few tokens and turns: whether it works")
    arguments = parser.parse_args()
    figures = measure(*((1, 2) if arguments.small else (4, N_TURNS)))
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:28} {value:,.4g}")


if __name__ == "__main__":
    sys.exit(main())
