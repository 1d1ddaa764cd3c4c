"""Anthropic's Messages: what is sent, what is cached, what is read."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
import wire_shapes
from llm_builders import answer, make_question
from local_server import LocalServer, Respond, Send

from autointerp.core.errors import AskFailed, ConfigError, EnvironmentProblem
from autointerp.core.types import Digits, Json, YesNo
from autointerp.llm.messages import SharedPrefix, n_common_characters
from autointerp.llm.prices import Price
from autointerp.llm.probing import check_answerable
from autointerp.llm.providers import make_remote
from autointerp.llm.remote import RemoteLLM

Serve = Callable[[Respond], LocalServer]
DIGITS = Digits(count=3, placeholder="_", after="<start>", scale=9)
SECRET = "sk-ant-secret"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)


def open_remote(server: LocalServer, **options: Any) -> RemoteLLM:
    return make_remote("anthropic", "claude-x", {"base_url": server.url, **options})


def test_text_comes_back_as_billed(serve: Serve) -> None:
    """All of the prompt is counted, also what the cache read and wrote; the key travels in its header alone."""
    server = serve(lambda _: Send(wire_shapes.message("a label")))
    (reply,) = answer(open_remote(server), make_question("p", system="s"))
    assert (reply.text, reply.model, reply.kind) == ("a label", "claude-served", "text")
    assert (reply.tokens_in, reply.tokens_cached, reply.tokens_out, reply.usd) == (70, 40, 5, None)
    (got,) = server.got
    assert got.path == "/v1/messages"
    assert sum(SECRET in value for value in got.headers.values()) == 1
    assert SECRET not in got.raw.decode()
    assert got.body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "p"}]}]
    assert got.body["system"] == [{"type": "text", "text": "s"}]


@pytest.mark.parametrize(
    ("wants", "text", "rows"),
    [
        (YesNo(), '{"percent": 80}', ((0.8, 0.2),)),
        (Digits(2, "_", "<start>", 2), '{"values": [2, 0]}', ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0))),
    ],
)
def test_graded_answers_are_integers_by_schema(serve: Serve, wants: Any, text: str, rows: Any) -> None:
    """Their kind says that they were put in words."""
    server = serve(lambda _: Send(wire_shapes.message(text)))
    (reply,) = answer(open_remote(server), make_question(wants=wants))
    assert [pytest.approx(row) for row in rows] == list(reply.probabilities)
    assert reply.kind == "verbalised"
    schema = server.got[0].body["output_config"]["format"]
    assert schema["type"] == "json_schema"
    assert set(schema["schema"]["properties"]) <= {"percent", "values"}
    assert "temperature" not in server.got[0].body


def test_a_schema_is_passed_on(serve: Serve) -> None:
    """As written by the asker."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    server = serve(lambda _: Send(wire_shapes.message('{"a": "b"}')))
    (reply,) = answer(open_remote(server), make_question(wants=Json(json.dumps(schema))))
    assert json.loads(reply.text) == {"a": "b"}
    assert server.got[0].body["output_config"]["format"]["schema"] == schema


def test_who_needs_probabilities_is_refused_before_anything_is_spent(serve: Serve) -> None:
    """The message says what the judge has, what is needed and what to do; nothing was sent."""
    server = serve(lambda _: Send(wire_shapes.message("yes")))
    question = make_question(wants=YesNo(), kinds=("logprob", "decisions"))
    for refuse in (
        lambda: check_answerable(open_remote(server), [question]),
        lambda: answer(open_remote(server), question),
    ):
        with pytest.raises(ConfigError, match="grades in kind verbalised, and this scorer needs logprob or decisions"):
            refuse()
    assert server.got == []


def test_sampling_settings_are_refused(serve: Serve) -> None:
    """The provider takes none: better no answer than one under other settings."""
    server = serve(lambda _: Send(wire_shapes.message()))
    with pytest.raises(ConfigError, match="temperature"):
        answer(open_remote(server), make_question(sampling=(("temperature", 0.5),)))
    assert server.got == []


@pytest.mark.parametrize(
    ("stop", "text", "failure"),
    [
        ("refusal", "", "judge_refused"),
        ("refusal", "I would rather not", "judge_refused"),
        ("end_turn", "", "parse_failed: empty"),
        ("max_tokens", '{"values": [1, 2', "parse_failed: cut off"),
        ("end_turn", '{"values": [1, 2]}', "parse_failed: 2 values"),
        ("end_turn", '{"values": [1, 2, 10]}', "parse_failed: 3 values, 1 outside"),
    ],
)
def test_what_is_no_answer_keeps_its_text(serve: Serve, stop: str, text: str, failure: str) -> None:
    """It was paid for: the failure carries the reply, for ledger and store."""
    server = serve(lambda _: Send(wire_shapes.message(text, stop=stop)))
    with pytest.raises(AskFailed, match=failure) as raised:
        answer(open_remote(server), make_question(wants=DIGITS))
    assert raised.value.reply is not None
    assert (raised.value.reply.text, raised.value.reply.tokens_in) == (text, 70)
    assert raised.value.reply.probabilities == ()


def test_a_text_that_was_cut_says_so(serve: Serve) -> None:
    """The reader decides what half a label is worth."""
    server = serve(lambda _: Send(wire_shapes.message("names of", stop="max_tokens")))
    assert answer(open_remote(server), make_question())[0].is_cut


def test_the_shared_prefix_is_marked_for_the_cache(serve: Serve) -> None:
    """From the second question on, up to the last line they share; nothing is marked that is too short."""
    server = serve(lambda _: Send(wire_shapes.message()))
    shared = "instructions and examples\n" * 100
    remote = open_remote(server)
    answer(remote, *(make_question(f"{shared}label: {n}\ntext {n}") for n in range(3)))
    for got in server.got[1:]:
        first, rest = got.body["messages"][0]["content"]
        assert first == {"type": "text", "text": shared, "cache_control": {"type": "ephemeral"}}
        assert rest["text"].startswith("label: ")
    answer(remote, make_question("short"), make_question("short too"))
    assert all("cache_control" not in json.dumps(got.body) for got in server.got[3:])


def test_prompts_come_through_whole() -> None:
    """Wherever they are split, the two parts are the prompt."""
    prefixes = SharedPrefix(size=1)
    for prompt in ("a\nb\nc", "a\nb\nd", "a\n", "", "x", "a\nb\nd"):
        assert "".join(prefixes.split("", prompt)) == prompt
    assert n_common_characters("abcd", "abxd") == 2


def test_cached_tokens_are_cheaper() -> None:
    """What the cache read and wrote has prices of its own."""
    price = Price(input=10.0, output=50.0, cached=1.0, written=12.5)
    usage = wire_shapes.message()["usage"]
    from autointerp.llm.messages import read_message_usage

    assert price.of(read_message_usage(usage)) == pytest.approx((20 * 10 + 40 * 1 + 10 * 12.5 + 5 * 50) / 1e6)


def test_a_key_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """By Anthropic itself; named by its variable before anything is sent."""
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with pytest.raises(EnvironmentProblem, match="ANTHROPIC_API_KEY is not set"):
        asyncio.run(make_remote("anthropic", "claude-x").answer(make_question()))
