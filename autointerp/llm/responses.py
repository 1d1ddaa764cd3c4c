"""OpenAI's Responses: what is sent and read; for models that chat completions do not serve."""

from typing import Any

from autointerp.core.errors import AskFailed
from autointerp.core.types import Question, Reason
from autointerp.llm.chat import read_usage, yes_no_mass
from autointerp.llm.verbalised import UnreadableError, ask_in_words, graded, n_tokens_for, read_answer, schema_for
from autointerp.llm.wire import Body, Form, Read, Server

# The endpoint refuses a smaller number.
FEWEST_TOKENS = 16


def write_response(question: Question, server: Server) -> Body:
    """Return the body that asks for text, or for a graded answer in words; nothing is kept by the provider."""
    return _body(question, server, prompt=ask_in_words(question), n_out=n_tokens_for(question))


def write_response_schema(question: Question, server: Server) -> Body:
    """Return the same, held to the answer's JSON schema."""
    form = {"type": "json_schema", "name": "answer", "strict": True, "schema": schema_for(question.wants, counts=True)}
    return write_response(question, server) | {"text": {"format": form}}


def write_response_logprobs(question: Question, server: Server) -> Body:
    """Return the body that asks for the first token with its likeliest rivals; only without reasoning."""
    body = _body(question, server, prompt=question.prompt, n_out=question.max_tokens)
    return body | {
        "top_logprobs": 20,
        "include": ["message.output_text.logprobs"],
        "reasoning": {"effort": "none"},
    }


def _body(question: Question, server: Server, *, prompt: str, n_out: int) -> Body:
    system = {"instructions": question.system} if question.system else {}
    limit = {"max_output_tokens": max(FEWEST_TOKENS, n_out)}
    return {"model": server.model, "input": prompt, "store": False, **system, **limit, **dict(question.sampling)}


def read_response(response: Any, question: Question, server: Server) -> Read:
    """Return what the response says in words. Raises AskFailed when it is none."""
    read, _ = _unread(response, server)
    return graded(read, lambda read: read_answer(read, question.wants))


def read_response_logprobs(response: Any, question: Question, server: Server) -> Read:
    """Return P(yes) from the first token's rivals. Raises AskFailed when it is no response."""
    del question
    read, parts = _unread(response, server)
    return graded(read, lambda _: ((_yes_no(parts, server),), "logprob"))


def _unread(response: Any, server: Server) -> tuple[Read, list[dict[str, Any]]]:
    """Return text and tokens with a refusal noted, and the parts of the message."""
    output = response.get("output") if isinstance(response, dict) else None
    if not isinstance(output, list):
        raise AskFailed(Reason.PROVIDER_ERROR, f"{server.place} sent no response; check that base_url ends in /v1")
    messages = [item for item in output if isinstance(item, dict) and item.get("type") == "message"]
    parts = [part for item in messages for part in item.get("content") or [] if isinstance(part, dict)]
    why = (response.get("incomplete_details") or {}).get("reason")
    refusals = [str(part.get("refusal")) for part in parts if part.get("type") == "refusal"]
    if why == "content_filter":
        refusals.append("stopped by the server's content filter")
    text = "".join(str(part.get("text", "")) for part in parts if part.get("type") == "output_text")
    read = Read(
        model=str(response.get("model") or server.model),
        text=text or "".join(refusals),
        usage=read_usage(response.get("usage")),
        is_cut=why == "max_output_tokens",
        failed=Reason.JUDGE_REFUSED.value if refusals else "",
        detail=refusals[0][:300] if refusals else "",
    )
    return read, parts


def _yes_no(parts: list[dict[str, Any]], server: Server) -> tuple[float, float]:
    """Return (P(yes), P(no)) at the first token of the text. Raises UnreadableError."""
    tokens: list[Any] = next((part["logprobs"] for part in parts if part.get("logprobs")), [])
    top = tokens[0].get("top_logprobs") if tokens else None
    if not top:
        detail = f"{server.model} sent no top_logprobs; name a model and server that return them, or a local judge"
        raise UnreadableError(detail, Reason.PROVIDER_ERROR)
    return yes_no_mass([(str(c["token"]), float(c["logprob"])) for c in top])


RESPONSES = Form("responses", "verbalised", write_response, read_response)
RESPONSES_SCHEMA = Form("responses", "verbalised", write_response_schema, read_response)
RESPONSES_LOGPROBS = Form("responses", "logprob", write_response_logprobs, read_response_logprobs)
