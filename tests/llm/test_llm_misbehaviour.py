"""A server that misbehaves, over both wire formats: what comes of it, and how often it is asked."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
import wire_shapes
from llm_builders import make_question
from local_server import Got, LocalServer, Respond, Send

from autointerp.core.errors import AskFailed, ProviderUnavailable
from autointerp.core.types import Question, Reply
from autointerp.llm import clients
from autointerp.llm.budget import Budget
from autointerp.llm.providers import make_remote
from autointerp.llm.retrying import Patience

Serve = Callable[[Respond], LocalServer]
QUICK = Patience(tries=3, total_s=20, first_s=0.01, longest_s=0.05)
FINE = {"anthropic": wire_shapes.message(), "openai": wire_shapes.chat()}
ROOT = {"anthropic": "", "openai": "/v1"}

pytestmark = pytest.mark.parametrize("provider", ["anthropic", "openai"])


def in_turn(*sends: Send) -> Respond:
    """Answer with these in turn, the last one for ever."""
    left = list(sends)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def ask(provider: str, server: LocalServer, question: Question | None = None, **options: Any) -> Reply:
    settings = {"base_url": server.url + ROOT[provider], "patience": QUICK, "timeout_s": 5.0, **options}
    remote = make_remote(provider, "m", settings)

    async def once() -> Reply:
        try:
            return await remote.answer(question or make_question())
        finally:
            await remote.close()

    return asyncio.run(once())


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_tried_again(serve: Serve, provider: str, status: int) -> None:
    """Two failures, then the answer; the SDK tried nothing on its own."""
    server = serve(in_turn(Send({}, status), Send({}, status), Send(FINE[provider])))
    assert ask(provider, server).tries == 3
    assert len(server.got) == 3


@pytest.mark.parametrize(
    ("status", "error"), [(400, AskFailed), (401, ProviderUnavailable), (404, ProviderUnavailable)]
)
def test_what_will_not_pass_is_asked_once(serve: Serve, provider: str, status: int, error: type[Exception]) -> None:
    """A wrong request, key or name fails at once."""
    server = serve(in_turn(Send({"error": {"message": "no"}}, status)))
    with pytest.raises(error):
        ask(provider, server)
    assert len(server.got) == 1


def test_context_overflow_says_what_to_do(serve: Serve, provider: str) -> None:
    """At once, with the way out."""
    server = serve(in_turn(Send({"error": {"message": "prompt is too long: 9 tokens > 8 maximum"}}, 400)))
    with pytest.raises(AskFailed, match="shorter windows"):
        ask(provider, server)


@pytest.mark.parametrize("header", ["retry-after", "retry-after-ms"])
def test_the_wait_the_server_asks_for_is_kept(serve: Serve, provider: str, header: str) -> None:
    """In seconds or milliseconds."""
    wait = {"retry-after": "0.4", "retry-after-ms": "400"}[header]
    server = serve(in_turn(Send({}, 429, {header: wait}), Send(FINE[provider])))
    start = time.perf_counter()
    assert ask(provider, server).tries == 2
    assert time.perf_counter() - start >= 0.4


def test_tries_are_bounded_in_time(serve: Serve, provider: str) -> None:
    """However many tries are left, patience ends."""
    server = serve(in_turn(Send({}, 429, {"retry-after": "0.3"})))
    start = time.perf_counter()
    with pytest.raises(ProviderUnavailable, match="rate"):
        ask(provider, server, patience=Patience(tries=1000, total_s=0.7))
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("cut_at", [0, 30])
def test_a_connection_cut_half_way_is_tried_again(serve: Serve, provider: str, cut_at: int) -> None:
    """And the lost try counts as paid for, at worst."""
    server = serve(in_turn(Send(FINE[provider], cut_at=cut_at), Send(FINE[provider])))
    budget = Budget()
    assert ask(provider, server, budget=budget).tries == 2
    assert budget.spent.tokens > 500


def test_a_slow_answer_is_a_timeout(serve: Serve, provider: str) -> None:
    """Of this question, after as many tries as patience allows."""
    server = serve(in_turn(Send(FINE[provider], delay_s=1.0)))
    with pytest.raises(AskFailed, match="timeout"):
        ask(provider, server, timeout_s=0.1)
    assert len(server.got) == QUICK.tries


@pytest.mark.parametrize(
    "send",
    [
        Send(b"{not json"),
        Send(b"<html>welcome</html>", content_type="text/html"),
        Send(b""),
        Send([1, 2]),
        Send("text"),
        Send({}),
        Send({"choices": [], "content": "x"}),
        Send({"choices": [{"message": None}], "type": "message"}),
        Send(b"\xff\xfe\x00"),
    ],
)
def test_what_is_no_answer_is_a_failure(serve: Serve, provider: str, send: Send) -> None:
    """Named by the address, asked once, never a reply."""
    server = serve(in_turn(send))
    with pytest.raises(AskFailed, match=r"provider_error: http://127.0.0.1") as raised:
        ask(provider, server)
    assert (len(server.got), raised.value.reply) == (1, None)


def test_an_endless_body_is_not_read_to_its_end(serve: Serve, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops at the bound, long before the time is up."""
    monkeypatch.setattr(clients, "LONGEST_BODY", 2**20)
    server = serve(in_turn(Send({}, endless=True)))
    with pytest.raises(AskFailed, match="longer than 1,048,576 bytes"):
        ask(provider, server)
    assert len(server.got) == 1


def test_a_body_that_drips_is_a_timeout(serve: Serve, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each chunk comes in time, the answer never does."""
    monkeypatch.setattr(clients, "LONGEST_BODY", 2**40)
    server = serve(in_turn(Send({}, endless=True)))
    with pytest.raises(AskFailed, match="timeout"):
        ask(provider, server, timeout_s=0.3, patience=Patience(tries=1))


def test_a_changed_model_is_seen(serve: Serve, provider: str) -> None:
    """The reply names the model that answered, not the one that was asked for."""
    server = serve(in_turn(Send({**FINE[provider], "model": "other-2"})))
    assert ask(provider, server).model == "other-2"


def test_a_redirect_does_not_lose_the_question(serve: Serve, provider: str) -> None:
    """A server that moved is followed."""

    def respond(got: Got) -> Send:
        if "/new" in got.path:
            return Send(FINE[provider])
        return Send({}, 307, {"location": f"/new{got.path}"})

    server = serve(respond)
    assert ask(provider, server).text == "fine"
