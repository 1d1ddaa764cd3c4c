"""OpenAI's chat completions, as every compatible server speaks them: what is sent, what is read."""

import math
from typing import Any

from autointerp.core.errors import AskFailed
from autointerp.core.types import Question, Reason
from autointerp.llm.verbalised import UnreadableError, ask_in_words, graded, n_tokens_for, read_answer, schema_for
from autointerp.llm.wire import Body, Form, Read, Server, Usage

OPENAI = "https://api.openai.com/v1"


def write_chat(question: Question, server: Server) -> Body:
    """Return the body that asks for text, or for a graded answer in words."""
    return _body(question, server, prompt=ask_in_words(question), n_out=n_tokens_for(question))


def write_chat_schema(question: Question, server: Server) -> Body:
    """Return the same, held to the answer's JSON schema."""
    schema = {"name": "answer", "strict": True, "schema": schema_for(question.wants, counts=True)}
    return write_chat(question, server) | {"response_format": {"type": "json_schema", "json_schema": schema}}


def write_chat_logprobs(question: Question, server: Server) -> Body:
    """Return the body that asks for the first token of a yes or no with its likeliest rivals."""
    body = _body(question, server, prompt=question.prompt, n_out=1)
    return body | {"logprobs": True, "top_logprobs": 20}


def _body(question: Question, server: Server, *, prompt: str, n_out: int) -> Body:
    messages = [{"role": "system", "content": question.system}] if question.system else []
    # OpenAI's recent models refuse max_tokens, most other servers know nothing else.
    limit = "max_completion_tokens" if server.base_url == OPENAI else "max_tokens"
    messages.append({"role": "user", "content": prompt})
    return {"model": server.model, "messages": messages, limit: n_out, **dict(question.sampling)}


def read_chat(response: Any, question: Question, server: Server) -> Read:
    """Return what the completion says in words. Raises AskFailed when it is none."""
    choice = _first_choice(response, server)
    return graded(_unread(response, choice, server), lambda read: read_answer(read, question.wants))


def read_chat_logprobs(response: Any, question: Question, server: Server) -> Read:
    """Return P(yes) from the likeliest first tokens. Raises AskFailed when it is no completion."""
    del question
    choice = _first_choice(response, server)
    return graded(
        _unread(response, choice, server), lambda _: ((read_yes_no(choice.get("logprobs"), server),), "logprob")
    )


def _first_choice(response: Any, server: Server) -> dict[str, Any]:
    choices = response.get("choices") if isinstance(response, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict) or not isinstance(choice.get("message"), dict):
        detail = f"{server.place} sent no chat completion; check that base_url ends in /v1"
        raise AskFailed(Reason.PROVIDER_ERROR, detail)
    return choice


def _unread(response: dict[str, Any], choice: dict[str, Any], server: Server) -> Read:
    """Return the completion's text and tokens, a refusal noted, no answer read yet."""
    message = choice["message"]
    text = message.get("content")
    refusal = message.get("refusal")
    is_refused = bool(refusal) or choice.get("finish_reason") == "content_filter"
    return Read(
        model=str(response.get("model") or server.model),
        text=text if isinstance(text, str) else str(refusal or ""),
        usage=read_usage(response.get("usage")),
        fingerprint=str(response.get("system_fingerprint") or ""),
        is_cut=choice.get("finish_reason") == "length",
        failed=Reason.JUDGE_REFUSED.value if is_refused else "",
        detail=str(refusal or "stopped by the server's content filter")[:300] if is_refused else "",
    )


def read_yes_no(logprobs: Any, server: Server) -> tuple[float, float]:
    """Return (P(yes), P(no)) from the likeliest first tokens. Raises UnreadableError."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    top = content[0].get("top_logprobs") if content else None
    if not top:
        detail = f"{server.model} sent no top_logprobs; name a model and server that return them, or a local judge"
        raise UnreadableError(detail, Reason.PROVIDER_ERROR)
    return yes_no_mass([(str(c["token"]), float(c["logprob"])) for c in top])


def yes_no_mass(candidates: list[tuple[str, float]]) -> tuple[float, float]:
    """Return (P(yes), P(no)) renormalised over the forms of both. Raises UnreadableError when neither is there."""
    mass = {"yes": 0.0, "no": 0.0}
    for token, logprob in candidates:
        word = token.strip(" \t\n\u0120\u2581").lower()
        if word in mass:
            mass[word] += math.exp(logprob)
    total = mass["yes"] + mass["no"]
    if not total:
        raise UnreadableError(f"neither yes nor no among the first tokens: {candidates[0][0]!r}")
    return mass["yes"] / total, mass["no"] / total


def read_usage(usage: Any) -> Usage:
    """Return the tokens of a usage block, whichever of the two APIs wrote it."""
    if not isinstance(usage, dict):
        return Usage()
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    return Usage(
        tokens_in=_count(usage, "prompt_tokens", "input_tokens"),
        tokens_out=_count(usage, "completion_tokens", "output_tokens"),
        tokens_cached=_count(details, "cached_tokens"),
        tokens_written=_count(details, "cache_write_tokens"),
    )


def _count(values: Any, *names: str) -> int:
    """Return the first of the named counts that is one, else 0."""
    found = (values.get(name) for name in names) if isinstance(values, dict) else ()
    return next((value for value in found if isinstance(value, int) and value >= 0), 0)


CHAT = Form("chat", "verbalised", write_chat, read_chat)
CHAT_SCHEMA = Form("chat", "verbalised", write_chat_schema, read_chat)
CHAT_LOGPROBS = Form("chat", "logprob", write_chat_logprobs, read_chat_logprobs)
