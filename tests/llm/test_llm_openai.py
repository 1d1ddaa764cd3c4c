"""OpenAI's other forms: Responses, decisions, schemas, log-probabilities of the prompt."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import wire_shapes
from llm_builders import answer, make_question, make_window_prompt
from local_server import LocalServer, Respond, Send

from autointerp.core.errors import AskFailed
from autointerp.core.types import Digits, Json, Question, Reply, Wants, YesNo
from autointerp.llm.capabilities import Capabilities
from autointerp.llm.forms import pick_form
from autointerp.llm.providers import make_remote
from autointerp.llm.replies import CachedLLM
from autointerp.llm.reply_store import ReplyStore

Serve = Callable[[Respond], LocalServer]
DIGITS = Digits(count=2, placeholder="_", after="<start>", scale=9)


def ask(server: LocalServer, question: Question, **capabilities: Any) -> Reply:
    remote = make_remote("openai", "m", {"base_url": f"{server.url}/v1"})
    remote.capabilities = replace(remote.capabilities, **capabilities)

    return answer(remote, question)[0]


def test_responses_give_text_tokens_and_nothing_is_kept(serve: Serve) -> None:
    """The provider is told not to store what we ask."""
    server = serve(lambda _: Send(wire_shapes.response("a label")))
    reply = ask(server, make_question("p", system="s"), api="responses")
    assert (reply.text, reply.model, reply.tokens_in, reply.tokens_cached) == ("a label", "gpt-served", 70, 40)
    body = server.got[0].body
    assert (body["store"], body["instructions"], body["input"]) == (False, "s", "p")


def test_responses_read_yes_from_the_first_token(serve: Serve) -> None:
    """As chat does; reasoning is off, without which there are no log-probabilities."""
    server = serve(lambda _: Send(wire_shapes.response("Yes", top={"Yes": 0.6, "No": 0.2, "Well": 0.2})))
    reply = ask(server, make_question(wants=YesNo()), api="responses")
    assert reply.probabilities[0] == pytest.approx((0.75, 0.25))
    assert server.got[0].body["reasoning"] == {"effort": "none"}
    assert server.got[0].body["include"] == ["message.output_text.logprobs"]


@pytest.mark.parametrize(
    ("shape", "failure"),
    [
        (wire_shapes.response(refusal="I will not"), "judge_refused: I will not"),
        (wire_shapes.response('{"values": [1', cut=True), "parse_failed: cut off"),
        (wire_shapes.response(""), "parse_failed: empty"),
        ({"output": "x"}, "provider_error"),
    ],
)
def test_responses_that_are_no_answer(serve: Serve, shape: Any, failure: str) -> None:
    """Each by its name."""
    with pytest.raises(AskFailed, match=failure):
        ask(serve(lambda _: Send(shape)), make_question(wants=DIGITS), api="responses", json_schema=True)


def test_decisions_give_a_probability_for_each_question(serve: Serve) -> None:
    """A predicate for yes or no, one score a placeholder, normalised."""
    levels = [{"label": str(n), "probability": 0.2 if n == 3 else 0.05, "value": n} for n in range(10)]
    score = {"type": "score", "score": 3.0, "confidence": 0.5, "probabilities": levels}
    predicate = {"type": "predicate", "probability": 0.9}
    server = serve(
        lambda got: Send(wire_shapes.decision(*([score, score] if "_" in got.body["input"] else [predicate])))
    )
    yes = ask(server, make_question("Is it?", wants=YesNo()), decisions=True)
    digits = ask(server, make_question(make_window_prompt(["a", "b"]), wants=DIGITS), decisions=True)
    assert (yes.kind, yes.probabilities[0]) == ("decisions", pytest.approx((0.9, 0.1)))
    assert [row.index(max(row)) for row in digits.probabilities] == [3, 3]
    assert sum(digits.probabilities[0]) == pytest.approx(1)
    assert [len(got.body["questions"]) for got in server.got] == [1, 2]


@pytest.mark.parametrize(
    ("answers", "failure"),
    [
        ([{"type": "refusal"}], "judge_refused"),
        ([], "parse_failed: 0 answers to 1"),
        ([{"type": "predicate", "probability": 0.5}] * 2, "parse_failed: 2 answers to 1"),
        ([{"type": "predicate", "probability": 1.5}], "parse_failed"),
    ],
)
def test_decisions_that_are_no_answer(serve: Serve, answers: Any, failure: str) -> None:
    """A refusal is counted apart; another number or what is no probability is never read."""
    with pytest.raises(AskFailed, match=failure):
        ask(serve(lambda _: Send(wire_shapes.decision(*answers))), make_question(wants=YesNo()), decisions=True)


def echoed(prompt: str, rivals: dict[str, float]) -> list[tuple[str, dict[str, float]]]:
    """Return the prompt cut into words, tabs, line ends and placeholders, each place with these rivals."""
    import re

    return [(token, rivals) for token in re.findall(r"[^\s_]+|\t|\n|_| ", prompt)]


def vllm_shape(prompt: str, rivals: dict[str, float]) -> dict[str, Any]:
    import math

    places: list[Any] = [None]
    for text, top in echoed(prompt, rivals)[1:]:
        listed = [{"decoded_token": text, "logprob": -9.0, "rank": 30}]
        listed += [{"decoded_token": t, "logprob": math.log(p), "rank": n} for n, (t, p) in enumerate(top.items())]
        places.append({str(n): one for n, one in enumerate(listed)})
    first = echoed(prompt, rivals)[0][0]
    places[0] = {"0": {"decoded_token": first, "logprob": 0.0, "rank": 1}}
    return {**wire_shapes.chat("x"), "prompt_logprobs": places}


@pytest.mark.parametrize("how", ["echo", "chat"])
def test_all_at_once_simulation_reads_the_prompt(serve: Serve, how: str) -> None:
    """One row a placeholder from the likeliest tokens in its place, in one request; examples are not read."""
    prompt = make_window_prompt(["a", "b"])
    rivals = {"0": 0.6, "7": 0.2, "x": 0.1}
    shape = wire_shapes.echo(echoed(prompt, rivals)) if how == "echo" else vllm_shape(prompt, rivals)
    server = serve(lambda _: Send(shape))
    reply = ask(server, make_question(prompt, wants=DIGITS), prompt_logprobs=how)
    assert reply.kind == "prompt_logprob"
    assert [pytest.approx(row) for row in reply.probabilities] == [(0.75, *[0.0] * 6, 0.25, 0.0, 0.0)] * 2
    body = server.got[0].body
    assert body.get("echo") is True if how == "echo" else body["prompt_logprobs"] == 20
    assert body["max_tokens"] == 1


@pytest.mark.parametrize(
    ("tokens", "failure"),
    [
        ([("other text", {"0": 1.0})], "parse_failed|provider_error"),
        (None, "provider_error: the server sent no log-probabilities"),
    ],
)
def test_a_prompt_that_does_not_come_back_is_not_read(serve: Serve, tokens: Any, failure: str) -> None:
    """A server that ignores the parameter in silence is found out."""
    shape = wire_shapes.echo(tokens) if tokens else wire_shapes.chat("x")
    with pytest.raises(AskFailed, match=failure):
        ask(
            serve(lambda _: Send(shape)),
            make_question(make_window_prompt(["a", "b"]), wants=DIGITS),
            prompt_logprobs="echo",
        )


def test_a_placeholder_inside_a_token_is_not_read(serve: Serve) -> None:
    """Its digit could not have been predicted there."""
    prompt = make_window_prompt(["a", "b"])
    tokens = [(part, {"0": 1.0}) for part in prompt.replace("\t_", "\x00\t_\x00").split("\x00") if part]
    with pytest.raises(AskFailed, match="inside a token"):
        ask(
            serve(lambda _: Send(wire_shapes.echo(tokens))),
            make_question(prompt, wants=DIGITS),
            prompt_logprobs="echo",
        )


@pytest.mark.parametrize("wants", [YesNo(), DIGITS, Json('{"type": "object"}')])
def test_words_are_held_to_a_schema_where_the_server_keeps_it(serve: Serve, wants: Wants) -> None:
    """And are only asked for in words where it does not."""
    server = serve(lambda _: Send(wire_shapes.chat('{"percent": 5, "values": [1, 2]}')))
    for keeps in (True, False):
        ask(server, make_question(wants=wants), logprobs=False, json_schema=keeps)
    held, free = (got.body for got in server.got)
    assert held["response_format"]["json_schema"]["strict"] is True
    assert "response_format" not in free
    assert held["messages"] == free["messages"]


@pytest.mark.parametrize(
    ("wants", "capabilities", "kind"),
    [
        (YesNo(), Capabilities(), "logprob"),
        (YesNo(), Capabilities(decisions=True), "decisions"),
        (YesNo(), Capabilities(logprobs=False), "verbalised"),
        (DIGITS, Capabilities(), "verbalised"),
        (DIGITS, Capabilities(decisions=True), "decisions"),
        (DIGITS, Capabilities(decisions=True, prompt_logprobs="echo"), "prompt_logprob"),
        (DIGITS, Capabilities(api="messages", logprobs=False), "verbalised"),
    ],
)
def test_the_best_kind_of_answer_is_asked_for(wants: Wants, capabilities: Capabilities, kind: str) -> None:
    """By what the server can do."""
    assert pick_form(wants, capabilities).kind == kind


def test_kinds_are_kept_apart_in_the_store(serve: Serve, tmp_path: Any) -> None:
    """An answer in words is not served to who asks for log-probabilities, and the other way round."""
    shape = wire_shapes.chat('{"percent": 30}', top={"Yes": 0.6, "No": 0.4})
    server = serve(lambda _: Send(shape))
    store = ReplyStore(tmp_path / "replies.sqlite")
    remote = make_remote("openai", "m", {"base_url": f"{server.url}/v1"})
    llm = CachedLLM(remote, store)

    async def both() -> list[Reply]:
        first = await llm.answer(make_question(wants=YesNo()))
        remote.capabilities = replace(remote.capabilities, logprobs=False)
        second = await llm.answer(make_question(wants=YesNo()))
        await remote.release()
        return [first, second]

    first, second = asyncio.run(both())
    store.close()
    assert (first.kind, second.kind, second.cached) == ("logprob", "verbalised", False)
    assert json.loads(second.text)["percent"] == 30
