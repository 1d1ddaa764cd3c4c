"""A language model that asks only what the reply store does not hold, and nothing twice at the same time."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from autointerp.core.draws import content_key
from autointerp.core.errors import AskFailed
from autointerp.core.protocols import LLM
from autointerp.core.types import Question, Reason, Reply
from autointerp.llm.lookups import Lookups
from autointerp.llm.reply_store import ReplyStore

__all__ = ["CachedLLM", "ReplyStore"]

# Paid for and no better when asked again: kept, and not asked again. A server's error may pass.
LOOKED_UP = 500
KEPT_FAILURES = (Reason.JUDGE_REFUSED, Reason.PARSE_FAILED)


@dataclass(slots=True)
class Shared:
    """One question under way and how many callers wait for it."""

    task: "asyncio.Task[Reply]"
    waiting: int = 0


class CachedLLM:
    """Asks *inner* only what the store does not hold; a reply is committed before anybody sees it.

    Callers with the same question in flight share one call; all but the first get ``cached=True``,
    so that adding up ``usd`` over replies that are not cached gives what was spent. ``provider``
    tells apart servers that call their models alike (for example the base URL).
    """

    def __init__(self, inner: LLM, store: ReplyStore, *, provider: str = "") -> None:
        self.name = inner.name
        self.inner = inner
        self.store = store
        self._provider = provider
        self._in_flight: dict[str, Shared] = {}

    @property
    def at_once(self) -> int | None:
        """How many questions *inner* wants at once, None when it does not matter to it."""
        wanted: int | None = getattr(self.inner, "at_once", None)
        return wanted

    async def answer(self, question: Question) -> Reply:
        """Return the stored reply, or ask.

        Raises:
            AskFailed: The stored reply is a refusal or cannot be read; or what *inner* raises.
            StoreError: The store is damaged.
        """
        key = self.key(question)
        if stored := self.store.get(key):
            return self._checked(replace(stored, cached=True))
        is_first = key not in self._in_flight
        reply = await self._join(key, question)
        return self._checked(reply if is_first else replace(reply, cached=True))

    def missing(self, questions: Iterable[Question]) -> Iterator[Question]:
        """Yield the questions that the store does not answer, in their order; a million in some 15 seconds."""
        waiting, lookups = iter(questions), Lookups(self.store)
        while some := list(islice(waiting, LOOKED_UP)):
            keys = [self.key(question) for question in some]
            known = lookups.known(keys)
            yield from (question for question, key in zip(some, keys, strict=True) if key not in known)

    def key(self, question: Question) -> str:
        """Return the hash of everything that decides the reply; what ``how`` says is part of it if anything."""
        how = getattr(self.inner, "how", None)
        method = how(question) if how else ""
        parts: tuple[Any, ...] = (question.key, self._provider, self.name, *((method,) if method else ()))
        return content_key(*parts, length=32)

    async def release(self) -> None:
        """Close the connections of this event loop."""
        if release := getattr(self.inner, "release", None):
            await release()

    def close(self) -> None:
        """Close the store, and the note of calls under way; ``open_llm`` gives no other handle to them."""
        self.store.close()
        if end := getattr(self.inner, "end", None):
            end()

    def _checked(self, reply: Reply) -> Reply:
        if reply.failed:
            raise AskFailed(reply.failed, reply.detail, reply=reply)
        return reply

    async def _join(self, key: str, question: Question) -> Reply:
        """Wait for the call under way, starting it if need be; the last to give up cancels it."""
        shared = self._in_flight.get(key)
        if shared is None:
            shared = self._in_flight[key] = Shared(asyncio.create_task(self._ask(key, question)))
        shared.waiting += 1
        try:
            return await asyncio.shield(shared.task)
        finally:
            shared.waiting -= 1
            if not shared.waiting:
                del self._in_flight[key]
                shared.task.cancel()

    async def _ask(self, key: str, question: Question) -> Reply:
        try:
            reply = await self._ask_inner(question)
            await self.store.put(key, reply)
        finally:
            if committed := getattr(self.inner, "committed", None):
                committed(question)
        return reply

    async def _ask_inner(self, question: Question) -> Reply:
        """Return what *inner* replies, also when it is no answer but will not get better."""
        try:
            return await self.inner.answer(question)
        except AskFailed as failed:
            if failed.reply is None or failed.reason not in KEPT_FAILURES:
                raise
            return failed.reply
