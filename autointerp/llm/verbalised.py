"""Graded answers in words: what is asked for, the JSON schema that holds a model to it, and how it is read."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from autointerp.core.types import Digits, Json, Question, Reason, Text, Wants, YesNo
from autointerp.llm.wire import Read, Rows

# A JSON list of integers takes two tokens a number where digits and commas stand apart.
TOKENS_PER_NUMBER = 4
PERCENT_TOKENS = 24


class UnreadableError(Exception):
    """What came back is not what was asked for; the message says how."""

    def __init__(self, detail: str, reason: Reason = Reason.PARSE_FAILED) -> None:
        super().__init__(detail)
        self.reason = reason


def ask_in_words(question: Question) -> str:
    """Return the prompt with the words that say what form a graded answer has."""
    match question.wants:
        case YesNo():
            return f"{question.prompt}\n\n{ask_for_percent()}"
        case Digits() as wants:
            return f"{question.prompt}\n\n{ask_for_list(wants)}"
        case Text() | Json():
            return question.prompt


def ask_for_percent() -> str:
    return (
        'Do not answer with a word. Reply with nothing but a JSON object {"percent": N}, where N is how likely '
        "the answer is Yes, a whole number from 0 to 100."
    )


def ask_for_list(wants: Digits) -> str:
    """Return the words that turn placeholders into a list a chat model can write."""
    return (
        f"Reply with nothing but a JSON list of {wants.count} integers from 0 to {wants.scale}: one for each "
        f"{wants.placeholder!r} after the last line {wants.after!r}, in order."
    )


def n_tokens_for(question: Question) -> int:
    """Return the ``max_tokens`` that leaves room for the answer in words."""
    match question.wants:
        case YesNo():
            return max(question.max_tokens, PERCENT_TOKENS)
        case Digits() as wants:
            return max(question.max_tokens, TOKENS_PER_NUMBER * wants.count + PERCENT_TOKENS)
        case Text() | Json():
            return question.max_tokens


def schema_for(wants: Wants, *, counts: bool) -> dict[str, Any] | None:
    """Return the JSON schema of the answer; None for text.

    Bounds are written as ``enum``: not every provider knows ``minimum``. ``counts``: whether it knows
    ``minItems``; Anthropic does not. Lengths are checked when reading in any case.
    """
    match wants:
        case YesNo():
            return _object(percent={"type": "integer", "enum": list(range(101))})
        case Digits(count=count, scale=scale):
            length = {"minItems": count, "maxItems": count} if counts else {}
            items = {"type": "integer", "enum": list(range(scale + 1))}
            return _object(values={"type": "array", "items": items, **length})
        case Json(schema=schema):
            parsed: dict[str, Any] = json.loads(schema)
            return parsed
        case Text():
            return None


def graded(read: Read, grade: Callable[[Read], tuple[Rows, str]]) -> Read:
    """Return what was read with its answer, or with the reason why it holds none; a refusal holds none."""
    if read.failed:
        return read
    try:
        rows, kind = grade(read)
    except UnreadableError as error:
        return replace(read, failed=error.reason.value, detail=str(error))
    return replace(read, rows=rows, kind=kind)


def read_answer(read: Read, wants: Wants) -> tuple[Rows, str]:
    """Return the answer in words. Raises UnreadableError, also for a graded one that was cut off."""
    if read.is_cut and not isinstance(wants, Text):
        raise UnreadableError(f"cut off after {read.usage.tokens_out} tokens: {read.text[:80]!r}")
    return read_words(read.text, wants)


def read_words(text: str, wants: Wants) -> tuple[Rows, str]:
    """Return rows of probabilities and their kind.

    Raises:
        UnreadableError: Empty, or not what was asked for.
    """
    if not text.strip():
        raise UnreadableError("empty reply")
    match wants:
        case Text():
            return (), "text"
        case Json():
            return read_json(text), "text"
        case YesNo():
            return (read_percent(text),), "verbalised"
        case Digits():
            return read_list(text, wants), "verbalised"


def read_json(text: str) -> Rows:
    """Return no rows. Raises UnreadableError when the text is not one JSON object."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise UnreadableError(f"no JSON object: {text[:80]!r}")
    return ()


def read_percent(text: str) -> tuple[float, float]:
    """Return (P(yes), P(no)). Raises UnreadableError unless exactly one whole number from 0 to 100 is named."""
    named = re.findall(r'"percent"\s*:\s*(-?[\d.]+)(?=\s*[,}])', text)
    found = set(named) or set(re.findall(r"^\s*(-?[\d.]+)\s*%?\s*$", text))
    number = found.pop() if len(found) == 1 else ""
    if not re.fullmatch(r"\d{1,3}", number, re.ASCII) or int(number) > 100:
        raise UnreadableError(f"no percentage in {text[:80]!r}")
    return int(number) / 100, 1 - int(number) / 100


def read_list(text: str, wants: Digits) -> Rows:
    """Return one-hot rows [count, scale + 1] of the only JSON list in the text.

    Raises:
        UnreadableError: Two different lists, another length, or something that is not an integer in 0..scale.
    """
    lists = set(re.findall(r"\[[^\[\]]*\]", text))
    try:
        numbers = json.loads(lists.pop()) if len(lists) == 1 else None
    except (ValueError, RecursionError):
        numbers = None
    if not isinstance(numbers, list):
        raise UnreadableError(f"not one JSON list of integers in {text[:80]!r}")
    wrong = [number for number in numbers if type(number) is not int or not 0 <= number <= wants.scale]
    if wrong or len(numbers) != wants.count:
        detail = f"{len(numbers)} values, {len(wrong)} outside 0..{wants.scale}; need {wants.count} integers"
        raise UnreadableError(detail)
    return tuple(tuple(float(place == number) for place in range(wants.scale + 1)) for number in numbers)


def _object(**properties: Any) -> dict[str, Any]:
    """Return the strict schema of an object that has exactly these properties."""
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}
