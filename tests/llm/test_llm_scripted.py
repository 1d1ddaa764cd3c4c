"""Functions as judges."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_builders import make_question

from autointerp.core.errors import AskFailed
from autointerp.core.types import Digits, Reason, Text, YesNo
from autointerp.llm.gather import answer_all
from autointerp.llm.scripted import ScriptedLLM, constant_llm

DIGITS = Digits(count=2, placeholder="_", after="<start>", scale=3)


@given(st.floats(0, 1))
def test_yes_and_no_sum_to_one(share: float) -> None:
    """P(yes) comes back as given, P(no) is the rest."""
    reply = asyncio.run(ScriptedLLM("oracle:x", lambda _: share).answer(make_question(wants=YesNo())))
    assert reply.probabilities[0][0] == share
    assert sum(reply.probabilities[0]) == pytest.approx(1)
    assert (reply.kind, reply.usd) == ("oracle", 0.0)


@pytest.mark.parametrize(
    ("wants", "answer"),
    [
        (Text(), 0.5),
        (YesNo(), "yes"),
        (YesNo(), 1.5),
        (DIGITS, [[1, 0, 0, 0]]),
        (DIGITS, [[1, 0, 0]] * 2),
        (DIGITS, [[0.5, 0, 0, 0]] * 2),
        (DIGITS, 0.5),
    ],
)
def test_answer_that_does_not_fit_is_a_bug(wants: object, answer: object) -> None:
    """A function that answers something else than asked for is found out at once."""
    llm = ScriptedLLM("oracle:x", lambda _: answer)  # type: ignore[arg-type, return-value]
    with pytest.raises(ValueError, match=r"answered with|rows of"):
        asyncio.run(llm.answer(make_question(wants=wants)))  # type: ignore[arg-type]


def test_function_may_fail_a_question() -> None:
    """AskFailed from the function becomes a failure row, the rest is answered."""

    def function(question: object) -> str:
        if question.prompt == "bad":  # type: ignore[attr-defined]
            raise AskFailed(Reason.JUDGE_REFUSED, "no")
        return "fine"

    questions = [make_question("good"), make_question("bad")]
    good, bad = asyncio.run(answer_all(ScriptedLLM("oracle:x", function), questions, 2))
    assert good.text == "fine"  # type: ignore[union-attr]
    assert bad.reason is Reason.JUDGE_REFUSED  # type: ignore[union-attr]


@given(st.floats(0, 1), st.integers(1, 10))
def test_constant_judge_expects_its_share(share: float, scale: int) -> None:
    """The expected digit of the constant judge is share * scale, for every scale."""
    wants = Digits(count=3, placeholder="_", after="<start>", scale=scale)
    reply = asyncio.run(constant_llm(share).answer(make_question(wants=wants)))
    for row in reply.probabilities:
        assert sum(k * p for k, p in enumerate(row)) == pytest.approx(share * scale)
