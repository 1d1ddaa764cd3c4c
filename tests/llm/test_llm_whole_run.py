"""Whole runs against a server on loopback: the ceiling, the rest after it, the key, the order of answers."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import wire_shapes
from local_server import Got, LocalServer, Respond, Send
from tiny_world import World

from autointerp.llm.ledger import sum_calls
from autointerp.store.convert import rows_of
from autointerp.store.parts import read_table

Serve = Callable[[Respond], LocalServer]
CANARY = "sk-canary-5e0c9a"
TOKENS_A_CALL = 75
# Altair warns of its own dependencies while charts are drawn.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    code: int
    out: str
    err: str


@pytest.fixture
def autointerp(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run a verb in this process, the key in the environment."""
    from autointerp.cli import main

    monkeypatch.setenv("CANARY_KEY", CANARY)

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["autointerp", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        return Done(code, *capsys.readouterr())

    return run


def judge(got: Got) -> Send:
    """Answer like a chat server with log-probabilities, and send back the headers it was sent."""
    if not got.path.endswith("/chat/completions"):
        return Send({"error": {"message": f"no such place; you sent {got.headers}"}}, status=404)
    top = {"Yes": 0.75, "No": 0.25} if got.body.get("logprobs") else None
    return Send(wire_shapes.chat(text="Yes", top=top))


def write(world: World, path: Path, server: LocalServer, **changes: Any) -> Path:
    """Write a configuration whose judge is the server."""
    judged = {"scorers": ["detection"], "judge": "openai:m", "at_once": 16}
    http = {"base_url": f"{server.url}/v1", "api_key_variable": "CANARY_KEY"}
    return world.toml(path, **{"score": judged, "openai": http, "harvest": {"shard_contexts": 400}, **changes})


def prompts(server: LocalServer) -> list[str]:
    return [repr(got.body["messages"]) for got in server.got if got.path.endswith("/chat/completions")]


def n_probes(server: LocalServer) -> int:
    return sum("<text>" not in prompt for prompt in prompts(server))


def test_a_ceiling_stops_a_run_and_a_higher_one_asks_only_the_rest(
    world: World, serve: Serve, autointerp: Callable[..., Done], tmp_path: Path
) -> None:
    """Never overshot though sixteen calls are under way; what earlier attempts spent counts; nothing is asked twice."""
    server = serve(judge)
    path = write(world, tmp_path / "c.toml", server)
    verb = ("score", path, "--home", tmp_path / "home", "--plain")
    stopped = autointerp(*verb, "--budget-tokens", 6000)
    assert stopped.code == 6
    assert "left to ask" in stopped.err
    assert "--budget-tokens" in stopped.err
    asked = len(prompts(server))
    assert n_probes(server) < asked
    assert TOKENS_A_CALL * asked <= 6000

    again = autointerp(*verb, "--budget-tokens", 6000)
    assert again.code == 6
    assert len(prompts(server)) - asked <= 1 + n_probes(server)  # what the probe cost is in no table

    done = autointerp(*verb, "--budget-tokens", 10**6)
    assert done.code == 0, done.err
    judged = [prompt for prompt in prompts(server) if "<text>" in prompt]
    assert len(judged) == len(set(judged))
    (folder,) = (tmp_path / "home" / "runs").iterdir()
    (spent,) = sum_calls(rows_of(read_table(folder, "calls"))).values()
    assert spent.tokens_in + spent.tokens_out == TOKENS_A_CALL * len(judged)
    assert spent.n_calls - spent.n_cached == len(judged)


def test_a_ceiling_in_usd_without_a_price_spends_nothing(
    world: World, serve: Serve, autointerp: Callable[..., Done], tmp_path: Path
) -> None:
    """Unknown is not free: refused before the text is read; with a table of one's own it is kept."""
    server = serve(judge)
    path = write(world, tmp_path / "c.toml", server, budget={"usd": 0.01})
    done = autointerp("score", path, "--home", tmp_path / "home", "--plain")
    assert (done.code, server.got) == (2, [])
    assert "price of openai:m is unknown" in done.err
    assert not (tmp_path / "home" / "cache" / "harvests").exists()


def test_the_key_is_in_no_file_and_no_output(
    world: World, serve: Serve, autointerp: Callable[..., Done], tmp_path: Path
) -> None:
    """Of a whole run, with a server that repeats the key in errors, up to the report."""
    server = serve(judge)
    changes = {"explain": {"explainers": ["examples"], "model": "openai:writer"}, "features": {"n_per_dictionary": 1}}
    path = write(world, tmp_path / "c.toml", server, certify={"n_features": 1, "n_items": 4}, **changes)
    told = ""
    home = tmp_path / "home"
    for verb in (("plan", path), ("run", path, "--plain"), ("report",), ("status",), ("runs", "show")):
        done = autointerp(*verb, "--home", home)
        assert done.code == 0, done.err
        told += done.out + done.err
    assert any(CANARY in repr(got.headers) for got in server.got)
    assert CANARY not in told
    files = [file for file in home.rglob("*") if file.is_file()]
    assert any(file.name == "report.md" for file in files)
    assert [file for file in files if CANARY.encode() in file.read_bytes()] == []
