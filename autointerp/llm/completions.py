"""What a chat completion says: text, P(yes), or a list of integers."""

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from autointerp.core.errors import AskFailed
from autointerp.core.types import Digits, Reason, Text, Wants, YesNo
from autointerp.llm.provider_errors import Server

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A completion as it goes into a Reply; token counts a server leaves out are 0."""

    model: str
    text: str
    rows: Rows
    kind: str
    tokens_in: int
    tokens_out: int
    tokens_cached: int


def read_completion(completion: Any, wants: Wants, server: Server) -> Read:
    """Return what the completion says.

    Raises:
        AskFailed: It is no completion (``provider_error``), a refusal (``judge_refused``), or not
            what was asked for (``parse_failed``).
    """
    choices = getattr(completion, "choices", None)
    if not choices or getattr(choices[0], "message", None) is None:
        raise AskFailed(
            Reason.PROVIDER_ERROR, f"{server.base_url} sent no chat completion; check that base_url ends in /v1"
        )
    choice = choices[0]
    if choice.message.refusal or choice.finish_reason == "content_filter":
        raise AskFailed(Reason.JUDGE_REFUSED, choice.message.refusal or "stopped by the server's content filter")
    text = choice.message.content or ""
    rows, kind = read_answer(choice, text, wants, server)
    usage = completion.usage
    details = getattr(usage, "prompt_tokens_details", None)
    return Read(
        model=completion.model or server.model,
        text=text,
        rows=rows,
        kind=kind,
        tokens_in=getattr(usage, "prompt_tokens", None) or 0,
        tokens_out=getattr(usage, "completion_tokens", None) or 0,
        tokens_cached=getattr(details, "cached_tokens", None) or 0,
    )


def read_answer(choice: Any, text: str, wants: Wants, server: Server) -> tuple[Rows, str]:
    """Return rows of probabilities and how they were had."""
    match wants:
        case Text():
            return (), "text"
        case YesNo():
            return (read_yes_no(choice, server),), "logprob"
        case Digits():
            return read_list(text, wants), "verbalised"


def read_yes_no(choice: Any, server: Server) -> tuple[float, float]:
    """Return (P(yes), P(no)) renormalised over the forms of both among the likeliest first tokens."""
    content = choice.logprobs.content if choice.logprobs else None
    if not content or not content[0].top_logprobs:
        detail = f"{server.model} sent no top_logprobs; name a model and server that return them, or a local judge"
        raise AskFailed(Reason.PROVIDER_ERROR, detail)
    mass = {"yes": 0.0, "no": 0.0}
    for candidate in content[0].top_logprobs:
        word = candidate.token.strip().lower()
        if word in mass:
            mass[word] += math.exp(candidate.logprob)
    total = mass["yes"] + mass["no"]
    if not total:
        raise AskFailed(Reason.PARSE_FAILED, f"neither yes nor no among the first tokens: {content[0].token!r}")
    return mass["yes"] / total, mass["no"] / total


def read_list(text: str, wants: Digits) -> Rows:
    """Return one-hot rows [count, scale + 1] of the only JSON list in the text.

    Raises:
        AskFailed: Another length, or something that is not an integer in 0..scale.
    """
    found = re.search(r"\[[^\[\]]*\]", text)
    try:
        numbers = json.loads(found[0]) if found else None
    except json.JSONDecodeError:
        numbers = None
    if not isinstance(numbers, list):
        raise AskFailed(Reason.PARSE_FAILED, f"no JSON list of integers in {text[:80]!r}")
    wrong = [number for number in numbers if type(number) is not int or not 0 <= number <= wants.scale]
    if wrong or len(numbers) != wants.count:
        detail = f"{len(numbers)} values, {len(wrong)} outside 0..{wants.scale}; need {wants.count} integers"
        raise AskFailed(Reason.PARSE_FAILED, detail)
    return tuple(tuple(float(place == number) for place in range(wants.scale + 1)) for number in numbers)
