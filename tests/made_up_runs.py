"""Two made-up runs over as many features as wanted, written as parts; for tests and ``benchmarks/dashboard.py``."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from autointerp.store.manifest import write_manifest
from autointerp.store.parts import write_part
from autointerp.store.schemas import TABLES

CHUNK = 50_000
SHARES = (1, 2, 4, 8)
SCORERS = {
    "simulation": ("top_and_random", "correlation", 0.0),
    "detection": ("", "auroc", 0.5),
    "fuzzing": ("", "auroc", 0.5),
    "embedding": ("", "auroc", 0.5),
}
WORDS = [
    "the", "of", "a", "word", "token", "name", "river", "sea", "code", "number", "law", "music", "city", "year",
    "verb", "list", "animal", "colour", "refusal",
]  # fmt: skip
N_WITH_WINDOWS = 512
"""Features of each dictionary that have windows and predictions: as many as a page of the benchmark asks for."""

STRATA = ("top", "random", "firing:3", "silent:random", "silent:random")


def write_runs(home: Path, n_features: int) -> dict[str, int]:
    """Write both runs and return the widths by dictionary."""
    widths = {f"toy/{n_features * share // sum(SHARES)}": n_features * share // sum(SHARES) for share in SHARES}
    for number, name in enumerate(("toy-first", "toy-second")):
        folder = home / "runs" / name
        folder.mkdir(parents=True)
        write_manifest(folder, manifest(name, number))
        for dictionary, width in widths.items():
            write_part(folder, "dictionaries", dictionary, [dictionary_row(dictionary, width)])
            for first in range(0, width, CHUNK):
                write_chunk(folder, dictionary, np.arange(first, min(first + CHUNK, width)), seed=number)
    return widths


def manifest(name: str, number: int) -> dict[str, Any]:
    config = {"name": name, "seed": number, "explain": {"explainers": ["examples"]}, "score": {"judge": "local:judge"}}
    return {
        "name": name, "key": name, "created": f"2026-11-2{number}T10:00:00Z", "command": "autointerp run",
        "seed": number, "config": config, "judge": "local:judge", "explainer": "local:writer", "subject": "toy",
    }  # fmt: skip


def dictionary_row(dictionary: str, width: int) -> dict[str, Any]:
    return {
        "dictionary": dictionary, "family": "toy", "width": width, "site": "residual.1", "subject": "toy",
        "kind": "sae", "sha256": "0" * 64, "l0": 32.0, "fraction_variance_explained": 0.8,
        "fraction_ce_recovered": 0.95, "n_alive": width, "tokens_seen": 1_000_000,
    }  # fmt: skip


def write_chunk(folder: Path, dictionary: str, features: np.ndarray, *, seed: int) -> None:
    """Write the parts of some features of a dictionary: every column at once, no loop over rows."""
    draws, n = np.random.default_rng([seed, len(dictionary), int(features[0])]), len(features)
    chunk = f"{dictionary} {int(features[0])}"
    peaks = draws.gamma(2.0, 10.0, n)
    keys = [f"{folder.name[4]}{dictionary[4:]}-{index}" for index in features]
    write_part(folder, "features", chunk, table("features", n, {
        "dictionary": dictionary, "feature": features, "density": 10 ** draws.uniform(-5, -1, n),
        "window_density": draws.random(n), "peak": peaks, "n_windows": 100, "n_held_out": 40,
        "fraction_single_token": draws.random(n), "histogram_start": 0, "histogram": [[5, 3, 1]] * n,
        "promoted": [[" the", " a"]] * n, "suppressed": [[]] * n, "token_stats": "[]", "n_shown_tokens": 640,
        "status": "pending",
    }))  # fmt: skip
    picked = draws.choice(WORDS, (n, 6))
    write_part(folder, "explanations", chunk, table("explanations", n, {
        "explanation": keys, "dictionary": dictionary, "feature": features, "text": [" ".join(row) for row in picked],
        "explainer": "examples", "model": "local:writer", "prompt_version": "p", "question": "q", "tokens": 100,
    }))  # fmt: skip
    write_part(folder, "scores", chunk, pa.concat_tables([
        scores(scorer, dictionary, features, keys, draws) for scorer in SCORERS
    ]).sort_by("feature"))  # fmt: skip
    if features[0] == 0:
        write_windows(folder, dictionary, keys, draws)


def scores(scorer: str, dictionary: str, features: np.ndarray, keys: list[str], draws: Any) -> pa.Table:
    variant, metric, chance = SCORERS[scorer]
    n = len(features)
    values = np.clip(chance + draws.normal(0.2, 0.15, n), -1, 1)
    is_scored = draws.random(n) < 0.97
    numbers = {
        name: pa.array(values + shift, mask=~is_scored) for name, shift in (("value", 0), ("low", -0.1), ("high", 0.1))
    }
    status = np.where(is_scored, "scored", "parse_failed")
    return table("scores", n, {
        "dictionary": dictionary, "feature": features, "explanation": keys, "scorer": scorer, "variant": variant,
        "judge": "local:judge", "control": "none", "draw": 0, "metric": metric, **numbers, "chance": chance,
        "n_asked": 20, "n_read": 20, "status": status, "reason": np.where(is_scored, "", "no digit"),
    })  # fmt: skip


def write_windows(folder: Path, dictionary: str, keys: list[str], draws: Any) -> None:
    """Write the windows and predictions of the first features of a dictionary."""
    rows, said = [], []
    for feature in range(min(N_WITH_WINDOWS, len(keys))):
        for window in range(20):
            fires = window < 12
            activations = (draws.random(32) * (draws.random(32) < 0.2) * 20 * fires).tolist()
            rows.append({
                "dictionary": dictionary, "feature": feature, "side": "held_out" if window % 2 else "shown",
                "doc": f"d{window}", "start": 0, "tokens": [f" {word}" for word in draws.choice(WORDS, 32)],
                "token_ids": [1] * 32, "activations": activations, "weight": 1.0,
                "stratum": STRATA[window // 4],
            })  # fmt: skip
            said.append({
                "dictionary": dictionary, "feature": feature, "explanation": keys[feature], "scorer": "detection",
                "variant": "", "judge": "local:judge", "control": "none", "draw": 0, "item": f"d{window}:0",
                "truth": float(fires), "guess": float(draws.random()), "weight": 1.0, "kind": "logprob",
                "reason": "scored",
            })  # fmt: skip
    write_part(folder, "evidence", dictionary, rows)
    write_part(folder, "predictions", dictionary, said)


def table(name: str, n: int, columns: dict[str, Any]) -> pa.Table:
    """Return rows of a table; a single value stands in all of them, a column not named is empty."""
    arrays = []
    for column in TABLES[name]:
        value = columns.get(column.name)
        if isinstance(value, str | int | float) or value is None:
            arrays.append(pa.array([value] * n, type=column.type))
        else:
            arrays.append(value.cast(column.type) if isinstance(value, pa.Array) else pa.array(value, type=column.type))
    return pa.Table.from_arrays(arrays, schema=TABLES[name])
