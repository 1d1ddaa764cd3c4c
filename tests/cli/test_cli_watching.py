"""``diff``, ``runs baseline`` and ``gate``: one JSON value, and a verdict that is the exit code, too."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_world import FinishedRun

from autointerp.store.parts import part_paths, read_table, write_part

Cli = Callable[..., tuple[int, str, str]]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def home(finished_run: FinishedRun, tmp_path: Path) -> Path:
    """A home with a copy of the finished run, and another whose scores are 0.4 lower."""
    runs = tmp_path / "runs"
    for name in ("good-1", "worse-1"):
        shutil.copytree(finished_run.folder, runs / name)
    scores = read_table(runs / "worse-1", "scores")
    for path in part_paths(runs / "worse-1", "scores"):
        path.unlink()
    lower = {name: scores[name].astype(float) - 0.4 for name in ("value", "low", "high")}
    write_part(runs / "worse-1", "scores", "all", scores.assign(**lower))
    # A run is finished when the part of each chunk stands.
    for path in part_paths(runs / "good-1", "scores"):
        write_part(runs / "worse-1", "scores", path.stem, scores.iloc[:0])
    return tmp_path


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path) -> Cli:
    """Run ``autointerp`` under that home; return exit code, stdout and stderr."""
    from autointerp.cli import main

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["autointerp", *map(str, arguments), "--home", str(home)])
        monkeypatch.delenv("AUTOINTERP_WEBHOOK", raising=False)
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        caught = capsys.readouterr()
        return code, caught.out, caught.err

    return run


def as_json(done: tuple[int, str, str]) -> Any:
    return json.loads(done[1])


def test_diff(cli: Cli) -> None:
    """Text and JSON say the same difference, to three digits; an unknown run is refused with code 2."""
    code, text, _ = cli("diff", "good-1", "worse-1")
    assert code == 0
    found = as_json(cli("diff", "good-1", "worse-1", "--json"))
    differences = [p["difference"] for p in found["paired"] if p["difference"]["n"]]
    assert differences
    assert all(d["value"] == pytest.approx(-0.4) for d in differences)
    assert "-0.400 [-0.400, -0.400]" in text
    assert cli("diff", "good-1", "nobody")[0] == 2


def test_baselines_and_gate(cli: Cli) -> None:
    """Equal passes or is open with code 0 or 7, worse fails with 10, as text, JSON and every format."""
    assert as_json(cli("runs", "baseline", "set", "kept", "good-1", "--json"))["run"] == "good-1"
    assert [b["name"] for b in as_json(cli("runs", "baseline", "list", "--json"))] == ["kept"]
    assert cli("runs", "baseline", "set", "kept", "worse-1")[0] == 2
    equal, worse = (cli("gate", run, "--baseline", "kept", "--json") for run in ("good-1", "worse-1"))
    assert (equal[0], as_json(equal)["verdict"]) in {(0, "pass"), (7, "inconclusive")}
    assert (worse[0], as_json(worse)["verdict"], as_json(worse)["exit_code"]) == (10, "fail", 10)
    assert "not measured again" in as_json(worse)["remeasured"]
    for form in ("text", "github", "junit", "markdown"):
        code, text, _ = cli("gate", "worse-1", "--baseline", "kept", "-f", form)
        assert (code, "fail" in text) == (10, True)
    assert cli("gate", "worse-1", "--baseline", "kept", "-f", "xml")[0] == 2
    assert cli("gate", "worse-1", "--baseline", "gone")[0] == 2
    assert cli("runs", "baseline", "unset", "kept")[0] == 0
    assert as_json(cli("runs", "baseline", "list", "--json")) == []
