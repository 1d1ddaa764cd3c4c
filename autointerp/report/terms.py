"""Terms of the filter language as text: what a value looks like in one, and how long an expression may be."""

import re

LONGEST = 2_000
"""Characters of an expression; a page's address has to hold it."""

BARE = re.compile(r'[^\s"]+')
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def written(value: str) -> str:
    """Return a value as it stands in a term, in quotation marks where it has to.

    >>> written("openai:judge"), written('a "large" judge')
    ('openai:judge', '"a \\\\"large\\\\" judge"')
    """
    # Bare, a value that begins with "=" would make another operator of < and >.
    if BARE.fullmatch(value) and not value.startswith("="):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def term(name: str, value: str) -> str:
    """Return the condition that a text is this one.

    >>> term("dictionary", "toy/512"), term("explainer", "by hand")
    ('dictionary:toy/512', 'explainer:"by hand"')
    """
    return f"{name}:{written(value)}"
