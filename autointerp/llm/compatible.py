"""Any server that speaks OpenAI's chat completions: OpenAI, vLLM, llama.cpp, a gateway."""

import asyncio
import os
import time
from typing import Any

from autointerp.core.errors import EnvironmentProblem
from autointerp.core.types import Digits, Question, Reply, Text, YesNo
from autointerp.llm.completions import Read, read_completion
from autointerp.llm.provider_errors import Server, translate
from autointerp.llm.retrying import Patience, call_patiently

OPENAI = "https://api.openai.com/v1"
# A JSON list of integers takes two tokens a number where digits and commas stand apart.
TOKENS_PER_NUMBER = 4


class CompatibleLLM:
    """Asks over HTTP. The key is read from the environment when first needed, and never written anywhere.

    Yes/no questions are read from ``top_logprobs`` (kind ``logprob``), digits as a JSON list of
    integers (kind ``verbalised``, one-hot rows). Prices are unknown: ``usd`` is None.

    Args:
        model: As the server calls it.
        base_url: OpenAI when None; another server needs a key only if it asks for one.
        key_variable: The environment variable that holds the key.
        timeout_s: For one try.
        patience: For one question.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        *,
        key_variable: str = "OPENAI_API_KEY",
        timeout_s: float = 60.0,
        patience: Patience | None = None,
    ) -> None:
        self.name = f"openai:{model}"
        self.base_url = base_url or OPENAI
        self._server = Server(model, self.base_url, key_variable)
        self._timeout_s = timeout_s
        self._patience = patience or Patience()
        self._client: tuple[asyncio.AbstractEventLoop, Any] | None = None

    async def answer(self, question: Question) -> Reply:
        """Return the server's reply.

        Raises:
            AskFailed: This question cannot be answered or its answer not be read.
            ProviderUnavailable: No question can be answered (key, model, quota, server down).
            EnvironmentProblem: The key's environment variable is not set.
        """
        client = self._open_client()
        request = write_request(question, self._server)
        start = time.perf_counter()
        completion, tries = await call_patiently(lambda: self._call(client, request), self._patience)
        read = read_completion(completion, question.wants, self._server)
        return make_reply(question, read, seconds=time.perf_counter() - start, tries=tries)

    async def close(self) -> None:
        """Close the connections; a later question opens new ones."""
        if self._client:
            client, self._client = self._client[1], None
            await client.close()

    async def _call(self, client: Any, request: dict[str, Any]) -> Any:
        from openai import OpenAIError

        try:
            return await client.chat.completions.create(**request)
        except (OpenAIError, ValueError) as error:  # ValueError: a body that is no JSON
            raise translate(error, self._server) from error

    def _open_client(self) -> Any:
        """Return the client of this event loop: connections do not outlive theirs."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._client[0] is not loop:
            self._client = (loop, make_client(self._server, self._timeout_s))
        return self._client[1]


def make_client(server: Server, timeout_s: float) -> Any:
    """Return a client that never retries by itself. Raises EnvironmentProblem when OpenAI's key is not set."""
    from openai import AsyncOpenAI

    key = os.environ.get(server.key_variable)
    if not key and server.base_url == OPENAI:
        msg = f"{server.key_variable} is not set; set it to your key, or name another server with base_url"
        raise EnvironmentProblem(msg)
    return AsyncOpenAI(api_key=key or "none", base_url=server.base_url, max_retries=0, timeout=timeout_s)


def write_request(question: Question, server: Server) -> dict[str, Any]:
    """Return the arguments of the chat completion."""
    prompt, n_out = question.prompt, question.max_tokens
    match question.wants:
        case YesNo():
            n_out, more = 1, {"logprobs": True, "top_logprobs": 20}
        case Digits() as wants:
            prompt, more = f"{prompt}\n\n{ask_for_list(wants)}", {}
            n_out = max(n_out, TOKENS_PER_NUMBER * wants.count)
        case Text():
            more = {}
    messages = [{"role": "system", "content": question.system}] if question.system else []
    # OpenAI's recent models refuse max_tokens, most other servers know nothing else.
    limit = "max_completion_tokens" if server.base_url == OPENAI else "max_tokens"
    messages.append({"role": "user", "content": prompt})
    return {"model": server.model, "messages": messages, limit: n_out, **more, **dict(question.sampling)}


def ask_for_list(wants: Digits) -> str:
    """Return the words that turn placeholders into a list a chat model can write."""
    return (
        f"Reply with nothing but a JSON list of {wants.count} integers from 0 to {wants.scale}: one for each "
        f"{wants.placeholder!r} after the last line {wants.after!r}, in order."
    )


def make_reply(question: Question, read: Read, *, seconds: float, tries: int) -> Reply:
    return Reply(
        question=question.key,
        model=read.model,
        text=read.text,
        probabilities=read.rows,
        kind=read.kind,
        tokens_in=read.tokens_in,
        tokens_out=read.tokens_out,
        tokens_cached=read.tokens_cached,
        seconds=seconds,
        usd=None,
        tries=tries,
    )
