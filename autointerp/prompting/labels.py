"""A label in all its forms, read from a JSON reply: short, long, its kind, and its several concepts."""

import json
import re
from dataclasses import dataclass

from autointerp.core.types import LABEL_KINDS, Failure
from autointerp.prompting.replies import read_label
from autointerp.prompting.windows import one_line

MAX_LONG = 600
MAX_CONCEPTS = 8
NO_PATTERN = re.compile(r"\W*no (clear|consistent|single|obvious) pattern\W*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FullLabel:
    """``short`` is never empty; ``long``, ``kind`` and ``concepts`` are where the reply did not say."""

    short: str
    long: str = ""
    kind: str = ""
    concepts: tuple[str, ...] = ()


def read_full_label(text: str, *, about: str = "", is_cut: bool = False) -> FullLabel | Failure:
    """Return the label in a reply, or why there is none.

    The JSON object with a ``label`` is taken; from any other reply the short form alone, as
    ``read_label`` finds it. What of ``long``, ``type`` or ``concepts`` is of the wrong form is left out.

    >>> read_full_label('{"label": "red or blue", "type": "Input token", "concepts": ["red", "blue"]}')
    FullLabel(short='red or blue', long='', kind='input token', concepts=('red', 'blue'))
    """
    found = _find_object(text)
    short = read_label(str(found["label"]) if found else text, about=about, is_cut=is_cut and not found)
    if isinstance(short, Failure):
        return short
    if NO_PATTERN.fullmatch(short):
        return FullLabel(short, kind="none")
    if not found:
        return FullLabel(short)
    return FullLabel(short, _read_long(found.get("long")), _read_kind(found.get("type")), _read_concepts(found))


def _find_object(text: str) -> dict[str, object] | None:
    """Return the first JSON object in the text that holds a label in words; None when there is none."""
    for start in (found.start() for found in re.finditer(r"\{", text)):
        try:
            value, _ = json.JSONDecoder(strict=False).raw_decode(text[start:])
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and isinstance(value.get("label"), str) and value["label"].strip():
            return value
    return None


def _read_long(value: object) -> str:
    """Return the text on one line, cut after the last sentence that ends within the limit; empty when none does."""
    line = one_line(" ".join(value.split())) if isinstance(value, str) else ""
    if len(line) <= MAX_LONG:
        return line
    end = line.rfind(". ", 0, MAX_LONG)
    return line[: end + 1] if end >= 0 else ""


def _read_kind(value: object) -> str:
    kind = " ".join(value.lower().replace("_", " ").split()) if isinstance(value, str) else ""
    return kind if kind in LABEL_KINDS else ""


def _read_concepts(found: dict[str, object]) -> tuple[str, ...]:
    """Return the different concepts, two or more of them; a single one is the label itself."""
    listed = found.get("concepts")
    items = listed if isinstance(listed, list) else []
    words = [one_line(" ".join(item.split())) for item in items if isinstance(item, str) and item.strip()]
    concepts = tuple(dict.fromkeys(words))[:MAX_CONCEPTS]
    return concepts if len(concepts) > 1 else ()
