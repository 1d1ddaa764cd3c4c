"""Questions put to a language model: the only place where the pipeline waits for one."""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from autointerp.core.errors import BudgetReached
from autointerp.core.protocols import LLM
from autointerp.core.types import Failure, Question, Reply
from autointerp.llm.gather import answer_stream, places_by_prefix
from autointerp.pipeline.ledger import Ledger
from autointerp.pipeline.run import Run
from autointerp.pipeline.waiting import wait_for
from autointerp.store.convert import failure_row

OnAnswer = Callable[[int, Reply | Failure], None]


@dataclass(frozen=True)
class Asked:
    """What came back, in the order of the questions; what it cost stands in the run's table ``calls``."""

    replies: list[Reply | Failure]

    @property
    def failures(self) -> list[dict[str, Any]]:
        return [failure_row(reply) for reply in self.replies if isinstance(reply, Failure)]


def ask(run: Run, llm: LLM, questions: Sequence[Question], *, stage: str) -> Asked:
    """Put all questions to the model: the only place where the pipeline waits for one.

    Questions with a common beginning are asked together, so that it is computed, or billed, once.

    Raises:
        BudgetReached: With how many questions are left; every answer had is kept.
    """
    answers: dict[int, Reply | Failure] = {}
    ledger = Ledger(run.directory, stage, llm.name)

    def take(place: int, answer: Reply | Failure) -> None:
        answers[place] = answer
        ledger.note(questions[place], answer)
        run.on_progress(stage, len(answers), len(questions), "answers")

    try:
        wait_for(_ask_all(llm, questions, take, at_once=run.config.score.at_once, stage=stage))
    except BudgetReached as reached:
        raise BudgetReached(_told(reached, stage, n=len(questions), n_answered=len(answers))) from None
    finally:
        ledger.keep()
    return Asked([answers[place] for place in range(len(questions))])


def _told(reached: BudgetReached, stage: str, *, n: int, n_answered: int) -> str:
    """Return what was spent, what is left of the part in hand, and how to go on."""
    left = f"{n_answered:,} of the {n:,} questions in hand are answered, {n - n_answered:,} are left to ask"
    return f"{stage}: {reached} (--budget-usd, --budget-tokens or [budget]); {left}; `autointerp plan` prices the rest"


async def _ask_all(llm: LLM, questions: Sequence[Question], take: OnAnswer, *, at_once: int, stage: str) -> None:
    """Hand each answer to *take*, with the place of its question, as soon as it comes."""
    places = places_by_prefix(questions)
    ordered = [questions[place] for place in places]
    async with aclosing(answer_stream(llm, ordered, at_once, stage=stage)) as stream:
        async for nth, answer in stream:
            take(places[nth], answer)
