"""The command line: one JSON value with --json, exit codes, and nothing heavy at import."""

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tiny_world import FinishedRun, World, write_toml

HEAVY = ("torch", "transformers", "pandas", "prefect", "sae_lens", "pyarrow", "numpy", "pydantic")
# Altair warns of its own dependencies while charts are drawn.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value on stdout; anything beside it is an error."""
        return json.loads(self.out)


Cli = Callable[..., Done]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run ``autointerp`` in this process."""
    from autointerp.cli import main

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["autointerp", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        caught = capsys.readouterr()
        return Done(code, caught.out, caught.err)

    return run


def test_import_is_light() -> None:
    """Importing the command line imports nothing heavy."""
    code = f"import sys, autointerp.cli; print([m for m in {HEAVY!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_verbs_that_run_json(world: World, cli: Cli, tmp_path: Path, finished_run: FinishedRun) -> None:
    """``harvest``, ``explain``, ``score`` and ``run``: one object on stdout, each stage's progress on stderr alone."""
    del finished_run  # the world's files are warm
    path = world.toml(tmp_path / "c.toml")
    stages = {"harvest": ("harvest", "samples", "evidence"), "explain": (), "score": ("score",), "run": ()}
    for verb, progress in stages.items():
        done = cli(verb, path, "--home", tmp_path / "home", "--plain", "--json")
        assert done.code == 0, done.err
        assert Path(done.json["run"]).is_dir()
        assert done.json["n_unfinished"] == 0
        assert set(progress) == {line.split()[0] for line in done.err.splitlines()}
        assert (done.json["n_scores"] > 0) == (verb in {"score", "run"})
    assert Path(done.json["report"]).is_file()


def test_train_json(world: World, cli: Cli, tmp_path: Path) -> None:
    """``train`` prints the ladder's manifest and its losses as one object, its progress on stderr; then as text."""
    path = write_toml(tmp_path / "t.toml", world.train_content(n_tokens=4096, batch=256))
    command = ("train", path, "--into", tmp_path / "small", "--home", tmp_path / "home")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = cli(*command, "--json")
    assert done.code == 0, done.err
    assert set(done.json["dictionaries"]) == {"small/8", "small/16"}
    manifest = json.loads((tmp_path / "small" / "manifest.json").read_text())
    assert manifest == {name: value for name, value in done.json.items() if name != "curve"}
    assert {(row["dictionary"], row["step"]) for row in done.json["curve"]} >= {("small/8", 1), ("small/16", 16)}
    assert {"harvest", "train"} <= {line.split()[0] for line in done.err.splitlines()}
    again = cli(*command)
    assert again.code == 0, again.err
    assert "train" not in again.err
    shown = [line for line in again.out.splitlines() if " 4,096 " in line]
    assert len(shown) == 2
    assert f" {done.json['curve'][-1]['loss']:.4f} " in shown[-1]


@pytest.mark.parametrize(
    ("verb", "kind", "keys"),
    [
        (("status",), dict, {"run", "done", "is_complete", "has_report"}),
        (("runs", "list"), list, {"run", "is_complete"}),
        (("runs", "show"), dict, {"config", "versions", "prompts", "seed", "timings"}),
        (("features", "list"), list, {"feature", "label", "scores"}),
        (("report",), dict, {"report"}),
        (("retry",), dict, {"retried", "run"}),
    ],
)
def test_verbs_on_a_finished_run(
    cli: Cli, finished_run: FinishedRun, verb: tuple[str, ...], kind: type, keys: set[str]
) -> None:
    """--json prints one value with these keys; without it there is text, and both leave with 0."""
    done = cli(*verb, "--home", finished_run.home, "--json")
    assert done.code == 0, done.err
    assert isinstance(done.json, kind)
    rows = done.json if kind is list else [done.json]
    assert rows
    assert all(keys <= set(row) for row in rows)
    plain = cli(*verb, "--home", finished_run.home)
    assert plain.code == 0
    assert plain.out.strip()


def test_status_is_complete(cli: Cli, finished_run: FinishedRun) -> None:
    """A finished run is complete for every dictionary and has its report."""
    state = cli("status", "tiny", "--home", finished_run.home, "--json").json
    assert state["is_complete"]
    assert state["has_report"]
    assert state["done"] == {"evidence": 2, "certify": 0, "explain": 2, "score": 2}
    assert state["total"] == state["done"]


def test_features_show(cli: Cli, finished_run: FinishedRun) -> None:
    """Verdict first, labels with scores, windows with firing tokens marked; an unknown feature is an error with 2."""
    name = cli("features", "list", "--home", finished_run.home, "--json").json[0]["feature"]
    page = cli("features", "show", name, "--home", finished_run.home, "--json").json
    assert page["feature"] == name
    assert any("\u2039" in text for text in page["windows"]["shown · top"])
    assert {m["measure"] for m in page["labels"][0]["scores"]} >= {"detection, AUROC"}
    plain = cli("features", "show", name, "--run", "tiny", "--home", finished_run.home)
    assert plain.code == 0
    assert plain.out.splitlines()[:2] == [name, page["verdict"]]
    assert all(m["measure"] in plain.out for label in page["labels"] for m in label["scores"])
    for wrong in ("tiny/16#999", "nonsense", "other/1#1"):
        done = cli("features", "show", wrong, "--home", finished_run.home)
        assert (done.code, done.out) == (2, "")
        assert wrong in done.err


def test_plan_spends_nothing(world: World, cli: Cli, tmp_path: Path) -> None:
    """``plan`` says what a run would ask and writes nothing."""
    done = cli("plan", world.toml(tmp_path / "c.toml"), "--home", tmp_path / "home", "--json")
    assert done.code == 0, done.err
    assert done.json["dictionaries"] == ["tiny/16", "tiny/32"]
    assert done.json["calls"]["explain"] == 0
    assert done.json["calls"]["simulation"] == 2 * 3 * 3 * (2 + 2)  # dictionaries, features, labels, windows
    assert done.json["calls"]["detection"] == 2 * 3 * 3 * (5 + 4 + 5 + 4)
    assert set(done.json["tokens"]) == set(done.json["calls"])
    assert not (tmp_path / "home").exists()


def test_init_writes_once(cli: Cli, tmp_path: Path) -> None:
    """``init`` writes a file that is a valid configuration, and refuses to write over it."""
    from autointerp.pipeline.driver import load_config

    path = tmp_path / "a.toml"
    assert cli("init", path, "--json").json == {"written": str(path)}
    assert load_config(path).name == "demo"
    again = cli("init", path, "--json")
    assert (again.code, again.out) == (2, "")
    assert "exists" in again.err


def test_doctor_shows_no_secret(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every check has a name and a verdict; a key's value is not printed."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    done = cli("doctor", "--json")
    assert done.code in {0, 3}
    assert all({"name", "is_fine", "is_needed", "detail"} == set(check) for check in done.json)
    assert "very-secret" not in done.out + done.err


@pytest.mark.parametrize(("judge", "verdict"), [("oracle:sensitivity=1,specificity=1", None), ("constant:0.3", False)])
def test_certify(
    world: World, cli: Cli, tmp_path: Path, finished_run: FinishedRun, judge: str, verdict: bool | None
) -> None:
    """``certify --json`` ends with one object: judge, scorers with their figures, certified; a constant never is."""
    path = world.toml(tmp_path / "c.toml", name="zoo", certify={"n_features": 4, "n_items": 8})
    done = cli("certify", path, "--judge", judge, "--home", finished_run.home, "--json")
    assert done.code == 0, done.err
    assert set(done.json) == {"judge", "scorers", "certified"}
    assert done.json["judge"] == judge
    assert {s["scorer"] for s in done.json["scorers"]} == {"simulation", "detection"}
    assert isinstance(done.json["certified"], bool)
    assert verdict is None or done.json["certified"] is verdict
    assert all(s["n_features"] <= 4 for s in done.json["scorers"])


def test_certify_of_another_size(world: World, cli: Cli, tmp_path: Path, finished_run: FinishedRun) -> None:
    """``--features`` and ``--items`` stand above the configuration, with every scorer that asks about labels.

    A perfect oracle puts the exact label above a broader and a narrower one, up to ties of small samples,
    and the text has the share.
    """
    scorers = ["detection", "fuzzing", "specificity", "simulation_json", "intruder", "sequential"]
    path = world.toml(
        tmp_path / "c.toml", name="zoo", certify={"n_features": 1, "n_items": 4}, score={"scorers": scorers}
    )
    command = ("certify", path, "--judge", "oracle", "--features", "5", "--items", "40", "--home", finished_run.home)
    found = {(s["scorer"], s["metric"]): s for s in cli(*command, "--json").json["scorers"]}
    assert {scorer for scorer, _ in found} == {*scorers} - {"intruder"}
    for scorer in ("detection", "fuzzing"):
        assert found[scorer, "auroc"]["n_features"] == 5
        assert found[scorer, "auroc"]["n_read"] == found[scorer, "auroc"]["n_asked"]
        assert found[scorer, "f1"]["exact_above_neighbours"] >= 0.8
    assert found["sequential", "accuracy"]["auroc"] == 1
    assert ("sequential", "is_good") not in found
    assert "exact above broader and narrower " in cli(*command).out
    assert cli(*command[:4], "--features", "0", "--home", finished_run.home).code == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sede": 1}, "did you mean 'seed'"),
        ({"score": {"scorers": ["simulatoin"]}}, "did you mean 'simulation'"),
        ({"score": {"judge": "oracle:sensitivity=1"}}, "autointerp certify --judge oracle:sensitivity=1"),
        ({"site": "residual.9"}, "layers 1 to 4"),
        ({"corpus": ["text:/nowhere"]}, "no such file or folder"),
    ],
)
def test_wrong_configuration_leaves_with_2(
    world: World, cli: Cli, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    """One sentence on stderr, nothing on stdout, no traceback, exit code 2."""
    done = cli("run", world.toml(tmp_path / "c.toml", **changes), "--home", tmp_path / "home", "--plain", "--json")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert message in done.err


def test_missing_things_leave_with_2(cli: Cli, tmp_path: Path) -> None:
    """No configuration, no run and no such verb: exit code 2."""
    assert cli("run", tmp_path / "none.toml", "--plain").code == 2
    assert cli("status", "--home", tmp_path).code == 2
    assert cli("no-such-verb").code == 2
    assert cli("run", "--no-such-option").code == 2


def test_damaged_store_leaves_with_3(cli: Cli, tmp_path: Path) -> None:
    """A damaged manifest is an error of the environment."""
    folder = tmp_path / "runs" / "x-1"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{")
    done = cli("status", "--home", tmp_path)
    assert done.code == 3
    assert "damaged" in done.err


def test_empty_home(cli: Cli, tmp_path: Path) -> None:
    """No runs are an empty list."""
    assert cli("runs", "list", "--home", tmp_path, "--json").json == []


def test_version(cli: Cli) -> None:
    """--version prints the name and the version."""
    done = cli("--version")
    assert (done.code, done.out.split()[0]) == (0, "autointerp")


def test_costs_by_anything_sum_to_the_whole(cli: Cli, finished_run: FinishedRun) -> None:
    """Calls and tokens by stage, scorer or feature add up to those of the run; another word is refused by name."""
    for by in ("stage", "scorer", "model", "feature", "stage,feature", ""):
        done = cli("runs", "costs", finished_run.folder, "--by", by, "--home", finished_run.home, "--json")
        parts, whole = done.json["parts"], done.json["all"]
        assert whole["n_calls"] > 0
        for count in ("n_calls", "tokens_in", "tokens_out", "n_cached"):
            assert sum(part[count] for part in parts) == whole[count], by
    assert "score · detection" in cli("runs", "costs", finished_run.folder, "--home", finished_run.home).out
    refused = cli("runs", "costs", finished_run.folder, "--by", "colour", "--home", finished_run.home)
    assert refused.code == 2
    assert "'colour'" in refused.err
    assert "feature" in refused.err


def test_no_score_is_listed_without_its_standing(cli: Cli, finished_run: FinishedRun) -> None:
    """A label has a line for each measure its scorers are read by; each number says whether its judge is certified."""
    listed = cli("features", "list", finished_run.folder, "--home", finished_run.home, "--json").json
    text = cli("features", "list", finished_run.folder, "--home", finished_run.home).out
    measures = {score["measure"] for line in listed for score in line["scores"]}
    assert {"detection, AUROC", "simulation (top and random), correlation"} <= measures
    known = [score for line in listed for score in line["scores"] if score["value"] is not None]
    assert known
    assert {score["standing"] for score in known} <= {
        "certified",
        "uncertified (failed)",
        "uncertified (never examined)",
    }
    assert text.count("certified") >= len(known)
