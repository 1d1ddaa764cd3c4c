"""Hostile text made harmless: corpus, labels and replies never reach a page, Markdown or CSV as they are."""

import re
import unicodedata

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that draw nothing, reorder other text (bidi) or cannot be encoded."""

MAX_MARKS = 4
"""Combining marks in a row that are left alone; more ("zalgo") would draw over neighbouring lines."""

MANY_MARKS = re.compile(rf"[\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]{{{MAX_MARKS + 1},}}")
SPECIAL_IN_MARKDOWN = re.compile(r"([\\`*_{}\[\]#|<>~&$!]|:(?=//)|^[-+=:]|(?<=^\d)[.)]|(?<=www)\.)", re.IGNORECASE)
AT_START = ("=", "+", "-", "@", "\t", "\r")


def visible(text: str, *, keep: str = "\n\t") -> str:
    r"""Return the text with control, bidi, zero-width and unpaired characters as visible escapes.

    Characters in *keep* stay. Idempotent but for what it has written itself.

    >>> visible("a\u202eb\x00")
    'a\\u202eb\\u0000'
    """
    if text.isascii() and text.isprintable():  # as most tokens of a page are: there is nothing to look for
        return text
    if not text.isprintable():  # whatever is hidden is not printable, so most text is left as it is
        text = "".join(char if char in keep or not _is_hidden(char) else _escape(char) for char in text)
    return text if text.isascii() else MANY_MARKS.sub(_escape_all, text)


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in HIDDEN


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _escape_all(found: re.Match[str]) -> str:
    return "".join(_escape(char) for char in found.group())


def visible_token(text: str) -> str:
    r"""Return a token for display in a running window: line breaks and tabs as signs, the rest as ``visible``.

    >>> visible_token("end\n")
    'end↵'
    """
    if text.isascii() and text.isprintable():
        return text
    return visible(text.replace("\r\n", "↵").replace("\n", "↵").replace("\t", "⇥"), keep="")


def shorten(text: str, length: int) -> str:
    """Return at most *length* characters on one line, with an ellipsis where text was cut."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def markdown(text: str) -> str:
    r"""Return the text with everything Markdown or HTML could act on escaped, on one line.

    >>> markdown("a|b <script>")
    'a\\|b \\<script\\>'
    """
    line = " ".join(visible(text).split())
    return SPECIAL_IN_MARKDOWN.sub(r"\\\1", line)


def csv_cell(text: str) -> str:
    """Return a cell no spreadsheet reads as a formula: a leading apostrophe where one would (OWASP, CSV injection)."""
    shown = visible(text)
    return "'" + shown if shown.lstrip().startswith(AT_START) or shown.startswith(AT_START) else shown
