"""Builders of the tests of llm."""

import asyncio
from typing import Any

from autointerp.core.types import Question, Reply, Text, Wants


def make_question(prompt: str = "p", wants: Wants | None = None, **more: Any) -> Question:
    return Question(**{"system": "", "prompt": prompt, "max_tokens": 8, "wants": wants or Text(), **more})


def make_reply(question: Question, **more: Any) -> Reply:
    fields = {"model": "m", "text": "t", "probabilities": (), "kind": "text", "usd": None, "seconds": 0.1}
    return Reply(**{"question": question.key, "tokens_in": 1, "tokens_out": 1, "tokens_cached": 0, **fields, **more})


def make_window_prompt(words: list[str], *, label: str = "rivers") -> str:
    """Return a simulation prompt with a worked example and one placeholder a word."""
    lines = "\n".join(f" {word}\t_" for word in words)
    return f"label house\n<start>\n river\t3\n<end>\nlabel {label}\n<start>\n{lines}\n<end>"


def answer(llm: Any, *questions: Question) -> list[Reply]:
    """Return the replies, asked one after the other, the connections closed afterwards."""

    async def ask() -> list[Reply]:
        try:
            return [await llm.answer(question) for question in questions]
        finally:
            await llm.release()

    return asyncio.run(ask())
