"""``review`` in the terminal: blind, resumable, safe for the terminal, and a number at its end."""

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tiny_world import FinishedRun

from autointerp.pipeline.adding import regrade, reopened
from autointerp.pipeline.forgetting import forget_failed
from autointerp.store.parts import part_paths, read_table, write_part

Review = Callable[..., tuple[int, str, str]]


@pytest.fixture
def review(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Review:
    """Run ``autointerp review`` with these lines on stdin; return exit code, stdout and stderr."""
    from autointerp.cli import main

    def run(folder: Path, *arguments: object, lines: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["autointerp", "review", str(folder), *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        caught = capsys.readouterr()
        return code, caught.out, caught.err

    return run


@pytest.fixture
def folder(finished_run: FinishedRun, tmp_path: Path) -> Path:
    """A copy of the finished run, to write into."""
    return Path(shutil.copytree(finished_run.folder, tmp_path / "runs" / finished_run.folder.name))


def shown(err: str) -> list[tuple[str, str]]:
    """Return (label, text) of every window shown."""
    lines = [line for line in err.splitlines() if line.startswith(("Label", "Text"))]
    return list(zip(lines[::2], lines[1::2], strict=True))


def rewrite(folder: Path, table: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    for path in part_paths(folder, table):
        write_part(folder, table, path.stem, change(pd.read_parquet(path)))


def test_what_is_shown_knows_nothing(review: Review, folder: Path) -> None:
    """With other activations, weights and strata, without scores and judges, every line is the same.

    And no line names the judge, the feature, its explainer or a stratum.
    """
    answers = "y\nn\n?\nhm\nb\n" * 6
    _, _, before = review(folder, "--rater", "ada", "--n", 20, lines=answers)
    assert len(shown(before)) > 20
    for word in ("constant", "lexical", "shuffled", "control", "tiny/", "firing", "silent", "random", "held"):
        assert word not in before

    def blinded(rows: pd.DataFrame) -> pd.DataFrame:
        judged = rows["stratum"] != "neighbour"
        return rows.assign(
            activations=[[7.25] * len(a) for a in rows["activations"]],
            weight=1.0,
            stratum=rows["stratum"].where(~judged, "top"),
        )

    rewrite(folder, "evidence", blinded)
    for table in ("predictions", "scores", "features", "ratings"):
        shutil.rmtree(folder / table)
    assert review(folder, "--rater", "ada", "--n", 20, lines=answers)[2] == before


def test_resumes_after_the_end_of_the_input(review: Review, folder: Path) -> None:
    """What was answered is not shown again; the sessions together are one long session; others begin anew."""
    _, _, whole = review(folder, "--rater", "bo", "--n", 9, lines="y\n" * 9)
    code, out, first = review(folder, "--rater", "ada", "--n", 9, "--json", lines="n\nn\n?\n")
    assert code == 0
    assert json.loads(out)["answered"] == 3
    _, _, second = review(folder, "--rater", "ada", "--n", 6, lines="y\n" * 6)
    assert shown(first)[:3] + shown(second) == shown(whole)
    assert len(part_paths(folder, "ratings")) == 3
    kept = read_table(folder, "ratings")
    assert kept["rater"].value_counts().to_dict() == {"ada": 9, "bo": 9}
    assert not kept.isna().any().any()


def test_everything_answered(review: Review, folder: Path) -> None:
    """A rater who has answered all is told so, and nothing is written."""
    review(folder, "--rater", "ada", "--n", 10_000, lines="n\n" * 10_000)
    n_parts = len(part_paths(folder, "ratings"))
    code, out, err = review(folder, "--rater", "ada", lines="y\n")
    assert (code, err) == (0, "")
    assert "everything" in out
    assert len(part_paths(folder, "ratings")) == n_parts == 1


def test_hostile_text_stays_text(review: Review, folder: Path) -> None:
    """Escape sequences, line breaks and bidirectional marks in windows and labels do not reach the terminal."""
    hostile = "\x1b[2J\x07\r\u202e\u2028evil\x9b"
    rewrite(folder, "evidence", lambda rows: rows.assign(tokens=[[hostile] * len(t) for t in rows["tokens"]]))
    rewrite(folder, "explanations", lambda rows: rows.assign(text=hostile))
    _, out, err = review(folder, "--rater", "ada", "--n", 3, lines="y\ny\ny\n")
    assert len(shown(err)) == 3
    assert all("evil" in line for pair in shown(err) for line in pair)
    assert all(char.isprintable() or char == "\n" for char in out + err)


def test_agreement_is_a_number(review: Review, folder: Path) -> None:
    """Whoever answers as the feature fires agrees with the truth by 1, and each judge has a line."""
    fires = _truth(folder)
    _answer_by(review, folder, fires)
    code, out, _ = review(folder, "--agreement", "--json")
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    (truth,) = (p for p in found["pairings"] if p["kind"] == "truth")
    assert (truth["raw"], truth["kappa"]) == (1.0, pytest.approx(1.0))
    assert {p["other"] for p in found["pairings"] if p["kind"] == "judge"} == {"constant:0.3"}
    text = review(folder, "--agreement")[1]
    assert "ada and what fires: agree 1.00" in text
    assert "yes to another feature's label" in text


def test_agreement_before_anybody_answered(review: Review, folder: Path) -> None:
    """It says what to do; a run without labels is an error with 2."""
    code, out, _ = review(folder, "--agreement")
    assert code == 0
    assert "nobody has answered yet" in out
    shutil.rmtree(folder / "explanations")
    code, out, err = review(folder, "--rater", "ada")
    assert (code, out) == (2, "")
    assert "no labels" in err


def test_a_damaged_part_is_not_to_be_deleted(review: Review, folder: Path) -> None:
    """Answers of a person cannot be made anew: the message names the file and says restore, not delete."""
    review(folder, "--rater", "ada", "--n", 2, lines="y\ny\n")
    (path,) = part_paths(folder, "ratings")
    path.write_bytes(path.read_bytes()[:100])
    for arguments in (("--agreement",), ("--rater", "ada")):
        code, out, err = review(folder, *arguments, lines="y\n")
        assert (code, out) == (3, "")
        assert str(path) in err
        assert "restore" in err
        assert "delete" not in err


def test_ratings_survive_what_makes_a_run_anew(
    review: Review, finished_run: FinishedRun, tmp_path: Path, carry_out: Callable[..., Any]
) -> None:
    """Grading anew, ``retry`` and resuming keep all that people said, and write nothing into their table."""
    shutil.copytree(finished_run.home, tmp_path / "home")
    folder = tmp_path / "home" / "runs" / finished_run.folder.name
    review(folder, "--rater", "ada", "--n", 4, lines="y\n" * 4)
    before = [(path, path.read_bytes()) for path in part_paths(folder, "ratings")]
    with reopened(folder) as run:
        assert regrade(run)[0] > 0
    (part,) = (p.stem for p in part_paths(folder, "failures") if p.stem.startswith("score-tiny-16"))
    write_part(folder, "failures", part, [{"stage": "score", "about": "x", "reason": "timeout", "detail": "late"}])
    assert forget_failed(folder) == 1
    carry_out(finished_run.config, tmp_path / "home")
    assert [(path, path.read_bytes()) for path in part_paths(folder, "ratings")] == before


def _truth(folder: Path) -> dict[tuple[int, str, str], bool]:
    rows = read_table(folder, "evidence", filters=[("side", "==", "held_out")])
    return {
        (int(row.feature), str(row.dictionary), f"{row.doc}:{row.start}"): max(row.activations) > 0
        for row in rows.itertuples()
    }


def _answer_by(review: Review, folder: Path, fires: dict[tuple[int, str, str], bool]) -> None:
    """Answer thirty windows: first nonsense, to learn which they are, then once more by the truth."""
    review(folder, "--rater", "learner", "--n", 30, lines="?\n" * 30)
    asked = read_table(folder, "ratings")
    said = ["y" if fires[row.feature, row.dictionary, row.item] else "n" for row in asked.itertuples()]
    review(folder, "--rater", "ada", "--n", 30, lines="\n".join(said) + "\n")
