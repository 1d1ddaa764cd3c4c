"""What a server can do is found out, kept and used."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wire_shapes
from llm_builders import make_question
from local_server import Got, LocalServer, Respond, Send

from autointerp.core.errors import ConfigError, ProviderUnavailable, StoreError
from autointerp.core.types import YesNo
from autointerp.llm.capabilities import FILE, Capabilities, load_capabilities
from autointerp.llm.probing import are_in_place, prepare, probe
from autointerp.llm.prompt_logprobs import Token
from autointerp.llm.providers import make_remote
from autointerp.llm.registry import open_llm
from autointerp.llm.scripted import constant_llm

Serve = Callable[[Respond], LocalServer]


def able(*, logprobs: bool = True, schema: bool = True, echo: str = "no", decisions: bool = False) -> Respond:
    """Return a server with these abilities; what it lacks it ignores in silence or does not know."""

    def respond(got: Got) -> Send:
        if got.path.endswith("/decisions"):
            answers = wire_shapes.decision({"type": "predicate", "probability": 0.9})
            return Send(answers) if decisions else Send({}, 404)
        if got.path.endswith("/completions") and "/chat/" not in got.path:
            words = got.body["prompt"].replace("\n", " \n").split(" ")
            shift = 1 if echo == "off by one" else 0
            tokens = [(w, {words[min(n + shift, len(words) - 1)]: 0.9}) for n, w in enumerate(words)]
            return Send(wire_shapes.echo(tokens)) if echo != "no" else Send(wire_shapes.chat("x"))
        if "response_format" in got.body:
            return Send(wire_shapes.chat('{"animal": "zebra"}' if schema else '{"animal": "dog"}'))
        return Send(wire_shapes.chat("Yes", top={"Yes": 0.9} if logprobs and "logprobs" in got.body else None))

    return respond


def find_out(server: LocalServer, provider: str = "openai") -> Capabilities:
    root = "/v1" if provider == "openai" else ""
    return asyncio.run(probe(make_remote(provider, "m", {"base_url": server.url + root})))


@pytest.mark.parametrize("logprobs", [True, False])
@pytest.mark.parametrize("schema", [True, False])
def test_a_server_that_ignores_something_in_silence_is_found_out(serve: Serve, logprobs: bool, schema: bool) -> None:
    """No error told so."""
    found = find_out(serve(able(logprobs=logprobs, schema=schema)))
    assert (found.logprobs, found.json_schema) == (logprobs, schema)
    assert (found.api, found.prompt_logprobs, found.decisions, found.model) == ("chat", "", False, "gpt-served")
    assert set(found.notes) >= {name for name, able in (("logprobs", logprobs), ("json_schema", schema)) if not able}


@pytest.mark.parametrize(("echo", "how"), [("no", ""), ("right", "echo"), ("off by one", "")])
def test_log_probabilities_of_the_wrong_tokens_are_not_believed(serve: Serve, echo: str, how: str) -> None:
    """A server whose echo is off by one would give every digit to its neighbour."""
    assert find_out(serve(able(echo=echo))).prompt_logprobs == how


def test_decisions_are_found(serve: Serve) -> None:
    """Where the model offers them."""
    assert find_out(serve(able(decisions=True))).decisions is True


def test_a_server_with_responses_alone_is_asked_there(serve: Serve) -> None:
    """Chat is unknown to it."""

    def respond(got: Got) -> Send:
        return Send(wire_shapes.response("Yes")) if got.path.endswith("/responses") else Send({}, 404)

    assert find_out(serve(respond)).api == "responses"


def test_anthropic_has_no_probabilities(serve: Serve) -> None:
    """And keeps schemas."""
    found = find_out(serve(lambda _: Send(wire_shapes.message('{"animal": "zebra"}'))), "anthropic")
    assert (found.api, found.logprobs, found.json_schema, found.model) == ("messages", False, True, "claude-served")


def test_a_server_that_answers_nothing_is_unavailable(serve: Serve) -> None:
    """It has no capabilities, and none are kept."""
    with pytest.raises(ProviderUnavailable):
        find_out(serve(lambda _: Send({}, 401)))


def test_it_is_found_out_once_and_used(serve: Serve, tmp_path: Path) -> None:
    """Kept beside the replies: the next one who opens the judge knows, and asks in words."""
    server = serve(able(logprobs=False))
    options = {"base_url": f"{server.url}/v1"}
    first, second = (open_llm("openai:m", store_path=tmp_path / "r.sqlite", options=options) for _ in range(2))
    found = asyncio.run(prepare(first, tmp_path))
    n_asked = len(server.got)
    assert asyncio.run(prepare(second, tmp_path)) == found
    third = open_llm("openai:m", store_path=tmp_path / "r.sqlite", options=options)
    assert third.inner.capabilities == found  # type: ignore[attr-defined]
    assert len(server.got) == n_asked
    needs = make_question(wants=YesNo(), kinds=("logprob",))
    with pytest.raises(ConfigError, match="verbalised"):
        asyncio.run(third.answer(needs))
    for llm in (first, second, third):
        llm.close()  # type: ignore[attr-defined]


def test_a_judge_without_a_server_needs_no_probe(tmp_path: Path) -> None:
    """Nothing is asked or kept."""
    assert asyncio.run(prepare(constant_llm(0.5), tmp_path)).api == "none"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"k": {"colour": "red"}}'])
def test_a_file_that_is_not_ours_is_refused(tmp_path: Path, text: str) -> None:
    """With what to do."""
    (tmp_path / FILE).write_text(text)
    with pytest.raises(StoreError, match=r"capabilities\.json is damaged"):
        load_capabilities(tmp_path, "k")


def test_capabilities_are_told_in_words() -> None:
    """One line each, with why not."""
    lines = Capabilities(logprobs=False, notes={"logprobs": "accepted and ignored"}).lines()
    assert any(line.startswith("logprobs") and line.endswith("no  accepted and ignored") for line in lines)
    assert "assumed" in lines[0]


def test_tokens_in_their_places() -> None:
    """Only the last third counts, and an empty answer is none."""

    def tokens(shift: int) -> Any:
        words = ["a", "b", "c"] * 5
        return [Token(word, ((words[(n + shift) % len(words)], -0.1),)) for n, word in enumerate(words)]

    assert are_in_place(tokens(0))
    assert not are_in_place(tokens(1))
    assert not are_in_place([])
