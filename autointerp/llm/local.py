"""A language model in this process: any causal model of transformers, safetensors or GGUF."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autointerp.core.errors import AskFailed, AutointerpError
from autointerp.core.types import Json, Question, Reason, Reply, Text
from autointerp.llm.answering import Asked, answer_batch, choose_batch
from autointerp.llm.encoding import Encoded, encode_question
from autointerp.llm.loading import Loaded, Source, load, wrap

# Long enough for everything that was asked together to arrive, short beside any forward pass.
GATHER_S = 0.005
BATCH_TOKENS = 2048

Waiting = tuple[Asked, "asyncio.Future[Reply]"]


@dataclass(frozen=True, slots=True)
class Running:
    """One batch under way."""

    pairs: list[Waiting]
    replies: "asyncio.Task[list[Reply]]"


class LocalLLM:
    """Answers questions in batches that share their common prefix.

    ``tokens_in`` counts the whole prompt; ``tokens_cached`` those of its tokens that were computed for
    an earlier question; ``seconds`` is the question's share of its batch; ``usd`` is 0: nobody bills.

    Args:
        name: ``local:...``, as stored.
        model_dir_or_hub: A folder or a name on the hub.
        gguf_file: A file in that folder.
        dtype: ``float32``, ``bfloat16``, ...; ``auto`` is bfloat16 on a GPU and float32 elsewhere
            (bfloat16 takes 3 to 6 times as long on a CPU without native support).
        batch_tokens: Padded tokens of a forward pass, at most.
        device: ``auto`` is the GPU if there is one.
    """

    def __init__(
        self,
        name: str,
        model_dir_or_hub: str | Path,
        gguf_file: str | None = None,
        *,
        dtype: str = "auto",
        batch_tokens: int = BATCH_TOKENS,
        device: str = "auto",
    ) -> None:
        self.name = name
        self._source = Source(str(model_dir_or_hub), gguf_file, dtype, device)
        self._batch_tokens = batch_tokens
        self._lock = threading.Lock()
        self._loaded: Loaded | None = None
        self._queue: list[tuple[Question, asyncio.Future[Reply]]] = []
        self._worker: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, name: str, model: Any, tokenizer: Any, *, batch_tokens: int = BATCH_TOKENS) -> "LocalLLM":
        """Return one over a model that is in memory already: the subject itself, a small one in tests."""
        llm = cls(name, name, batch_tokens=batch_tokens)
        llm._loaded = wrap(model, tokenizer)
        return llm

    async def answer(self, question: Question) -> Reply:
        """Return the reply once its batch has run.

        Raises:
            AskFailed: The question cannot be read or is longer than the model's context.
            ConfigError: The model cannot be loaded, or lacks a token that the question needs.
            EnvironmentProblem: A package to load it with is missing.
        """
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._queue.append((question, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await future

    def load(self) -> Loaded:
        """Return tokenizer and model, loaded once; ``answer`` does it when first asked."""
        with self._lock:
            if self._loaded is None:
                self._loaded = load(self._source)
            return self._loaded

    async def _work(self) -> None:
        """Answer until nobody waits. Whatever goes wrong is handed to those who wait for it.

        The next batch runs while the replies of the last one are stored, read and asked about again.
        """
        waiting: list[Waiting] = []
        running: Running | None = None
        try:
            loaded = await asyncio.to_thread(self.load)
            await asyncio.sleep(GATHER_S)
            while True:
                waiting = [pair for pair in waiting + self._take_queue(loaded) if not pair[1].done()]
                if running is None:
                    if not waiting:
                        return
                    running, waiting = self._start(loaded, waiting)
                replies = await running.replies
                ended, running = running, None
                if waiting:
                    running, waiting = self._start(loaded, waiting)
                for (_, future), reply in zip(ended.pairs, replies, strict=True):
                    settle(future, reply)
                await asyncio.sleep(GATHER_S)  # those answered may ask again before the next batch is chosen
        except Exception as error:
            taken = running.pairs if running else []
            for _, future in [*taken, *waiting, *self._queue]:
                settle(future, error)
            self._queue.clear()

    def _start(self, loaded: Loaded, waiting: Sequence[Waiting]) -> tuple[Running, list[Waiting]]:
        """Start one batch in a thread, so that progress can be drawn meanwhile; return it, and who still waits."""
        places = choose_batch([asked.encoded for asked, _ in waiting], self._batch_tokens)
        pairs = [waiting[place] for place in places]
        answering = asyncio.to_thread(answer_batch, loaded, self.name, [asked for asked, _ in pairs])
        chosen = set(places)
        left = [pair for place, pair in enumerate(waiting) if place not in chosen]
        return Running(pairs, asyncio.create_task(answering)), left

    def _take_queue(self, loaded: Loaded) -> list[Waiting]:
        """Return the queue as tokens; a question that cannot be asked fails here by itself."""
        queue, self._queue = self._queue, []
        taken: list[Waiting] = []
        for question, future in queue:
            try:
                taken.append((Asked(question, self._encode(loaded, question)), future))
            except (AskFailed, AutointerpError) as failed:
                settle(future, failed)
        return taken

    def _encode(self, loaded: Loaded, question: Question) -> Encoded:
        encoded = encode_question(loaded.tokenizer, question)
        needed = len(encoded.tokens) + (question.max_tokens if isinstance(question.wants, Text | Json) else 0)
        if loaded.context and needed > loaded.context:
            detail = (
                f"the question takes {needed} tokens and {self.name} holds {loaded.context}; "
                "use shorter windows, fewer examples or a judge with a longer context"
            )
            raise AskFailed(Reason.PROVIDER_ERROR, detail)
        return encoded


def settle(future: "asyncio.Future[Reply]", outcome: Reply | Exception) -> None:
    """Wake the one who waits, unless it gave up."""
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
