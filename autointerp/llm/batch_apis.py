"""The batch APIs of the two providers as one: hand in, look, fetch; nothing is kept here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from autointerp.llm.clients import SdkClient
from autointerp.llm.wire import Body

State = Literal["working", "ended", "failed"]
CLOCKS_DIFFER_S = 120
Items = Sequence[tuple[str, Body]]
ENDPOINTS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "completions": "/v1/completions"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one item of a batch ended: ``response`` when it was answered, else whether to hand it in again."""

    response: Any = None
    error: str = ""
    is_worth_retrying: bool = True

    def as_dict(self) -> dict[str, Any]:
        return {"response": self.response, "error": self.error, "is_worth_retrying": self.is_worth_retrying}


class BatchApi(Protocol):
    """A provider's batches."""

    largest: int
    """Most items in one."""

    async def submit(self, endpoint: str, items: Items, *, intent: str) -> str:
        """Hand in the items under our name for them; return the provider's."""
        ...

    async def look(self, batch_id: str) -> State: ...

    async def fetch(self, batch_id: str) -> list[tuple[str, Outcome]]:
        """Return the outcomes of a batch that ended, in any order; missing ones never ran."""
        ...

    async def find(self, intent: str, *, n: int, since: float, known: frozenset[str]) -> str | None:
        """Return the provider's name of a batch of *n*, handed in after *since*, whose name never reached us.

        *known* are the names of other batches of ours. None when there is no such batch.
        """
        ...


class AnthropicBatches:
    """Message Batches: 24 hours, half the price, outcomes in any order."""

    largest = 100_000

    def __init__(self, client: SdkClient) -> None:
        self._client = client

    async def submit(self, endpoint: str, items: Items, *, intent: str) -> str:
        del endpoint, intent
        requests = [{"custom_id": item, "params": body} for item, body in items]
        batch = await self._client.call(lambda sdk: sdk.messages.batches.create(requests=requests))
        return str(batch.id)

    async def look(self, batch_id: str) -> State:
        batch = await self._client.call(lambda sdk: sdk.messages.batches.retrieve(batch_id))
        return "ended" if batch.processing_status == "ended" else "working"

    async def fetch(self, batch_id: str) -> list[tuple[str, Outcome]]:
        async def read(sdk: Any) -> list[tuple[str, Outcome]]:
            results = await sdk.messages.batches.results(batch_id)
            return [(str(line.custom_id), message_outcome(line.result.to_dict())) async for line in results]

        outcomes: list[tuple[str, Outcome]] = await self._client.call(read)
        return outcomes

    async def find(self, intent: str, *, n: int, since: float, known: frozenset[str]) -> str | None:
        """This API keeps no name of ours: the number of questions and the time must do.

        A stranger's batch is found out when it ends: it answers none of our questions, and they are
        handed in again.
        """
        del intent

        async def look(sdk: Any) -> str | None:
            page = await sdk.messages.batches.list(limit=100)
            for batch in page.data:
                is_ours = sum(batch.request_counts.to_dict().values()) == n
                if is_ours and batch.id not in known and batch.created_at.timestamp() >= since - CLOCKS_DIFFER_S:
                    return str(batch.id)
            return None

        found: str | None = await self._client.call(look)
        return found


def message_outcome(result: Mapping[str, Any]) -> Outcome:
    """Return how one request of a Message Batch ended."""
    kind = result.get("type")
    if kind == "succeeded":
        return Outcome(result.get("message"))
    if kind == "errored":
        error = (result.get("error") or {}).get("error") or {}
        told = f"{error.get('type', 'error')}: {error.get('message', '')}"
        return Outcome(error=told, is_worth_retrying=error.get("type") != "invalid_request_error")
    return Outcome(error=f"the batch ended with this question {kind}")


class OpenAIBatches:
    """Batch API: a file of requests in, a file of answers and one of errors out; 24 hours, half the price."""

    largest = 50_000

    def __init__(self, client: SdkClient) -> None:
        self._client = client

    async def submit(self, endpoint: str, items: Items, *, intent: str) -> str:
        url = ENDPOINTS[endpoint]
        lines = (json.dumps({"custom_id": item, "method": "POST", "url": url, "body": body}) for item, body in items)
        content = "\n".join(lines).encode()

        async def hand_in(sdk: Any) -> str:
            file = await sdk.files.create(file=("questions.jsonl", content), purpose="batch")
            batch = await sdk.batches.create(
                input_file_id=file.id, endpoint=url, completion_window="24h", metadata={"intent": intent}
            )
            return str(batch.id)

        name: str = await self._client.call(hand_in)
        return name

    async def look(self, batch_id: str) -> State:
        batch = await self._client.call(lambda sdk: sdk.batches.retrieve(batch_id))
        match batch.status:
            case "completed" | "expired" | "cancelled":
                return "ended"
            case "failed":
                return "failed"
            case _:
                return "working"

    async def fetch(self, batch_id: str) -> list[tuple[str, Outcome]]:
        async def read(sdk: Any) -> list[tuple[str, Outcome]]:
            batch = await sdk.batches.retrieve(batch_id)
            files = [name for name in (batch.output_file_id, batch.error_file_id) if name]
            texts = [(await sdk.files.content(name)).text for name in files]
            return [line_outcome(json.loads(line)) for text in texts for line in text.splitlines() if line.strip()]

        outcomes: list[tuple[str, Outcome]] = await self._client.call(read)
        return outcomes

    async def find(self, intent: str, *, n: int, since: float, known: frozenset[str]) -> str | None:
        del n, since, known

        async def look(sdk: Any) -> str | None:
            page = await sdk.batches.list(limit=100)
            for batch in page.data:
                if (batch.metadata or {}).get("intent") == intent:
                    return str(batch.id)
            return None

        found: str | None = await self._client.call(look)
        return found


def line_outcome(line: Mapping[str, Any]) -> tuple[str, Outcome]:
    """Return item and outcome of one line of an output or error file."""
    item = str(line.get("custom_id"))
    answer = line.get("response") or {}
    status = answer.get("status_code")
    if status == 200:
        return item, Outcome(answer.get("body"))
    body_error = (answer.get("body") or {}).get("error") or {}
    error = line.get("error") or body_error
    told = f"{error.get('code') or status}: {error.get('message', '')}"
    is_ours = status is not None and 400 <= status < 500 and status not in (408, 409, 429)
    return item, Outcome(error=told, is_worth_retrying=not is_ours)
