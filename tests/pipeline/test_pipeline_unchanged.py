"""Whether an evaluation would come to the same again is known without making it."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny_world import World

from autointerp.core.errors import ProviderUnavailable
from autointerp.pipeline.unchanged import inputs_of

sys.path.append(str(Path(__file__).parents[1] / "llm"))

import wire_shapes
from local_server import Got, LocalServer, Send


class Served:
    """A chat server that calls itself by a name that can be changed."""

    def __init__(self) -> None:
        self.fingerprint = "fp_1"
        self.server = LocalServer(self._answer)

    def _answer(self, got: Got) -> Send:
        if not got.path.endswith("/chat/completions"):
            return Send({"error": {"message": "no such place"}}, status=404)
        return Send(wire_shapes.chat(text="Yes") | {"system_fingerprint": self.fingerprint})

    def config(self) -> dict[str, Any]:
        section = {"base_url": f"{self.server.url}/v1", "api_key_variable": "SERVED_KEY", "timeout_s": 5.0}
        return {"score": {"judge": "openai:m"}, "openai": section}


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("SERVED_KEY", "none")
    made = Served()
    yield made
    made.server.stop()


def test_nothing_changed(world: World, tmp_path: Path) -> None:
    """The same twice, and with another ceiling or pace: these decide when and at what price, not what is found."""
    once = inputs_of(world.config(), tmp_path)
    assert inputs_of(world.config(), tmp_path) == once
    assert inputs_of(world.config(budget={"tokens": 7}), tmp_path) == once
    assert once.judge == "constant:0.3"


def test_what_decides_a_result_changes_it(world: World, tmp_path: Path) -> None:
    """A setting, the text, a dictionary written again."""
    ladder, corpus = tmp_path / "tiny", tmp_path / "corpus.jsonl"
    shutil.copytree(world.ladder, ladder)
    shutil.copyfile(world.corpus, corpus)
    moved = replace(world, ladder=ladder, corpus=corpus)
    keys = [inputs_of(moved.config(), tmp_path).key]
    keys.append(inputs_of(moved.config(seed=1), tmp_path).key)
    corpus.write_text(corpus.read_text("utf-8") + '{"text": "more"}\n', "utf-8")
    keys.append(inputs_of(moved.config(), tmp_path).key)
    weights = next(ladder.rglob("*.safetensors"))
    weights.write_bytes(weights.read_bytes())
    keys.append(inputs_of(moved.config(), tmp_path).key)
    assert len(set(keys)) == len(keys)


def test_another_model_behind_the_same_name(world: World, tmp_path: Path, served: Served) -> None:
    """The server is asked one word each time, and says who it is today."""
    config = world.config(**served.config())
    first = inputs_of(config, tmp_path)
    assert inputs_of(config, tmp_path) == first
    served.fingerprint = "fp_2"
    second = inputs_of(config, tmp_path)
    assert (first.judge, second.judge) == ("openai:m gpt-served fp_1", "openai:m gpt-served fp_2")
    assert first.key != second.key
    assert len(served.server.got) == 3
    assert not list(tmp_path.rglob("*.sqlite")), "the word is asked afresh every time"


def test_a_server_that_is_away(world: World, tmp_path: Path, served: Served) -> None:
    """Nobody can say whether anything changed: what is due waits for it."""
    content = served.config()
    content["openai"]["base_url"] = "http://127.0.0.1:9/v1"
    config = world.config(**content)
    with pytest.raises(ProviderUnavailable):
        inputs_of(config, tmp_path)
