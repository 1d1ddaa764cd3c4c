"""Evaluations that crash in every way: whoever is woken next ends the work, and nothing is paid twice."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from children import ENVIRONMENT, PATIENCE_S, running, wait_until
from served import SECONDS, assert_each_once, crashing, deploy, in_state
from tiny_world import World

from autointerp.pipeline.firings import now, register
from autointerp.pipeline.schedules import read_flows

sys.path.append(str(Path(__file__).parents[1] / "llm"))

import wire_shapes
from local_server import Got, LocalServer, Send

GONE_S = 30.0
STAGES = ("/sketch_tiles/", "/evidence/", "/certificates/", "/explanations/", "/scores/")


class Provider:
    """A chat server that counts what it is asked; the probes of its abilities are left out."""

    def __init__(self) -> None:
        self.delay_s = 0.0
        self.is_gone = False
        self.asked: Counter[str] = Counter()
        self.server = LocalServer(self._answer, keep=False)

    def _answer(self, got: Got) -> Send:
        if not got.path.endswith("/chat/completions"):
            return Send({"error": {"message": "no such place"}}, status=404)
        if self.is_gone:
            return Send({"error": {"message": "no server behind the gateway"}}, status=503)
        question = repr(got.body["messages"])
        self.asked[question] += "<text>" in question
        top = {"Yes": 0.75, "No": 0.25} if got.body.get("logprobs") else None
        return Send(wire_shapes.chat(text="Yes", top=top), delay_s=self.delay_s)

    @property
    def n_paid_twice(self) -> int:
        return sum(n - 1 for n in self.asked.values() if n > 1)

    def config(self) -> dict[str, Any]:
        return {
            "score": {"judge": "openai:m", "scorers": ["detection"], "at_once": 4},
            "certify": {"n_features": 2, "n_items": 8, "rungs": ["exact", "shuffled"]},
            "openai": {"base_url": f"{self.server.url}/v1", "api_key_variable": "SERVED_KEY"},
        }


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.server.stop()


ATTEND = """
import sys
from pathlib import Path
from autointerp.machine import prepare
prepare()
from flows.working import attendant_of
attendant_of(Path(sys.argv[1]), "often", home=Path(sys.argv[2]), plain=True).attend()
"""


def woken(file: Path, home: Path, **more: str) -> int:
    """Return the exit code of a process that does what is due, as one that a schedule wakes does."""
    command = [sys.executable, "-c", ATTEND, str(file), str(home)]
    environment = ENVIRONMENT | {"SERVED_KEY": "none"} | more
    return subprocess.run(command, env=environment, check=False, timeout=PATIENCE_S).returncode


def due_once(file: Path, home: Path) -> None:
    """Have something be due by now: the last full hour."""
    register(home, read_flows(file).named("often"), at=now() - timedelta(hours=1))


def test_killed_in_the_middle_of_each_stage(world: World, tmp_path: Path, provider: Provider) -> None:
    """Five times, its part written and not yet there: the sixth ends the evaluation; no answer is asked for twice."""
    home = tmp_path / "home"
    file = deploy(tmp_path, world, config=provider.config(), interval_s=3600, overlap="queue")
    due_once(file, home)
    crash = crashing(tmp_path, *STAGES)
    assert [woken(file, home, **crash) for _ in STAGES] == [-signal.SIGKILL] * len(STAGES)
    assert in_state(home, "running")
    assert woken(file, home, **crash) == 0
    assert in_state(home, "done")[0].n_tries == len(STAGES) + 1
    assert_each_once(home)
    assert provider.asked
    assert provider.n_paid_twice == 0


def test_a_full_disk(world: World, tmp_path: Path, provider: Provider) -> None:
    """What cannot be written leaves it incomplete, with what to do; with room again the next one ends it."""
    home = tmp_path / "home"
    file = deploy(tmp_path, world, config=provider.config(), interval_s=3600, overlap="queue")
    due_once(file, home)
    (tmp_path / "full").touch()
    crash = crashing(tmp_path)
    assert woken(file, home, **crash) == 0
    stopped = in_state(home, "incomplete")[0]
    assert "free space" in stopped.reason
    assert f"--due {stopped.due}" in stopped.resume
    (tmp_path / "full").unlink()
    assert woken(file, home, **crash) == 0
    assert in_state(home, "done")[0].n_tries == 2
    assert_each_once(home)
    assert provider.n_paid_twice == 0


def test_prefects_api_gone_for_30_s(
    world: World, tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server of another process dies under an evaluation and is back after half a minute: all that was due is done.

    Whoever serves is not started again; it asks for the server until it answers.
    """
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    from flows.serving import Server

    home, log = tmp_path / "home", tmp_path / "log"
    (tmp_path / "server").mkdir()
    server = Server(tmp_path / "server")
    server.start()
    provider.delay_s = 0.5
    file = deploy(tmp_path, world, config=provider.config(), interval_s=60, overlap="queue", is_limited=False)
    environment = SECONDS | {"PREFECT_API_URL": server.address, "SERVED_KEY": "none"}
    try:
        with running("flow", "serve", file, "--home", home, log=log, **environment) as served:
            wait_until(lambda: provider.asked, child=served, log=log)
            server.stop()
            time.sleep(GONE_S)
            server.start()
            provider.delay_s = 0.0
            n_then = len(in_state(home, "done"))
            wait_until(lambda: len(in_state(home, "done")) > n_then, child=served, log=log)
    finally:
        server.stop()
    assert_each_once(home)
    assert provider.n_paid_twice == 0


def test_the_judges_api_gone_for_30_s(world: World, tmp_path: Path, provider: Provider) -> None:
    """Half a minute without an answer: the evaluation ends by itself or by the next that is woken, paying once."""
    home = tmp_path / "home"
    file = deploy(tmp_path, world, config=provider.config(), interval_s=3600, overlap="queue")
    due_once(file, home)
    provider.delay_s = 0.5
    command = [sys.executable, "-c", ATTEND, str(file), str(home)]
    with subprocess.Popen(command, env=ENVIRONMENT | {"SERVED_KEY": "none"}) as child:
        while not provider.asked:
            assert child.poll() is None
            time.sleep(0.1)
        provider.is_gone = True
        time.sleep(GONE_S)
        provider.is_gone, provider.delay_s = False, 0.0
        assert child.wait(timeout=PATIENCE_S) == 0
    while not in_state(home, "done"):
        (stopped,) = in_state(home, "incomplete")
        assert stopped.resume
        assert woken(file, home) == 0
    assert_each_once(home)
    assert provider.n_paid_twice == 0
