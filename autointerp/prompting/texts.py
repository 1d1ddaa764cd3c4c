"""Texts a model was asked to write, read from a JSON list or from numbered lines."""

import json
import re

NUMBERED = re.compile(r"^\s*(?:\d+[.):]|[-*•])\s+(?P<text>\S.*)$")
MIN_WORDS = 3


def read_texts(text: str, *, n: int) -> tuple[str, ...]:
    """Return up to *n* different texts of three words or more, in their order; none when there is no list.

    >>> read_texts('1. A red car passed.\\n2. "She wore blue shoes."', n=5)
    ('A red car passed.', 'She wore blue shoes.')
    """
    found = _json_texts(text)
    lines = [match["text"].strip() for line in text.splitlines() if (match := NUMBERED.match(line))]
    texts = found if found is not None else [_unquoted(line) for line in lines]
    return tuple(dict.fromkeys(item for item in texts if len(item.split()) >= MIN_WORDS))[:n]


def _json_texts(text: str) -> list[str] | None:
    """Return the strings of the outermost JSON list; None when there is no such list."""
    found = re.search(r"\[.*\]", text, re.DOTALL)
    if not found:
        return None
    try:
        items = json.loads(found[0], strict=False)
    except (ValueError, RecursionError):
        return None
    return [item.strip() for item in items if isinstance(item, str)]


def _unquoted(line: str) -> str:
    is_quoted = len(line) > 1 and line[0] in "\"'\u201c" and line[-1] in "\"'\u201d"
    return line[1:-1].strip() if is_quoted else line
