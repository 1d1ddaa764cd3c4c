"""Many questions at once, answers in the order asked; what failed is a row."""

import asyncio
from collections.abc import Callable, Sequence

from autointerp.core.errors import AskFailed, ConfigError
from autointerp.core.protocols import LLM
from autointerp.core.types import Failure, Question, Reason, Reply

OnReply = Callable[[Reply | Failure], None]


def name_subject(question: Question) -> str:
    """Return what the question is about, as failure rows name it: ``feature item``, else its key."""
    about = question.about
    return f"{about.feature} {about.item}" if about else question.key


async def answer_one(llm: LLM, question: Question, *, stage: str = "ask") -> Reply | Failure:
    """Return the reply, or the failure of this question. ProviderUnavailable passes."""
    try:
        return await llm.answer(question)
    except AskFailed as failed:
        return Failure(stage, name_subject(question), Reason(failed.reason), failed.detail)


async def answer_all(
    llm: LLM, questions: Sequence[Question], at_once: int, on_reply: OnReply | None = None, *, stage: str = "ask"
) -> list[Reply | Failure]:
    """Return one reply or failure a question, in the order of the questions.

    Args:
        llm: Who is asked.
        questions: Any number.
        at_once: Questions under way at any time, >= 1.
        on_reply: Called once a question as soon as it is answered, in the order of answering.
        stage: What the failures are filed under.

    Raises:
        ProviderUnavailable: Nobody can be asked; every question under way was cancelled first.
        ConfigError: ``at_once`` is less than 1.
    """
    if at_once < 1:
        msg = f"at_once is {at_once}; set it to 1 or more"
        raise ConfigError(msg)
    answers: dict[int, Reply | Failure] = {}
    waiting = iter(enumerate(questions))

    async def work() -> None:
        for place, question in waiting:
            answers[place] = await answer_one(llm, question, stage=stage)
            if on_reply:
                on_reply(answers[place])

    await run_together([asyncio.create_task(work()) for _ in range(min(at_once, len(questions)))])
    return [answers[place] for place in range(len(questions))]


async def run_together(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for every task; when one fails or the caller is cancelled, none is left running."""
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
