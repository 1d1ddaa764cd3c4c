"""Many questions at once."""

import asyncio

import pytest
from llm_builders import make_question, make_reply

from autointerp.core.errors import AskFailed, ConfigError, ProviderUnavailable
from autointerp.core.types import About, Failure, FeatureId, Question, Reason, Reply
from autointerp.llm.gather import answer_all


class Slow:
    """Answers after ``float(prompt)`` seconds, or raises what it was given for a prompt; counts who is under way."""

    name = "test:slow"

    def __init__(self, errors: dict[str, Exception] | None = None) -> None:
        self.errors = errors or {}
        self.running = self.most = self.cancelled = 0

    async def answer(self, question: Question) -> Reply:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(float(question.prompt))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if error := self.errors.get(question.prompt):
            raise error
        return make_reply(question, text=question.prompt)


def test_answers_come_in_the_order_asked() -> None:
    """Whatever the order of answering, and every answer is reported once."""
    prompts, seen = ["0.03", "0.0", "0.02", "0.01"], []
    questions = [make_question(prompt) for prompt in prompts]
    replies = asyncio.run(answer_all(Slow(), questions, 4, seen.append))
    assert [reply.text for reply in replies] == prompts  # type: ignore[union-attr]
    assert sorted(reply.text for reply in seen) == sorted(prompts)


@pytest.mark.parametrize("at_once", [1, 3, 50])
def test_no_more_at_once_than_allowed(at_once: int) -> None:
    """The bound is kept and used."""
    llm = Slow()
    asyncio.run(answer_all(llm, [make_question("0.002", repeat=str(n)) for n in range(10)], at_once))
    assert llm.most == min(at_once, 10)


def test_a_failed_question_is_a_row_that_says_what_it_was_about() -> None:
    """AskFailed stops nothing."""
    about = About(FeatureId("f/1", 3), "doc:0")
    llm = Slow({"0.0": AskFailed(Reason.PARSE_FAILED, "why")})
    failed, reply = asyncio.run(answer_all(llm, [make_question("0.0", about=about), make_question("0.001")], 2))
    assert failed == Failure("ask", "f/1#3 doc:0", Reason.PARSE_FAILED, "why")
    assert isinstance(reply, Reply)


def test_an_unavailable_provider_cancels_the_rest() -> None:
    """The error comes out bare, and nothing is left running."""
    llm = Slow({"0.0": ProviderUnavailable("gone")})
    with pytest.raises(ProviderUnavailable, match="gone"):
        asyncio.run(answer_all(llm, [make_question("9"), make_question("0.0"), make_question("8")], 3))
    assert (llm.cancelled, llm.running) == (2, 0)


def test_cancelling_the_caller_cancels_what_is_under_way() -> None:
    """Ctrl-C leaves no call behind."""
    llm = Slow()

    async def interrupt() -> None:
        task = asyncio.create_task(answer_all(llm, [make_question("9"), make_question("8")], 2))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupt())
    assert (llm.cancelled, llm.running) == (2, 0)


def test_nothing_asked_nothing_answered() -> None:
    """No questions is no error; nobody at once is."""
    assert asyncio.run(answer_all(Slow(), [], 3)) == []
    with pytest.raises(ConfigError, match="at_once"):
        asyncio.run(answer_all(Slow(), [], 0))
