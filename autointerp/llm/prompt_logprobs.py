"""All-at-once simulation from the log-probabilities of the prompt's own tokens: one request a window."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autointerp.core.errors import AskFailed
from autointerp.core.types import Digits, Question, Reason
from autointerp.llm.chat import read_usage
from autointerp.llm.verbalised import UnreadableError, graded
from autointerp.llm.wire import Body, Form, Read, Rows, Server

# vLLM and OpenAI's legacy endpoint both stop at 20 or below; digits beyond it have next to no mass.
N_TOP = 20
SPACES = " \u0120\u2581"


@dataclass(frozen=True, slots=True)
class Token:
    """A token of the prompt as text, and the likeliest tokens in its place with their log-probabilities."""

    text: str
    rivals: tuple[tuple[str, float], ...]


def write_echo(question: Question, server: Server) -> Body:
    """Return the legacy completion that repeats the prompt, without a chat template, and adds one token."""
    system = f"{question.system}\n\n" if question.system else ""
    return {
        "model": server.model,
        "prompt": f"{system}{question.prompt}",
        "max_tokens": 1,
        "echo": True,
        "logprobs": N_TOP,
        "temperature": 0.0,
    }


def write_chat_prompt(question: Question, server: Server) -> Body:
    """Return the chat completion with vLLM's ``prompt_logprobs``: the chat template is the server's own."""
    system = [{"role": "system", "content": question.system}] if question.system else []
    messages = [*system, {"role": "user", "content": question.prompt}]
    return {"model": server.model, "messages": messages, "max_tokens": 1, "prompt_logprobs": N_TOP}


def read_echo(response: Any, question: Question, server: Server) -> Read:
    """Return a row a placeholder. Raises AskFailed when it is no completion."""
    return _read(response, question, server, echo_tokens)


def read_chat_prompt(response: Any, question: Question, server: Server) -> Read:
    """Return a row a placeholder. Raises AskFailed when it is no completion."""
    return _read(response, question, server, vllm_tokens)


def _read(response: Any, question: Question, server: Server, tokens_of: Any) -> Read:
    if not isinstance(response, dict) or not isinstance(response.get("choices"), list):
        raise AskFailed(Reason.PROVIDER_ERROR, f"{server.place} sent no completion; check that base_url ends in /v1")
    read = Read(
        model=str(response.get("model") or server.model),
        text="",
        usage=read_usage(response.get("usage")),
        fingerprint=str(response.get("system_fingerprint") or ""),
    )
    wants = question.wants
    assert isinstance(wants, Digits), "prompt log-probabilities are read for digits only"
    return graded(read, lambda _: (read_rows(tokens_of(response), question.prompt, wants), "prompt_logprob"))


def echo_tokens(response: dict[str, Any]) -> list[Token]:
    """Return the prompt's tokens of a legacy completion with ``echo``. Raises UnreadableError."""
    try:
        logprobs = response["choices"][0]["logprobs"]
        pairs = zip(logprobs["tokens"], logprobs["top_logprobs"], strict=True)
        return [Token(str(text), _rivals(top)) for text, top in pairs]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise _lacking() from error


def vllm_tokens(response: dict[str, Any]) -> list[Token]:
    """Return the prompt's tokens of vLLM's ``prompt_logprobs``; each place lists its own token first."""
    try:
        places = response.get("prompt_logprobs") or response["choices"][0]["prompt_logprobs"]
        listed = [list((place or {}).values()) for place in places]
        return [
            Token(
                str(place[0]["decoded_token"]) if place else "",
                tuple((str(c["decoded_token"]), float(c["logprob"])) for c in place),
            )
            for place in listed
        ]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise _lacking() from error


def _rivals(top: Any) -> tuple[tuple[str, float], ...]:
    return tuple((str(token), float(logprob)) for token, logprob in (top or {}).items())


def _lacking() -> UnreadableError:
    return UnreadableError("the server sent no log-probabilities of the prompt; probe it again", Reason.PROVIDER_ERROR)


def read_rows(tokens: Sequence[Token], prompt: str, wants: Digits) -> Rows:
    """Return P(0..scale) in the place of each placeholder, [count, scale + 1].

    Raises:
        UnreadableError: The prompt is not among the tokens, a placeholder is cut by one, or no digit is likely.
    """
    starts: dict[int, int] = {}
    text = ""
    for at, token in enumerate(tokens):
        starts.setdefault(len(text), at)
        text += token.text
    begin = find_placeholders(text, prompt, wants)
    inside = [start for start in begin if start not in starts]
    if inside:
        raise UnreadableError("a placeholder starts inside a token; choose one that this tokenizer keeps apart")
    return tuple(_digits(tokens[starts[start]], wants.scale) for start in begin)


def find_placeholders(text: str, prompt: str, wants: Digits) -> list[int]:
    """Return where the digits after the last line ``after`` would start in the echoed text.

    Only a placeholder that ends a line counts: a token of the window may hold the placeholder itself.
    Where digits follow it, it is a separator that no token holds, and every one counts.
    """
    body = prompt.strip()
    offset = text.rfind(body)
    line = f"\n{body}".rfind(f"\n{wants.after}\n")
    if offset < 0 or line < 0:
        raise UnreadableError("the server did not send the prompt back whole", Reason.PROVIDER_ERROR)
    region = body[line + len(wants.after) :]
    start = offset + line + len(wants.after)
    width = len(wants.placeholder)
    found = [
        start + at + (width if wants.follows else 0)
        for at in range(len(region))
        if region.startswith(wants.placeholder, at) and (wants.follows or region[at + width :][:1] in ("", "\n"))
    ]
    if len(found) != wants.count:
        raise UnreadableError(
            f"{len(found)} placeholders {wants.placeholder!r} after {wants.after!r}, not {wants.count}"
        )
    return found


def _digits(token: Token, scale: int) -> tuple[float, ...]:
    mass = [0.0] * (scale + 1)
    for text, logprob in token.rivals:
        number = text.strip(SPACES)
        if number.isascii() and number.isdigit() and str(int(number)) == number and int(number) <= scale:
            mass[int(number)] += math.exp(logprob)
    total = sum(mass)
    if not total:
        raise UnreadableError(f"no number from 0 to {scale} among the {N_TOP} likeliest tokens")
    return tuple(share / total for share in mass)


ECHO = Form("completions", "prompt_logprob", write_echo, read_echo)
CHAT_PROMPT = Form("chat", "prompt_logprob", write_chat_prompt, read_chat_prompt)
