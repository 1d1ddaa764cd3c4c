"""Killed, interrupted or split: the same command goes on and ends in the same tables."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from children import command_line, interrupted, killed_before_rename, n_replies
from tiny_world import FinishedRun, World

from autointerp.store.parts import part_paths, read_table

CarryOut = Callable[..., Any]
SameTables = Callable[[Path, Path], None]

VICTIMS = (("contexts", 3), ("features", 2), ("explanations", 3), ("predictions", 2))
"""A table of each stage and which of its parts is written, but not yet in its place, when the process dies."""


def test_kill_9_in_every_stage_then_the_same_command(
    world: World, carry_out: CarryOut, finished_run: FinishedRun, same_tables: SameTables, tmp_path: Path
) -> None:
    """Killed in every stage, each time half-way through a part, a run ends in the tables of a whole one."""
    home = tmp_path / "home"
    path = world.toml(tmp_path / "c.toml", features={"chunk": 2})
    for table, count in VICTIMS:
        child = killed_before_rename("run --plain", config=path, home=home, place=f"/{table}/", count=count)
        assert child.code == -signal.SIGKILL, child.err
        folder = next(home.glob(f"**/{table}"))
        assert len(list(folder.glob(".*.tmp"))) == 1
        assert len(part_paths(folder.parent, table)) == count - 1
        read_table(folder.parent, table)
    steps: list[str] = []
    config = world.config(features={"chunk": 2})
    outcome = carry_out(config, home, on_progress=lambda stage, *_: steps.append(stage))
    assert set(steps) == {"score"}
    same_tables(outcome.run, finished_run.folder)


def test_kill_9_while_training(world: World, tmp_path: Path) -> None:
    """Killed at its second checkpoint, a training goes on from the first and ends in the same weights, to the bit."""
    from safetensors.torch import load_file
    from tiny_world import write_toml

    from autointerp.pipeline.config import parse_train_config
    from autointerp.pipeline.run import ignore_progress
    from autointerp.pipeline.training import train_ladder

    content = world.train_content()
    path = write_toml(tmp_path / "t.toml", content)
    config = parse_train_config(content, source="t.toml")
    cut, whole = tmp_path / "cut", tmp_path / "whole"
    verb = f"train --into {cut / 'small'}"
    child = killed_before_rename(verb, config=path, home=cut, place="checkpoint", count=2)
    assert child.code == -signal.SIGKILL, child.err
    assert sorted(path.name for path in (cut / "small").iterdir()) == ["checkpoint.pt", "checkpoint.tmp"]
    steps: list[int] = []

    def watch(stage: str, done: int, _total: int, _unit: str) -> None:
        steps.extend([done] if stage == "train" else [])

    train_ladder(config, home=cut, folder=cut / "small", command="", on_progress=watch)
    train_ladder(config, home=whole, folder=whole / "small", command="", on_progress=ignore_progress)
    assert steps[0] == 101 * config.batch
    assert not list((cut / "small").glob("checkpoint*"))
    assert read_table(cut / "small", "training").equals(read_table(whole / "small", "training"))
    for width in map(str, config.widths):
        mine, theirs = (next((home / "small" / width).glob("*.safetensors")) for home in (cut, whole))
        one, other = load_file(mine), load_file(theirs)
        assert all(one[name].equal(other[name]) for name in other)
        for name in ("cfg.json", "evaluation.json"):
            assert mine.with_name(name).read_text() == theirs.with_name(name).read_text()


@pytest.mark.parametrize(
    ("number", "code", "stage"),
    [(signal.SIGINT, 130, "score"), (signal.SIGTERM, 143, "harvest"), (signal.SIGTERM, 143, "score")],
)
def test_interrupted_then_the_same_command(
    world: World, tmp_path: Path, number: signal.Signals, code: int, stage: str
) -> None:
    """Ctrl-C and SIGTERM end with their code and the command to go on with; it finishes, and asks nothing twice."""
    home = tmp_path / "home"
    path = world.toml(tmp_path / "c.toml", harvest={"shard_contexts": 4}, score={"judge": "slow:0.3", "at_once": 8})
    began = {
        "harvest": lambda: list(home.glob("cache/harvests/*/contexts/*.parquet")),
        "score": lambda: n_replies(home),
    }
    command = ("score", path, "--home", home, "--plain", "--json")
    child = interrupted(*command, when=began[stage], number=number)
    assert (child.code, child.out) == (code, ""), child.err
    assert f"Go on with the same command: autointerp score {path} --home {home} --plain --json" in child.err
    assert "Traceback" not in child.err
    assert not list(home.rglob("*.tmp"))
    known, scored = n_replies(home), list(home.glob("runs/*/scores/*.parquet"))
    assert (known > 0, scored) == (stage == "score", [])
    again = command_line(*command)
    assert again.code == 0, again.err
    folder = next(home.glob("runs/*"))
    calls = read_table(folder, "calls")
    assert calls["cached"].sum() >= known
    assert read_table(folder, "scores")["value"].notna().any()


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_any_shard_size_gives_the_same_evidence(
    world: World, carry_out: CarryOut, finished_run: FinishedRun, tmp_path: Path, size: int
) -> None:
    """However the text is cut into shards, the same windows are drawn, with the same weights and activations."""
    import pandas as pd
    from tiny_world import frames_of

    outcome = carry_out(world.config(harvest={"shard_contexts": size}), tmp_path, last="evidence")
    mine, theirs = frames_of(outcome.run), frames_of(finished_run.folder)
    for table in ("features", "evidence"):
        keys = [c for c in ("dictionary", "feature", "side", "doc", "start") if c in mine[table]]
        one, other = (f[table].sort_values(keys, ignore_index=True) for f in (mine, theirs))
        pd.testing.assert_frame_equal(
            one.drop(columns=["token_stats"], errors="ignore"),
            other.drop(columns=["token_stats"], errors="ignore"),
            check_exact=False,
            rtol=1e-4,
            atol=1e-4,
            obj=table,
        )
