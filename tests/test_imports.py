"""Imports run one way: the contracts in pyproject.toml hold."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_architecture_contracts() -> None:
    """import-linter finds every contract kept, and there are contracts."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    found = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "0 broken" in found.stdout
    assert "Contracts: 0 kept" not in found.stdout


def test_the_dashboard_starts_without_what_computes_and_draws() -> None:
    """Server, snapshot keeper and the pages that most visitors ask for load neither models nor charts nor statistics.

    They take seconds and hundreds of megabytes; pages that draw load them when first asked.
    """
    pages = ("overview", "features", "feature", "scores", "runs", "compare", "review", "flows", "docs")
    names = ["server", "serving", "building", *(f"pages.{page}" for page in pages)]
    code = "import sys\n" + "\n".join(f"import autointerp.dashboard.{name}" for name in names)
    code += "\nprint(*(name for name in sys.modules if '.' not in name or name == 'scipy.stats'))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(found.stdout.split())
    assert "pandas" in loaded
    assert not loaded & {"torch", "transformers", "sklearn", "scipy.stats", "altair", "vl_convert", "prefect"}


def test_a_report_is_written_without_what_runs_models() -> None:
    """Torch alone takes seconds to load; a report reads tables."""
    code = "import sys\nimport autointerp.report.write\nprint(*(name for name in sys.modules if '.' not in name))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(found.stdout.split())
    assert "pandas" in loaded
    assert not loaded & {"torch", "transformers", "prefect"}
