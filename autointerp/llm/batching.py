"""Questions asked through a provider's batch API: gathered, handed in, waited for, picked up again after a restart."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from autointerp.core.errors import AskFailed
from autointerp.core.types import Question, Reason, Reply
from autointerp.llm.batch_apis import AnthropicBatches, BatchApi, OpenAIBatches
from autointerp.llm.batch_store import BatchStore
from autointerp.llm.budget import NOTHING, Reservation
from autointerp.llm.clients import SdkClient
from autointerp.llm.provider_errors import hide_key
from autointerp.llm.remote import RemoteLLM
from autointerp.llm.retrying import TransientError, call_patiently
from autointerp.llm.wire import Body

T = TypeVar("T")

# A batch is handed in when no question came for so long, or it is full.
QUIET_S = 2.0
POLL_S = 60.0
# Both providers take 200 MB or more; ours stay below.
LARGEST_BYTES = 100 * 2**20
TRIES = 3
AT_ONCE = 20_000


@dataclass(slots=True)
class Waiting:
    """One question somebody waits for."""

    question: Question
    body: Body
    endpoint: str
    answered: "asyncio.Future[Reply]"
    held: Reservation
    since: float
    tries: int = 0


class BatchLLM:
    """Answers as *remote* would, at half the price and within a day.

    What is handed in stands in the store before and after: a restarted run asks the same questions and
    waits for the batches that are still worked on. An item that expired or failed at the provider is
    handed in again, at most TRIES times in all; one that the provider refuses is a failure.

    Args:
        remote: Writes the requests and reads the responses.
        api: The provider's batches.
        store: Where batches are kept.
        poll_s: Seconds between two looks.
        quiet_s: Seconds without a new question after which a batch is handed in.
    """

    def __init__(
        self,
        remote: RemoteLLM,
        api: BatchApi,
        store: BatchStore,
        *,
        poll_s: float = POLL_S,
        quiet_s: float = QUIET_S,
    ) -> None:
        self.name = remote.name
        self.at_once = AT_ONCE
        self.inner = self._remote = remote
        self._api = api
        self._store = store
        self._judge = f"{remote.name} at {remote.server.place}"
        self._poll_s, self._quiet_s = poll_s, quiet_s
        self._waiting: dict[str, Waiting] = {}
        self._new: list[str] = []
        self._last_new = 0.0
        self._worker: asyncio.Task[None] | None = None

    async def answer(self, question: Question) -> Reply:
        """Return the reply once its batch has ended. Raises what ``RemoteLLM.answer`` raises."""
        item = f"{question.key}{self._remote.how(question)}"
        if item not in self._waiting:
            held = await self._reserve(item, question)
            self._add(item, question, held)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await asyncio.shield(self._waiting[item].answered)

    def how(self, question: Question) -> str:
        """Return what beside the question decides the reply; see ``RemoteLLM.how``."""
        return self._remote.how(question)

    async def release(self) -> None:
        """Stop looking and close the connections; batches handed in go on at the provider."""
        if self._worker:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        for one in self._waiting.values():
            one.held.release()  # counted when it is picked up
            one.answered.cancel()
        self._waiting.clear()
        self._new.clear()
        await self._remote.release()

    def end(self) -> None:
        """Close the store of batches, and the note of calls under way."""
        self._store.close()
        self._remote.end()

    async def _reserve(self, item: str, question: Question) -> Reservation:
        """Set the worst aside; one handed in by an earlier attempt is paid for whatever we do."""
        is_known, _ = self._store.find(self._judge, item)
        worst = NOTHING if is_known else self._remote.worst(question)
        return await self._remote.terms.budget.reserve(worst, name=self.name)

    def _add(self, item: str, question: Question, held: Reservation) -> None:
        """Wait for the question; one that is in no batch is queued for the next."""
        form = self._remote.form(question)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        body = form.write(question, self._remote.server)
        self._waiting[item] = Waiting(question, body, form.endpoint, future, held, time.monotonic())
        self._last_new = time.monotonic()
        if not self._store.find(self._judge, item)[0]:
            self._new.append(item)

    async def _work(self) -> None:
        """Hand in and look until nobody waits. Whatever goes wrong is handed to those who wait."""
        try:
            await self._adopt()
            while self._waiting:
                await self._hand_in_when_quiet()
                await self._look_at_all()
                self._answer_known()
                if self._waiting and not self._new:
                    await asyncio.sleep(self._poll_s)
        except Exception as error:
            for one in self._waiting.values():
                settle(one, error)
            self._waiting.clear()
            self._new.clear()

    async def _adopt(self) -> None:
        """Find the batches that an earlier process was killed while handing in, or free their questions."""
        for batch in self._store.running(self._judge):
            if batch.id is not None:
                continue
            if found := await self._find(batch.intent, n=batch.n, since=batch.made):
                self._store.name(batch.intent, found)
            else:
                self._store.abandon(batch.intent)
        self._new = [item for item in self._waiting if not self._store.find(self._judge, item)[0]]

    async def _hand_in_when_quiet(self) -> None:
        while self._new:
            quiet_s = time.monotonic() - self._last_new
            if quiet_s >= self._quiet_s or len(self._new) >= self._api.largest:
                await self._hand_in(self._take())
            else:
                await asyncio.sleep(self._quiet_s - quiet_s)

    def _take(self) -> list[str]:
        """Return the items of the next batch: of one endpoint, within the provider's limits."""
        endpoint = self._waiting[self._new[0]].endpoint
        taken: list[str] = []
        n_bytes = 0
        for item in self._new:
            one = self._waiting[item]
            n_bytes += len(one.question.system) + len(one.question.prompt) + 2000
            if one.endpoint == endpoint and len(taken) < self._api.largest and (not taken or n_bytes < LARGEST_BYTES):
                taken.append(item)
        kept = set(taken)
        self._new = [item for item in self._new if item not in kept]
        return taken

    async def _hand_in(self, items: Sequence[str]) -> None:
        """Hand in one batch; its name is on the disk when this returns, our intent before it starts."""
        intent, since = uuid4().hex, time.time()
        self._store.intend(self._judge, intent, items)
        endpoint = self._waiting[items[0]].endpoint
        requests = [(item, self._waiting[item].body) for item in items]
        is_unsure = False

        async def hand_in() -> str:
            nonlocal is_unsure
            if is_unsure and (found := await self._find(intent, n=len(items), since=since)):
                return found
            try:
                return await self._api.submit(endpoint, requests, intent=intent)
            except TransientError as error:
                is_unsure = is_unsure or error.is_paid
                raise

        try:
            name, _ = await call_patiently(hand_in, self._remote.terms.patience)
        except Exception:
            if not is_unsure:  # else the next run looks whether it arrived
                self._store.abandon(intent)
            raise
        self._store.name(intent, name)
        for item in items:
            self._waiting[item].tries += 1

    async def _look_at_all(self) -> None:
        for batch in self._store.running(self._judge):
            if batch.id is None:
                continue
            state = await self._call(partial(self._api.look, batch.id))
            if state == "failed":
                self._store.abandon(batch.intent)
            elif state == "ended":
                outcomes = await self._call(partial(self._api.fetch, batch.id))
                self._store.finish(batch.intent, [(item, outcome.as_dict()) for item, outcome in outcomes])

    async def _find(self, intent: str, *, n: int, since: float) -> str | None:
        known = frozenset(batch.id for batch in self._store.running(self._judge) if batch.id)
        return await self._call(partial(self._api.find, intent, n=n, since=since, known=known))

    def _answer_known(self) -> None:
        """Hand out the results there are; what came to nothing is handed in again."""
        queued = set(self._new)
        for item in [item for item in self._waiting if item not in queued]:
            is_known, result = self._store.find(self._judge, item)
            if not is_known:
                self._again(item, "the batch ended without it")
            elif result is not None and result["response"] is not None:
                self._hand_out(item, result["response"])
            elif result is not None:
                self._store.free(self._judge, item)
                self._redo(item, hide_key(str(result["error"]), self._remote.server), result["is_worth_retrying"])

    def _redo(self, item: str, why: str, is_worth_it: bool) -> None:
        if is_worth_it:
            self._again(item, why)
        else:
            self._drop(item, AskFailed(Reason.PROVIDER_ERROR, why))

    def _again(self, item: str, why: str) -> None:
        if self._waiting[item].tries >= TRIES:
            self._drop(item, AskFailed(Reason.PROVIDER_ERROR, f"{why}, {TRIES} times"))
        else:
            self._new.append(item)

    def _hand_out(self, item: str, response: Any) -> None:
        one = self._waiting.pop(item)
        form = self._remote.form(one.question)
        seconds = time.monotonic() - one.since
        try:
            read = form.read(response, one.question, self._remote.server)
            one.held.settle(self._remote.cost(read, one.held.worst))
            settle(one, self._remote.settle(one.question, read, seconds=seconds, tries=max(1, one.tries)))
        except AskFailed as failed:
            settle(one, failed)

    def _drop(self, item: str, error: Exception) -> None:
        settle(self._waiting.pop(item), error)

    async def _call(self, call: Callable[[], Awaitable[T]]) -> T:
        outcome, _ = await call_patiently(call, self._remote.terms.patience)
        return outcome


def settle(one: Waiting, outcome: Reply | Exception) -> None:
    """Wake the one who waits, unless it gave up."""
    one.held.release()
    if one.answered.done():
        return
    if isinstance(outcome, Exception):
        one.answered.set_exception(outcome)
    else:
        one.answered.set_result(outcome)


def open_batches(remote: RemoteLLM, folder: Path) -> BatchLLM:
    """Return the language model that asks *remote*'s questions by batch, its batches kept in *folder*."""
    apis: Mapping[str, Any] = {"anthropic": AnthropicBatches, "openai": OpenAIBatches}
    assert isinstance(remote.client, SdkClient)
    api = apis[remote.name.partition(":")[0]](remote.client)
    return BatchLLM(remote, api, BatchStore(folder / "batches.sqlite"))
