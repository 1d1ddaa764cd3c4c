"""Responses of both providers, built from the SDKs' own types, so that their shapes are the real ones."""

import math
from typing import Any


def chat(text: str = "fine", *, top: dict[str, float] | None = None, finish: str = "stop", **message: Any) -> Any:
    from openai.types.chat import ChatCompletion

    logprobs = None
    if top is not None:
        listed = [{"token": token, "logprob": math.log(p), "bytes": None} for token, p in top.items()]
        logprobs = {"content": [{**listed[0], "top_logprobs": listed}], "refusal": None}
    choice = {
        "index": 0,
        "finish_reason": finish,
        "logprobs": logprobs,
        "message": {"role": "assistant", "content": text, "refusal": None, **message},
    }
    usage = {
        "prompt_tokens": 70,
        "completion_tokens": 5,
        "total_tokens": 75,
        "prompt_tokens_details": {"cached_tokens": 40},
    }
    fields = {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-served", "choices": [choice]}
    return ChatCompletion.model_validate({**fields, "usage": usage, "system_fingerprint": "fp_1"}).to_dict()


def response(text: str = "fine", *, top: dict[str, float] | None = None, refusal: str = "", cut: bool = False) -> Any:
    from openai.types.responses import Response

    logprobs = []
    if top is not None:
        listed = [{"token": token, "logprob": math.log(p), "bytes": []} for token, p in top.items()]
        logprobs = [{**listed[0], "top_logprobs": listed}]
    part: dict[str, Any] = {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}
    if refusal:
        part = {"type": "refusal", "refusal": refusal}
    message = {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    return Response.model_validate(
        {
            "id": "r",
            "object": "response",
            "created_at": 1,
            "model": "gpt-served",
            "output": [{"id": "w", "type": "reasoning", "summary": []}, message],
            "parallel_tool_calls": False,
            "tool_choice": "none",
            "tools": [],
            "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
            "usage": {
                "input_tokens": 70,
                "output_tokens": 5,
                "total_tokens": 75,
                "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 0},
                "output_tokens_details": {"reasoning_tokens": 0},
            },
        }
    ).to_dict()


def message(text: str = "fine", *, stop: str = "end_turn") -> Any:
    from anthropic.types import Message

    return Message.model_validate(
        {
            "id": "msg",
            "type": "message",
            "role": "assistant",
            "model": "claude-served",
            "content": [{"type": "text", "text": text}] if text else [],
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {
                "input_tokens": 20,
                "output_tokens": 5,
                "cache_read_input_tokens": 40,
                "cache_creation_input_tokens": 10,
            },
        }
    ).to_dict()


def decision(*answers: dict[str, Any]) -> Any:
    from openai.types.decision import Decision

    usage = {
        "input_tokens": 70,
        "output_tokens": 5,
        "total_tokens": 75,
        "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    return Decision.model_validate({"answers": list(answers), "model": "gpt-served", "usage": usage}).to_dict()


def echo(tokens: list[tuple[str, dict[str, float]]]) -> Any:
    from openai.types import Completion

    offsets = [sum(len(text) for text, _ in tokens[:n]) for n in range(len(tokens))]
    logprobs = {
        "tokens": [text for text, _ in tokens],
        "token_logprobs": [None, *[-1.0 for _ in tokens[1:]]],
        "top_logprobs": [None, *[{t: math.log(p) for t, p in top.items()} for _, top in tokens[1:]]],
        "text_offset": offsets,
    }
    choice = {"index": 0, "finish_reason": "length", "text": "".join(t for t, _ in tokens), "logprobs": logprobs}
    return Completion.model_construct(
        id="c", object="text_completion", created=1, model="served", choices=[choice]
    ).to_dict()
