"""An OpenAI-compatible server: what is asked, read, tried again and given up."""

import asyncio
import json
import math
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_builders import make_question
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from autointerp.core.errors import AskFailed, EnvironmentProblem, ProviderUnavailable
from autointerp.core.types import Digits, Question, Reply, Text, YesNo
from autointerp.llm.providers import make_remote
from autointerp.llm.remote import RemoteLLM
from autointerp.llm.retrying import Patience, read_retry_after
from autointerp.llm.verbalised import UnreadableError, read_list

PATH = "/v1/chat/completions"
SECRET = "sk-very-secret-key"
DIGITS = Digits(count=3, placeholder="_", after="<start>", scale=9)
QUICK = Patience(tries=3, total_s=5, first_s=0.01, longest_s=0.05)

Handler = Callable[[Request], Response]


def completion(text: str = "fine", *, logprobs: Any = None, **message: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "served-model",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "logprobs": logprobs,
                "message": {"role": "assistant", "content": text, **message},
            }
        ],
        "usage": {
            "prompt_tokens": 7,
            "completion_tokens": 2,
            "total_tokens": 9,
            "prompt_tokens_details": {"cached_tokens": 4},
        },
    }


def likeliest(**shares: float) -> dict[str, Any]:
    top = [{"token": token, "logprob": math.log(p), "bytes": None} for token, p in shares.items()]
    return {"content": [{**top[0], "top_logprobs": top}]}


def ok(body: Any) -> Response:
    return Response(json.dumps(body), content_type="application/json")


def failed(status: int, message: str = "no", headers: dict[str, str] | None = None, **more: Any) -> Response:
    body = json.dumps({"error": {"message": message, **more}})
    return Response(body, status=status, content_type="application/json", headers=headers)


def serve(server: HTTPServer, *responses: Response) -> None:
    """Answer with these in turn, the last one for ever."""
    left = list(responses)
    server.expect_request(PATH, method="POST").respond_with_handler(lambda _: left.pop(0) if len(left) > 1 else left[0])


def open_llm(base_url: str, *, patience: Patience = QUICK, timeout_s: float = 5, **more: Any) -> RemoteLLM:
    options = {"base_url": base_url, "patience": patience, "timeout_s": timeout_s, **more}
    return make_remote("openai", "m", options)


def ask(server: HTTPServer, question: Question, *, patience: Patience = QUICK, timeout_s: float = 5) -> Reply:
    async def once() -> Reply:
        llm = open_llm(server.url_for("/v1"), patience=patience, timeout_s=timeout_s)
        try:
            return await llm.answer(question)
        finally:
            await llm.close()

    return asyncio.run(once())


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)


def sent(server: HTTPServer) -> list[dict[str, Any]]:
    return [request.get_json() for request, _ in server.log]


def test_text_comes_back_as_billed(httpserver: HTTPServer) -> None:
    """Model and token counts are the server's, the price is unknown, the key is sent."""
    serve(httpserver, ok(completion("hello")))
    reply = ask(httpserver, make_question("p", system="s", sampling=(("temperature", 0.5),)))
    assert (reply.text, reply.model, reply.kind) == ("hello", "served-model", "text")
    assert (reply.tokens_in, reply.tokens_out, reply.tokens_cached, reply.usd) == (7, 2, 4, None)
    (body,) = sent(httpserver)
    assert body["messages"] == [{"role": "system", "content": "s"}, {"role": "user", "content": "p"}]
    assert (body["temperature"], body["max_tokens"]) == (0.5, 8)
    assert httpserver.log[0][0].headers["Authorization"] == f"Bearer {SECRET}"


def test_yes_is_the_mass_of_its_forms(httpserver: HTTPServer) -> None:
    """Forms add up, other tokens do not count, and the two sides sum to one."""
    serve(httpserver, ok(completion("Yes", logprobs=likeliest(**{"Yes": 0.3, " yes": 0.1, "NO": 0.1, "Maybe": 0.5}))))
    reply = ask(httpserver, make_question(wants=YesNo()))
    assert reply.probabilities[0] == pytest.approx((0.8, 0.2))
    assert reply.kind == "logprob"
    assert sent(httpserver)[0]["top_logprobs"] == 20


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (completion("Yes"), "provider_error: m sent no top_logprobs"),
        (completion("Hm", logprobs=likeliest(Hm=0.9)), "parse_failed"),
        (completion("", refusal="I will not"), "judge_refused: I will not"),
    ],
)
def test_yes_no_that_cannot_be_read_is_a_failure(httpserver: HTTPServer, body: dict[str, Any], reason: str) -> None:
    """No log-probabilities, neither word, a refusal: each by its name."""
    serve(httpserver, ok(body))
    with pytest.raises(AskFailed, match=reason):
        ask(httpserver, make_question(wants=YesNo()))


def test_digits_are_a_list_of_integers(httpserver: HTTPServer) -> None:
    """One-hot rows, marked as verbalised; the prompt says what to write."""
    serve(httpserver, ok(completion("Sure: [0, 9, 3]")))
    reply = ask(httpserver, make_question(wants=DIGITS))
    assert [row.index(1.0) for row in reply.probabilities] == [0, 9, 3]
    assert (reply.kind, {len(row) for row in reply.probabilities}) == ("verbalised", {10})
    assert "JSON list of 3 integers from 0 to 9" in sent(httpserver)[0]["messages"][-1]["content"]


@given(st.lists(st.integers(-3, 12) | st.floats(allow_nan=False) | st.booleans() | st.text(), max_size=5))
def test_no_list_is_read_as_what_it_is_not(numbers: list[Any]) -> None:
    """Three integers in 0..9, or parse_failed: never zeros in place of what is missing."""
    fits = len(numbers) == 3 and all(type(n) is int and 0 <= n <= 9 for n in numbers)
    if fits:
        assert [row.index(1.0) for row in read_list(json.dumps(numbers), DIGITS)] == numbers
    else:
        with pytest.raises(UnreadableError):
            read_list(json.dumps(numbers), DIGITS)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_what_may_pass_is_tried_again(httpserver: HTTPServer, status: int) -> None:
    """Two failures, then the answer; the reply says how many tries it took."""
    serve(httpserver, failed(status), failed(status), ok(completion()))
    assert ask(httpserver, make_question()).tries == 3


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, AskFailed), (409, AskFailed), (429, ProviderUnavailable), (503, ProviderUnavailable)],
)
def test_tries_are_bounded(httpserver: HTTPServer, status: int, error: type[Exception]) -> None:
    """After the last try one question fails, or all when the server says so."""
    serve(httpserver, failed(status))
    with pytest.raises(error):
        ask(httpserver, make_question())
    assert len(httpserver.log) == QUICK.tries


def test_retry_after_is_kept_to(httpserver: HTTPServer) -> None:
    """The wait is the server's, not the jitter's."""
    serve(httpserver, failed(429, headers={"Retry-After": "0.4"}), ok(completion()))
    start = time.perf_counter()
    assert ask(httpserver, make_question()).tries == 2
    assert time.perf_counter() - start >= 0.4


def test_a_wait_beyond_patience_is_not_begun(httpserver: HTTPServer) -> None:
    """An hour's wait ends the run at once; it can be resumed."""
    serve(httpserver, failed(429, headers={"Retry-After": "3600"}))
    start = time.perf_counter()
    with pytest.raises(ProviderUnavailable, match="rate"):
        ask(httpserver, make_question())
    assert time.perf_counter() - start < 3
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(
    ("response", "error", "what"),
    [
        (failed(401, f"Incorrect key {SECRET}"), ProviderUnavailable, r"\$OPENAI_API_KEY"),
        (failed(403), ProviderUnavailable, r"\$OPENAI_API_KEY"),
        (failed(404), ProviderUnavailable, "no model 'm'"),
        (failed(429, code="insufficient_quota"), ProviderUnavailable, "quota"),
        (failed(400, "bad temperature"), AskFailed, "bad temperature"),
        (failed(400, "too long", code="context_length_exceeded"), AskFailed, "shorter windows"),
        (Response("<html>hello</html>", content_type="text/html"), AskFailed, "provider_error"),
        (Response("{not json", content_type="application/json"), AskFailed, "provider_error"),
        (ok({"choices": []}), AskFailed, "no chat completion"),
        (ok({"object": "x"}), AskFailed, "no chat completion"),
        (ok([1]), AskFailed, "provider_error"),
    ],
)
def test_what_will_not_pass_fails_at_once(
    httpserver: HTTPServer, response: Response, error: type[Exception], what: str
) -> None:
    """One try, a message with what to do, and never the key."""
    serve(httpserver, response)
    with pytest.raises(error, match=what) as raised:
        ask(httpserver, make_question())
    assert len(httpserver.log) == 1
    assert SECRET not in str(raised.value)


def test_a_slow_server_is_a_timeout(httpserver: HTTPServer) -> None:
    """Of this question."""

    def dawdle(_: Request) -> Response:
        time.sleep(0.3)
        return ok(completion())

    httpserver.expect_request(PATH).respond_with_handler(dawdle)
    with pytest.raises(AskFailed, match="timeout"):
        ask(httpserver, make_question(), timeout_s=0.05, patience=Patience(tries=2, first_s=0.01))


def test_no_server_is_unavailable() -> None:
    """Nothing listens on port 1: the message names the address."""
    llm = open_llm("http://127.0.0.1:1/v1")
    with pytest.raises(ProviderUnavailable, match=r"127\.0\.0\.1:1/v1 cannot be reached"):
        asyncio.run(llm.answer(make_question()))


def test_openai_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named by its variable, before anything is sent."""
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(EnvironmentProblem, match="OPENAI_API_KEY is not set"):
        asyncio.run(make_remote("openai", "m").answer(make_question(wants=Text())))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3.0),
        ("-1", 0.0),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    """Whatever else stands there is ignored."""
    assert read_retry_after({"retry-after": text}) == seconds
