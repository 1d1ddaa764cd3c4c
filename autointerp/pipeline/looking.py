"""Text of strangers on a terminal."""


def printable(text: str) -> str:
    """Return the text on one line without characters that could steer a terminal."""
    return "".join(c if c.isprintable() else {"\n": "\u23ce", "\t": "\u21e5"}.get(c, "\ufffd") for c in text)
