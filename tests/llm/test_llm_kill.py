"""kill -9 at any moment: nothing committed is asked again, nothing is lost, what may be paid is known."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import wire_shapes
from killed_run import AT_ONCE, questions
from local_server import Got, LocalServer, Respond, Send

from autointerp.core.errors import StoreError
from autointerp.llm.budget import Cost
from autointerp.llm.sent import SentLog, possibly_paid

Serve = Callable[[Respond], LocalServer]
KILLS, N = 20, 240


class Judge:
    """Deterministic, takes its time, and tells how many questions it got."""

    def __init__(self) -> None:
        self.prompts: list[str] = []

    def __call__(self, got: Got) -> Send:
        if got.path == "/count":
            return Send(len(self.prompts))
        self.prompts.append(got.body["messages"][-1]["content"])
        return Send({**wire_shapes.chat(f"answer to {self.prompts[-1]}")}, delay_s=0.01)


def run_killed(home: Path, server: LocalServer, *, kills: int) -> int:
    """Return how many of the kills hit a living child; in a process of its own, for it forks."""
    script = Path(__file__).with_name("killed_run.py")
    arguments = [home, server.url, N, kills, 1]
    command = [sys.executable, "-W", "error", str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout)


def test_a_run_killed_again_and_again_ends_as_if_never_killed(serve: Serve, tmp_path: Path) -> None:
    """Requests never exceed unique questions + kills x calls in flight, and each surplus one was written down."""
    whole, killed = Judge(), Judge()
    run_killed(tmp_path / "whole", serve(whole), kills=0)
    n_alive = run_killed(tmp_path / "killed", serve(killed), kills=KILLS)
    unique = len({question.key for question in questions(N)})
    assert len(whole.prompts) == unique
    assert n_alive >= KILLS // 2  # else this showed nothing
    assert len(killed.prompts) <= unique + n_alive * AT_ONCE
    assert set(killed.prompts) == set(whole.prompts)
    assert len(killed.prompts) - unique <= len(possibly_paid(tmp_path / "killed" / "sent")) <= n_alive * AT_ONCE
    tables = [json.loads((tmp_path / name / "table.json").read_text()) for name in ("whole", "killed")]
    assert tables[0] == tables[1]
    assert [row[1] for row in tables[0]] == [f"answer to {question.prompt}" for question in questions(N)]


def test_calls_under_way_are_found_after_their_process_is_gone(tmp_path: Path) -> None:
    """Those that ended are not; those of a living process are left alone."""
    living = SentLog(tmp_path)
    living.begin("living", "m", Cost(1, None))
    dead = SentLog(tmp_path)
    ended = dead.begin("ended", "m", Cost(1, 0.1))
    dead.begin("lost", "m", Cost(7, 0.2))
    dead.end(ended)
    dead.close()
    SentLog(tmp_path).close()
    (sent,) = possibly_paid(tmp_path)
    assert (sent.question, sent.tokens, sent.usd) == ("lost", 7, 0.2)
    SentLog(tmp_path).close()
    assert len(possibly_paid(tmp_path)) == 1
    living.close()


def test_slots_are_used_again(tmp_path: Path) -> None:
    """The file is as long as most calls were under way at once, however many there were."""
    log = SentLog(tmp_path)
    for n in range(100):
        log.end(log.begin(str(n), "m", Cost()))
    (path,) = tmp_path.glob("sent-*")
    assert path.stat().st_size <= 1024
    log.close()
    assert not path.exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """With what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="name a folder"):
        SentLog(tmp_path / "file")
