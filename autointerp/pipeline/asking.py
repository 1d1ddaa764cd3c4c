"""Questions put to a language model: the only place where the pipeline waits for one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autointerp.core.protocols import LLM
from autointerp.core.types import Failure, Question, Reply
from autointerp.llm.gather import answer_all
from autointerp.pipeline.run import Run
from autointerp.store.convert import call_row, failure_row


@dataclass(frozen=True)
class Asked:
    """Questions with what came back, and the rows to keep of it."""

    replies: list[Reply | Failure]

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [call_row(reply) for reply in self.replies if isinstance(reply, Reply)]

    @property
    def failures(self) -> list[dict[str, Any]]:
        return [failure_row(reply) for reply in self.replies if isinstance(reply, Failure)]


def ask(run: Run, llm: LLM, questions: Sequence[Question], *, stage: str, done: int = 0, total: int = 0) -> Asked:
    """Put all questions to the model: the only place where the pipeline waits for one."""
    total = total or len(questions)
    n_answered = done

    def count(_reply: Reply | Failure) -> None:
        nonlocal n_answered
        n_answered += 1
        run.on_progress(stage, n_answered, max(total, n_answered), "answers")

    return Asked(asyncio.run(answer_all(llm, questions, run.config.score.at_once, count, stage=stage)))
