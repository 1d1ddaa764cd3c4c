"""How this process treats the machine: set before torch is loaded, by whoever starts a process of ours."""

import ctypes
import os

# Constants of glibc's malloc.h.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -2, -3, -8


def prepare() -> None:
    """Keep idle threads quiet and freed memory at hand; what the user set in the environment stands."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Idle OpenMP threads that spin take the cores from whoever else computes here: 2 to 4 times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Let glibc keep up to half a gigabyte that was freed, in one arena, in place of asking the kernel each time.

    A forward pass allocates and frees a tensor of megabytes at every step; by default each is mapped
    afresh and zeroed page by page (benchmarks/RESULTS.md has what it costs). Elsewhere than on glibc,
    nothing is done.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ):
        return
    for setting, value in (
        (M_ARENA_MAX, 1),
        (M_MMAP_THRESHOLD, 2**30),
        (M_TRIM_THRESHOLD, 2**29),
        (M_TOP_PAD, 2**26),
    ):
        mallopt(setting, value)
