"""What a question costs, before anything is asked."""

from autointerp.core.types import Prompt

CHARACTERS_A_TOKEN = 4
"""Of English text in the vocabularies of current models, roughly."""


def estimate_tokens(prompt: Prompt | None, *, text: int = 32, answer: int = 1) -> int:
    """Return the tokens one question reads and writes, cached ones included, to within a half or so.

    Args:
        prompt: Its words are read with every question; None where there is none.
        text: Tokens of windows in the question.
        answer: Tokens of the reply.
    """
    words = (len(prompt.system) + len(prompt.template)) // CHARACTERS_A_TOKEN if prompt else 0
    return words + text + answer
