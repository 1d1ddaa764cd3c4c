"""The text of a harvest is the text that stands in the files, not what stood there once."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_world import World, make_text

from autointerp.core.errors import ConfigError
from autointerp.store.parts import read_table

CarryOut = Callable[..., Any]


def write(path: Path, numbers: range) -> None:
    path.write_text("".join(json.dumps({"text": make_text(number)}) + "\n" for number in numbers), "utf-8")


def test_changed_file_is_read_again(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """Changed under its name, a file is harvested anew; put back, its first harvest serves again.

    A run's folder holds one text only: the same name is refused, and the error names the file.
    """
    corpus, home = tmp_path / "c.jsonl", tmp_path / "home"

    def harvested(name: str) -> str:
        outcome = carry_out(world.config(name=name, corpus=[f"jsonl:{corpus}"]), home, last="harvest")
        facts = json.loads((outcome.run / "manifest.json").read_text())["harvest"]
        return str(facts["corpus_contents"][f"jsonl:{corpus}"])

    write(corpus, range(4))
    before = harvested("first")
    write(corpus, range(50, 54))
    with pytest.raises(ConfigError, match=rf"corpus_contents.*{corpus.name} was \"sha256 \w+\", now .*--name"):
        harvested("first")
    after = harvested("second")
    assert before != after
    folders = sorted((home / "cache" / "harvests").iterdir(), key=lambda folder: folder.stat().st_mtime)
    old, new = (read_table(folder, "contexts")["token_ids"].map(tuple).tolist() for folder in folders)
    assert not set(old) & set(new)
    write(corpus, range(4))
    steps: list[str] = []
    carry_out(
        world.config(name="third", corpus=[f"jsonl:{corpus}"]),
        home,
        last="harvest",
        on_progress=lambda stage, *_: steps.append(stage),
    )
    assert steps == []
