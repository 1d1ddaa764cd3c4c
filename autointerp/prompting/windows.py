"""Windows as text a model can be shown: plain, with marked tokens, or a token a line.

Corpus text is hostile: it may hold our delimiters, our placeholder, a chat template's control tokens or
line breaks. Everything here stays on one line and cannot end what encloses it; nothing is cut off.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from autointerp.core.types import Window

MARKS = ("<<", ">>")
OPEN_BOX = "\u2423"
BREAK = "\u200b"
"""A zero-width space, put after the first character of what must not be read as ours."""

# Control tokens of chat templates. A local judge's tokenizer reads them anywhere in a prompt, so one
# crawled page could end the question and write the answer.
CONTROL = (
    "<|", "|>", "<s>", "</s>", "<bos>", "<eos>", "<pad>", "<start_of_turn>", "<end_of_turn>",
    "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "\uff5c", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CALLS]",
    "[AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "<think>", "</think>", "<tool_call>", "</tool_call>", "<unk>", "<mask>",
    "<sep>", "<end_of_utterance>",
)  # fmt: skip
ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def one_line(text: str) -> str:
    """Return the text on one line: breaks and tabs as ``\\n``, ``\\r``, ``\\t``, other controls as ``\\x1b``.

    Lone surrogates, which no provider accepts, become U+FFFD.
    """
    return "".join(map(_visible, text))


def neutralise(text: str, forbidden: Iterable[str]) -> str:
    """Return the text with every occurrence of the forbidden strings broken by a zero-width space.

    >>> neutralise("a<<b", ["<<"]) == "a<" + BREAK + "<b"
    True
    """
    found = "|".join(re.escape(part) for part in forbidden)
    # A look-ahead, so that overlapping occurrences ("<<<") are all broken.
    return re.sub(f"(?=(?:{found}))(.)", rf"\1{BREAK}", text, flags=re.DOTALL) if found else text


def safe_text(text: str, *, forbidden: Sequence[str] = ()) -> str:
    """Return the text on one line without control tokens of chat templates or the forbidden strings."""
    return neutralise(one_line(text), (*CONTROL, *forbidden))


def plain_text(window: Window, *, forbidden: Sequence[str] = ()) -> str:
    """Return the window as one line of text without any mark."""
    return safe_text(window.text, forbidden=forbidden)


def near_peak(window: Window, *, fraction: float) -> tuple[bool, ...]:
    """Return which tokens, [T], are above 0 and at least *fraction* of the window's largest activation."""
    floor = fraction * window.peak
    return tuple(0 < activation >= floor for activation in window.activations)


def marked_text(window: Window, *, fraction: float, marks: tuple[str, str] = MARKS) -> str:
    """Return the window as one line, runs of tokens near its peak enclosed in marks: ``the <<red>> car``.

    Neighbouring tokens share one pair of marks (as in delphi, Paulo et al. 2024); see ``near_peak``
    for *fraction*. The first closing mark after an opening one is always ours.
    """
    return "".join(_with_marks(_runs(window, fraction), marks))


def token_lines(window: Window, *, placeholder: str) -> str:
    """Return ``token<tab>placeholder`` for each token on a line of its own (Bills et al. 2023, figure 3).

    The placeholder stands exactly T times in the text, and no line lacks its tab.
    """
    return "\n".join(f"{safe_text(token, forbidden=(placeholder,))}\t{placeholder}" for token in window.tokens)


def token_run(window: Window, *, separator: str) -> str:
    """Return every token with *separator* behind it, all on one line: half as many tokens to run as ``token_lines``.

    The separator stands exactly T times in the text. Blanks that begin a token are written as ``OPEN_BOX``,
    one before a word aside: tokenizers glue a separator to a run of blanks, and nothing can be read there.
    """
    shown = (visible_blanks(safe_text(token, forbidden=(separator,))) for token in window.tokens)
    return "".join(f"{token}{separator}" for token in shown)


def visible_blanks(token: str) -> str:
    """Return the token with the blanks that begin it made visible, but not a single space before a word.

    A token without text of its own (the later bytes of a character) shows as one blank.

    >>> visible_blanks(" cat"), visible_blanks("  cat"), visible_blanks(" ")
    (' cat', '\u2423\u2423cat', '\u2423')
    """
    word = token.lstrip()
    n_blanks = max(len(token) - len(word), not token)
    return token if token == f" {word}" and word else OPEN_BOX * n_blanks + word


def _runs(window: Window, fraction: float) -> Iterator[tuple[bool, str]]:
    """Yield (is marked, text) for runs of neighbouring tokens."""
    pairs = zip(near_peak(window, fraction=fraction), window.tokens, strict=True)
    for is_marked, run in groupby(pairs, key=lambda pair: pair[0]):
        text = "".join(token for _, token in run)
        if text:
            yield is_marked, text


def _with_marks(runs: Iterable[tuple[bool, str]], marks: tuple[str, str]) -> Iterator[str]:
    """Yield the runs as safe text with marks around the marked ones."""
    opening, closing = marks
    for is_marked, raw in runs:
        text = safe_text(raw, forbidden=marks)
        following = closing if is_marked else opening
        # "a<" before "<<" would read as a mark one character early.
        text += BREAK if text.endswith(following[0]) else ""
        yield f"{opening}{text}{closing}" if is_marked else text


def _visible(char: str) -> str:
    """Return the character, or how it is written when it would break or spoil the line."""
    if char in ESCAPES:
        return ESCAPES[char]
    category = unicodedata.category(char)
    if category == "Cs":
        return "\ufffd"
    if category in ("Cc", "Zl", "Zp"):
        return f"\\x{ord(char):02x}"
    return char
