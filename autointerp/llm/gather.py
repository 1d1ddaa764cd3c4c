"""Many questions at once, answers in the order asked; what failed is a row."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence, Sized
from contextlib import aclosing

from autointerp.core.errors import AskFailed, BudgetReached, ConfigError
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
        return Failure(stage, name_subject(question), Reason(failed.reason), failed.detail, reply=failed.reply)


async def answer_all(
    llm: LLM, questions: Sequence[Question], at_once: int, on_reply: OnReply | None = None, *, stage: str = "ask"
) -> list[Reply | Failure]:
    """Return one reply or failure a question, in the order of the questions.

    Args:
        llm: Who is asked.
        questions: Any number.
        at_once: Questions under way at any time, >= 1; a batch API takes as many as it wants.
        on_reply: Called once a question as soon as it is answered, in the order of answering.
        stage: What the failures are filed under.

    Raises:
        ProviderUnavailable: Nobody can be asked; every question under way was cancelled first.
        BudgetReached: The ceiling is reached; the answers under way were waited for, and kept, first.
        ConfigError: ``at_once`` is less than 1.
    """
    answers: dict[int, Reply | Failure] = {}
    async with aclosing(answer_stream(llm, questions, at_once, stage=stage)) as stream:
        async for place, answer in stream:
            answers[place] = answer
            if on_reply:
                on_reply(answer)
    return [answers[place] for place in range(len(questions))]


async def answer_stream(
    llm: LLM, questions: Iterable[Question], at_once: int, *, stage: str = "ask"
) -> AsyncGenerator[tuple[int, Reply | Failure], None]:
    """Yield (place, reply or failure) as they come; any number of questions in constant memory.

    The next question is only taken when there is room for it: at most *at_once* are under way, and as
    many answers wait for the reader. Raises as ``answer_all``.
    """
    n_workers = count_workers(llm, questions, at_once)
    waiting = iter(enumerate(questions))
    done: asyncio.Queue[tuple[int, Reply | Failure] | None] = asyncio.Queue(maxsize=n_workers)
    stopped: list[BudgetReached] = []

    async def work() -> None:
        for place, question in waiting:
            try:
                answer = await answer_one(llm, question, stage=stage)
            except BudgetReached as reached:
                stopped.append(reached)
            else:
                await done.put((place, answer))
            if stopped:
                return

    async def run() -> None:
        try:
            await run_together([asyncio.create_task(work()) for _ in range(n_workers)])
        except asyncio.CancelledError:
            raise  # nobody reads any more: there may be no room for the end mark
        except BaseException:
            await done.put(None)
            raise
        await done.put(None)

    runner = asyncio.create_task(run())
    try:
        while (pair := await done.get()) is not None:
            yield pair
        await runner
        if stopped:
            raise stopped[0]
    finally:
        await stop(runner)
        if release := getattr(llm, "release", None):
            await release()


def count_workers(llm: LLM, questions: Iterable[Question], at_once: int) -> int:
    """Return how many questions are put at once. Raises ConfigError for less than 1."""
    if at_once < 1:
        msg = f"at_once is {at_once}; set it to 1 or more"
        raise ConfigError(msg)
    wanted: int = getattr(llm, "at_once", None) or at_once
    return max(1, min(wanted, len(questions))) if isinstance(questions, Sized) else wanted


async def stop(task: "asyncio.Task[None]") -> None:
    """Cancel the task and wait until it has ended; its error, if any, was raised already."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def run_together(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for every task; when one fails or the caller is cancelled, none is left running."""
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def order_by_prefix(questions: Iterable[Question]) -> list[Question]:
    """Return the questions so that those with the longest common beginning stand together.

    A provider's or a local model's cache holds a few prefixes: in this order each is computed once.
    """
    return sorted(questions, key=lambda question: (question.system, question.prompt, question.repeat))
