"""What a scorer costs a label, before anything is asked."""

from autointerp.core.types import Prompt

CHARACTERS_A_TOKEN = 4
"""Of English text in the vocabularies of current models, roughly."""


def estimate_tokens(prompt: Prompt | None, *, calls: int, text: int = 32, answer: int = 1) -> int:
    """Return the tokens read and written for one label, cached ones included, to within a third or so.

    Args:
        prompt: Its words are read with every call; None where there is none.
        calls: Questions a label.
        text: Tokens of windows in each question.
        answer: Tokens of each reply.
    """
    words = (len(prompt.system) + len(prompt.template)) // CHARACTERS_A_TOKEN if prompt else 0
    return calls * (words + text + answer)
