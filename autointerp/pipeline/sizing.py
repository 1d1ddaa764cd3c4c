"""The demo's size: the whole one, or about half of it where this machine would take longer than eight minutes."""

import time
from pathlib import Path
from typing import Any, Literal

from autointerp.core.errors import ConfigError
from autointerp.pipeline.config import Config, parse_config, read_toml
from autointerp.pipeline.driver import example_path
from autointerp.store.files import write_whole

Size = Literal["auto", "full", "small"]

FAST_ENOUGH = 175.0
"""GFLOPS from which the whole demo fits into eight minutes: at 194 it took 6 min 43 s, at 120 11 min 21 s, which is
80,000 by GFLOPS either time (benchmarks/RESULTS.md); a tenth is left for a machine that changes its speed."""

SMALL: dict[str, dict[str, int]] = {
    "harvest": {"n_tokens": 40_000},
    "features": {"n_per_dictionary": 4},
    "evidence": {"held_out_top": 2, "held_out_firing": 4, "held_out_random": 2, "held_out_silent": 4},
    "score": {"n_top": 2, "n_random": 2},
    "certify": {"n_items": 8},
}
"""What the smaller size changes of ``data/demo.toml``."""

TOKENS, D_MODEL, D_MLP, N_WEIGHTS, ROUNDS = 1024, 576, 1536, 12, 6


def demo_config(size: Size, home: Path) -> tuple[Config, str]:
    """Return the demo's configuration and what was chosen, in words.

    ``auto`` measures this machine once and notes the choice in the home, so that the same command resumes
    the same run. Raises ConfigError for a note that is neither size.
    """
    chosen, why = _chosen(home) if size == "auto" else (size, "as asked")
    content = read_toml(example_path())
    if chosen == "small":
        content = {name: content[name] | SMALL[name] if name in SMALL else content[name] for name in content}
    return parse_config(content, source=str(example_path())), f"demo of {chosen} size: {why}"


def _chosen(home: Path) -> tuple[str, str]:
    note = home / "demo-size"
    if not note.exists():
        speed = product_speed()
        chosen = "full" if speed >= FAST_ENOUGH else "small"
        why = f"this machine multiplies at {speed:.0f} GFLOPS, the full one needs {FAST_ENOUGH:.0f} to end in 8 minutes"
        write_whole(note, lambda file: file.write(f"{chosen}\n{why}\n".encode()))
    chosen, _, why = note.read_text("utf-8").partition("\n")
    if chosen not in ("full", "small"):
        msg = f"{note} says {chosen!r}; it should say full or small: remove it, or give --size"
        raise ConfigError(msg)
    return chosen, why.strip() or f"as {note} says"


def product_speed() -> float:
    """Return GFLOPS of products of the demo judge's shapes, float32: the best of some rounds, in all a second.

    Weights alternate, as layers do: one weight that stays in the cache would promise twice the speed.
    """
    import torch

    inputs = torch.ones(TOKENS, D_MODEL)
    weights = [torch.ones(D_MLP, D_MODEL) for _ in range(N_WEIGHTS)]
    best = min(_seconds(inputs, weights) for _ in range(ROUNDS))
    return 2.0 * TOKENS * D_MODEL * D_MLP * N_WEIGHTS / best / 1e9


def _seconds(inputs: Any, weights: list[Any]) -> float:
    started = time.perf_counter()
    for weight in weights:
        _ = inputs @ weight.T
    return time.perf_counter() - started
