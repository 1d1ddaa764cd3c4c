"""A language model that is a function: oracle judges and tests."""

import math
from collections.abc import Callable, Sequence

from autointerp.core.types import Digits, Json, Question, Reply, Text, YesNo

Answer = str | float | Sequence[Sequence[float]]
Function = Callable[[Question], Answer]

# Rows handed in as decimals ("0.1" ten times) miss 1 by rounding, never by more.
TOLERANCE = 1e-6


class ScriptedLLM:
    """Answers with ``function(question)``: str for Text, P(yes) for YesNo, one row a placeholder for Digits.

    The function sees the whole question with its ``about`` and may raise AskFailed.
    """

    def __init__(self, name: str, function: Function) -> None:
        self.name = name
        self._function = function

    async def answer(self, question: Question) -> Reply:
        """Return the function's answer as a free reply of kind ``oracle``.

        Raises:
            AskFailed: The function said so.
            ValueError: The answer does not fit what the question wants (a bug of the function).
        """
        answer = self._function(question)
        text = answer if isinstance(answer, str) else ""
        return Reply(
            question=question.key,
            model=self.name,
            text=text,
            probabilities=read_answer(question, answer),
            kind="oracle",
            tokens_in=0,
            tokens_out=0,
            tokens_cached=0,
            seconds=0.0,
            usd=0.0,
        )


def read_answer(question: Question, answer: Answer) -> tuple[tuple[float, ...], ...]:
    """Return the answer as rows of probabilities; none for text. Raises ValueError when it does not fit."""
    match question.wants:
        case Text() | Json() if isinstance(answer, str):
            return ()
        case YesNo() if isinstance(answer, int | float) and 0 <= answer <= 1:
            return ((float(answer), 1.0 - float(answer)),)
        case Digits() as wants if not isinstance(answer, str | int | float):
            return check_rows(wants, answer)
    msg = f"a question that wants {question.wants} was answered with {answer!r}"
    raise ValueError(msg)


def check_rows(wants: Digits, rows: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    """Return the rows as tuples, shape [count, scale + 1]. Raises ValueError for another shape or sum."""
    fits = len(rows) == wants.count and all(
        len(row) == wants.scale + 1 and min(row) >= 0 and math.isclose(sum(row), 1, abs_tol=TOLERANCE) for row in rows
    )
    if not fits:
        msg = f"need {wants.count} rows of {wants.scale + 1} probabilities that sum to 1, not {rows!r}"
        raise ValueError(msg)
    return tuple(tuple(float(p) for p in row) for row in rows)


def constant_llm(share: float) -> ScriptedLLM:
    """Return a judge that says the same to everything: P(yes) = share, expected digit = share * scale."""
    name = f"constant:{share:g}"

    def function(question: Question) -> Answer:
        match question.wants:
            case YesNo():
                return share
            case Digits(count=count, scale=scale):
                row = (1.0 - share, *(0.0 for _ in range(scale - 1)), share)
                return [row] * count
            case Text() | Json():
                return name

    return ScriptedLLM(name, function)
