"""Batch APIs: handed in once, picked up after a restart, only what failed handed in again."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import wire_shapes
from llm_builders import make_question
from local_server import Got, LocalServer, Respond, Send

from autointerp.core.errors import ConfigError, ProviderUnavailable
from autointerp.core.types import Digits, Failure, Question, Reply
from autointerp.llm.batch_apis import AnthropicBatches, OpenAIBatches
from autointerp.llm.batch_store import BatchStore
from autointerp.llm.batching import TRIES, BatchLLM
from autointerp.llm.gather import answer_all
from autointerp.llm.prices import Price
from autointerp.llm.providers import make_remote
from autointerp.llm.registry import open_llm
from autointerp.llm.replies import CachedLLM
from autointerp.llm.reply_store import ReplyStore
from autointerp.llm.retrying import Patience

Serve = Callable[[Respond], LocalServer]
QUICK = Patience(tries=3, total_s=10, first_s=0.01, longest_s=0.05)
PROVIDERS = ["anthropic", "openai"]


class Batches:
    """Both batch APIs, as a server: what became of each item is decided by ``fate(custom_id, body, times_seen)``."""

    def __init__(self, fate: Callable[[str, Any, int], str] = lambda *_: "succeeded", *, looks: int = 1) -> None:
        self.fate, self.looks = fate, looks
        self.batches: dict[str, list[tuple[str, Any]]] = {}
        self.meta: dict[str, Any] = {}
        self.seen: dict[str, int] = {}
        self.looked: dict[str, int] = {}
        self.files: dict[str, bytes] = {}
        self.lose_next_answer = False
        self.host = ""

    def __call__(self, got: Got) -> Send:
        self.host = got.headers["host"]
        path = got.path.partition("?")[0].removeprefix("/v1")
        if path == "/messages/batches" and got.method == "POST":
            return self._take([(r["custom_id"], r["params"]) for r in got.body["requests"]], {}, self._message_batch)
        if path == "/files":
            name = f"file-{len(self.files)}"
            self.files[name] = got.raw
            return Send(
                {"id": name, "object": "file", "bytes": 1, "created_at": 1, "filename": "f", "purpose": "batch"}
            )
        if path == "/batches" and got.method == "POST":
            return self._take(read_lines(self.files[got.body["input_file_id"]]), got.body["metadata"], self._batch)
        if path in ("/batches", "/messages/batches"):
            make = self._batch if path == "/batches" else self._message_batch
            return Send({"data": [make(n) for n in self.batches], "has_more": False, "object": "list"})
        if path.endswith("/results"):
            return Send(self._results(path.split("/")[-2]), content_type="application/x-jsonl")
        if path.endswith("/content"):
            return Send(self._lines(path.split("/")[-2]), content_type="application/jsonl")
        name = path.rpartition("/")[2]
        self.looked[name] = self.looked.get(name, 0) + 1
        return Send((self._message_batch if "messages" in path else self._batch)(name))

    def _take(self, items: list[tuple[str, Any]], meta: Any, make: Any) -> Send:
        name = f"batch-{len(self.batches)}"
        self.batches[name], self.meta[name] = items, meta
        for item, _ in items:
            self.seen[item] = self.seen.get(item, 0) + 1
        answer = Send(make(name), cut_at=10 if self.lose_next_answer else None)
        self.lose_next_answer = False
        return answer

    def _ended(self, name: str) -> bool:
        return self.looked.get(name, 0) >= self.looks

    def _message_batch(self, name: str) -> Any:
        from datetime import UTC, datetime

        now = datetime.now(UTC).isoformat()
        n = len(self.batches[name])
        counts = {"processing": n, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
        return {
            "id": name, "type": "message_batch", "processing_status": "ended" if self._ended(name) else "in_progress",
            "request_counts": counts, "created_at": now, "expires_at": now, "ended_at": None,
            "results_url": f"http://{self.host}/v1/messages/batches/{name}/results",
            "archived_at": None, "cancel_initiated_at": None,
        }  # fmt: skip

    def _batch(self, name: str) -> Any:
        return {
            "id": name, "object": "batch", "endpoint": "/v1/chat/completions", "completion_window": "24h",
            "created_at": 1, "input_file_id": "file-0", "status": "completed" if self._ended(name) else "in_progress",
            "output_file_id": f"out-{name}", "error_file_id": None, "metadata": self.meta[name],
        }  # fmt: skip

    def _results(self, name: str) -> bytes:
        lines = []
        for item, body in reversed(self.batches[name]):
            fate = self.fate(item, body, self.seen[item])
            result: dict[str, Any] = {"type": fate}
            if fate == "succeeded":
                result["message"] = wire_shapes.message(f"answer to {body['messages'][0]['content'][-1]['text']}")
            if fate.startswith("errored"):
                kind = "invalid_request_error" if fate == "errored:wrong" else "api_error"
                error = {"type": kind, "message": "too long"}
                result = {"type": "errored", "error": {"type": "error", "error": error, "request_id": None}}
            lines.append(json.dumps({"custom_id": item, "result": result}))
        return "\n".join(lines).encode()

    def _lines(self, name: str) -> bytes:
        lines = []
        for item, body in reversed(self.batches[name.removeprefix("out-")]):
            fate = self.fate(item, body, self.seen[item])
            line: dict[str, Any] = {"id": "x", "custom_id": item, "response": None, "error": None}
            if fate == "succeeded":
                shape = wire_shapes.chat(f"answer to {body['messages'][-1]['content']}")
                line["response"] = {"status_code": 200, "body": shape}
            elif fate.startswith("errored"):
                status = 400 if fate == "errored:wrong" else 500
                line["response"] = {"status_code": status, "body": {"error": {"code": "e", "message": "too long"}}}
            else:
                line["error"] = {"code": "batch_expired", "message": "too late"}
            lines.append(json.dumps(line))
        return "\n".join(lines).encode()


def read_lines(raw: bytes) -> list[tuple[str, Any]]:
    """Return the items in an uploaded form's JSON lines."""
    lines = (json.loads(line) for line in raw.splitlines() if line.startswith(b'{"custom_id"'))
    return [(line["custom_id"], line["body"]) for line in lines]


def open_batches(provider: str, server: LocalServer, folder: Path, **options: Any) -> CachedLLM:
    root = "/v1" if provider == "openai" else ""
    settings = {"base_url": server.url + root, "patience": QUICK, "batch": True, **options}
    remote = make_remote(provider, "m", settings, folder=folder)
    api = {"anthropic": AnthropicBatches, "openai": OpenAIBatches}[provider](remote.client)  # type: ignore[arg-type]
    batches = BatchLLM(remote, api, BatchStore(folder / "batches.sqlite"), poll_s=0.02, quiet_s=0.02)
    return CachedLLM(batches, ReplyStore(folder / "replies.sqlite"))


def ask(llm: CachedLLM, questions: Sequence[Question]) -> list[Reply | Failure]:
    try:
        return asyncio.run(asyncio.wait_for(answer_all(llm, questions, 2), 60))
    finally:
        llm.close()


def some(n: int) -> list[Question]:
    return [make_question(f"q{i}") for i in range(n)]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_all_questions_go_in_one_batch(serve: Serve, tmp_path: Path, provider: str) -> None:
    """More at once than asked for, and the answers find their questions in whatever order they come."""
    batches = Batches(looks=3)
    replies = ask(open_batches(provider, serve(batches), tmp_path), some(25))
    assert [reply.text for reply in replies] == [f"answer to q{n}" for n in range(25)]  # type: ignore[union-attr]
    assert [len(items) for items in batches.batches.values()] == [25]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fate", ["expired", "errored"])
def test_only_what_failed_is_handed_in_again(serve: Serve, tmp_path: Path, provider: str, fate: str) -> None:
    """Every third item fails once."""
    batches = Batches(lambda _, body, seen: fate if "q1" in json.dumps(body) and seen == 1 else "succeeded")
    replies = ask(open_batches(provider, serve(batches), tmp_path), some(4))
    assert all(isinstance(reply, Reply) for reply in replies)
    assert [len(items) for items in batches.batches.values()] == [4, 1]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_the_provider_refuses_is_a_failure(serve: Serve, tmp_path: Path, provider: str) -> None:
    """Handed in once; what fails for ever is handed in so many times and no more."""
    fates = {"q0": "errored:wrong", "q1": "expired"}
    batches = Batches(lambda _, body, __: next((f for q, f in fates.items() if q in json.dumps(body)), "succeeded"))
    replies = ask(open_batches(provider, serve(batches), tmp_path), some(3))
    assert [type(reply) for reply in replies] == [Failure, Failure, Reply]
    assert "too long" in replies[0].detail  # type: ignore[union-attr]
    assert sorted(batches.seen.values()) == [1, 1, TRIES]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_restarted_run_picks_its_batches_up(serve: Serve, tmp_path: Path, provider: str) -> None:
    """The first run is stopped while the provider works; the second hands in nothing but what is new."""
    batches = Batches(looks=10**9)
    server = serve(batches)

    async def stopped() -> None:
        llm = open_batches(provider, server, tmp_path)
        running = asyncio.create_task(answer_all(llm, some(5), 5))
        while not batches.looked:
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        llm.close()

    asyncio.run(stopped())
    batches.looks = 0
    replies = ask(open_batches(provider, server, tmp_path), some(6))
    assert [reply.text for reply in replies] == [f"answer to q{n}" for n in range(6)]  # type: ignore[union-attr]
    assert [len(items) for items in batches.batches.values()] == [5, 1]
    assert set(batches.seen.values()) == {1}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_batch_whose_name_was_lost_is_found(serve: Serve, tmp_path: Path, provider: str) -> None:
    """The provider took it and the connection broke: nothing is handed in twice."""
    batches = Batches()
    batches.lose_next_answer = True
    replies = ask(open_batches(provider, serve(batches), tmp_path), some(3))
    assert all(isinstance(reply, Reply) for reply in replies)
    assert len(batches.batches) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_run_killed_while_handing_in_finds_its_batch(serve: Serve, tmp_path: Path, provider: str) -> None:
    """What it intended stands on the disk before it starts."""
    batches = Batches()
    server = serve(batches)
    batches.lose_next_answer = True
    with pytest.raises(ProviderUnavailable):
        ask(open_batches(provider, server, tmp_path, patience=Patience(tries=1)), some(3))
    replies = ask(open_batches(provider, server, tmp_path), some(3))
    assert all(isinstance(reply, Reply) for reply in replies)
    assert len(batches.batches) == 1


def test_batches_cost_half(serve: Serve, tmp_path: Path) -> None:
    """By the factor of the price table."""
    llm = open_batches("openai", serve(Batches()), tmp_path)
    from dataclasses import replace

    remote = llm.inner.inner  # type: ignore[attr-defined]
    remote.terms = replace(remote.terms, price=Price(1000.0, 1000.0, 1000.0, 1000.0, batch=0.5))
    (reply,) = ask(llm, some(1))
    assert reply.usd == pytest.approx(0.0375)  # type: ignore[union-attr]


def test_an_answer_that_cannot_be_read_is_kept(serve: Serve, tmp_path: Path) -> None:
    """It was paid for and is not handed in again."""
    batches = Batches()
    server = serve(batches)
    wants = Digits(count=3, placeholder="_", after="<start>", scale=9)
    for _ in range(2):
        (failure,) = ask(open_batches("openai", server, tmp_path), [make_question("q", wants=wants)])
        assert failure.reason == "parse_failed"  # type: ignore[union-attr]
        assert failure.reply is not None  # type: ignore[union-attr]
    assert len(batches.batches) == 1


def test_batches_need_a_folder() -> None:
    """Without one they would be forgotten, and paid for twice."""
    with pytest.raises(ConfigError, match="give a reply store"):
        open_llm("anthropic:m", options={"batch": True})
