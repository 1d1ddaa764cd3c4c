"""A language model behind HTTP: one question through form, budget, pace, retries and price to its reply."""

import time
from dataclasses import dataclass, field
from typing import Any

from autointerp.core.errors import AskFailed, AutointerpError, ConfigError
from autointerp.core.types import Digits, Question, Reply, Text, YesNo
from autointerp.llm.budget import Budget, Cost, Reservation
from autointerp.llm.capabilities import Capabilities
from autointerp.llm.forms import pick_form
from autointerp.llm.pace import Pace
from autointerp.llm.prices import Price
from autointerp.llm.retrying import Patience, TransientError, call_patiently
from autointerp.llm.sent import SentLog
from autointerp.llm.verbalised import n_tokens_for
from autointerp.llm.wire import Body, Client, Form, Read, Server, make_reply

# A chat template, a schema and the words that ask for a form, in tokens; measured below 300.
OVERHEAD_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms a provider is asked: what it costs and may cost, how fast, how patiently."""

    price: Price | None = None
    budget: Budget = field(default_factory=Budget)
    pace: Pace = field(default_factory=Pace)
    patience: Patience = field(default_factory=Patience)
    sent: SentLog | None = None
    is_batch: bool = False


USUAL: dict[type, str] = {YesNo: "logprob", Digits: "verbalised"}
"""How graded answers are had when nothing is said of it in a reply's key."""


class RemoteLLM:
    """Asks one model of one server. The key is read from the environment when first needed.

    Args:
        name: ``provider:model``, as stored.
        server: Where it is.
        client: Who sends.
        terms: Prices, ceilings, limits, retries.
        capabilities: What the server can do; ``capabilities.probe`` finds out.
    """

    def __init__(self, name: str, server: Server, client: Client, *, terms: Terms, capabilities: Capabilities) -> None:
        self.name = name
        self.server = server
        self.client = client
        self.terms = terms
        self.capabilities = capabilities
        self._uncommitted: dict[str, int] = {}

    async def answer(self, question: Question) -> Reply:
        """Return the server's reply.

        Raises:
            AskFailed: This question got no answer; with ``reply`` when something came back.
            ProviderUnavailable: No question can be answered (key, model, quota, server down).
            BudgetReached: The ceiling does not allow the call.
            ConfigError: The model has only kinds of answer that the question cannot do with.
            EnvironmentProblem: The key's environment variable is not set.
        """
        form = self.form(question)
        body = form.write(question, self.server)
        start = time.perf_counter()
        read, tries = await call_patiently(lambda: self._try(question, form, body), self.terms.patience)
        return self.settle(question, read, seconds=time.perf_counter() - start, tries=tries)

    def form(self, question: Question) -> Form:
        """Return how the question is asked. Raises ConfigError, with what to do, when it cannot be."""
        form = pick_form(question.wants, self.capabilities)
        if question.kinds and not isinstance(question.wants, Text) and form.kind not in question.kinds:
            msg = (
                f"{self.name} grades in kind {form.kind}, and this scorer needs {' or '.join(question.kinds)}; "
                "choose a judge with log-probabilities, or a scorer that takes integers"
            )
            raise ConfigError(msg)
        return form

    def how(self, question: Question) -> str:
        """Return what beside the question decides the reply: how a graded answer is had, "" by default."""
        kind = self.form(question).kind
        return "" if kind == USUAL.get(type(question.wants), kind) else kind

    def worst(self, question: Question) -> Cost:
        """Return what the question cannot exceed: no tokenizer makes more tokens than there are bytes."""
        n_in = len(question.system.encode()) + len(question.prompt.encode()) + OVERHEAD_TOKENS
        n_out = n_tokens_for(question)
        price = self.terms.price
        usd = price.at_most(tokens_in=n_in, tokens_out=n_out, is_batch=self.terms.is_batch) if price else None
        return Cost(n_in + n_out, usd)

    def settle(self, question: Question, read: Read, *, seconds: float, tries: int) -> Reply:
        """Return what was read as a priced reply. Raises AskFailed, with the reply, when it is no answer."""
        reply = make_reply(question, read, seconds=seconds, tries=tries, usd=self._usd(read))
        if reply.failed:
            raise AskFailed(reply.failed, reply.detail, reply=reply)
        return reply

    async def release(self) -> None:
        """Close the connections; a later question opens new ones."""
        await self.client.close()

    async def close(self) -> None:
        """Close the connections and the note of calls under way; it answers no more."""
        await self.release()
        self.end()

    def end(self) -> None:
        """Close the note of calls under way."""
        if self.terms.sent:
            self.terms.sent.close()

    async def _try(self, question: Question, form: Form, body: Body) -> Read:
        """Send once, with the worst set aside; what was spent is settled whatever happens."""
        worst = self.worst(question)
        async with self.terms.pace.slot(tokens=worst.tokens):
            held = await self.terms.budget.reserve(worst, name=self.name)
            slot = self.terms.sent.begin(question.key, self.name, worst) if self.terms.sent else 0
            try:
                response = await self._send(form, body, held)
                read = form.read(response, question, self.server)
                held.settle(self.cost(read, worst))
            except BaseException as error:
                self._settle_failed(question, held, error)
                self._end(slot)
                raise
            finally:
                # Cancelled, or a response that cannot be read at all: it may have been billed.
                held.keep()
        self._uncommitted[question.key] = slot
        return read

    def committed(self, question: Question) -> None:
        """Note that the reply is on the disk, or given up: until then a kill would lose what was paid for."""
        slot = self._uncommitted.pop(question.key, None)
        if slot is not None:
            self._end(slot)

    def _end(self, slot: int) -> None:
        if self.terms.sent:
            self.terms.sent.end(slot)

    async def _send(self, form: Form, body: Body, held: Reservation) -> Any:
        start = time.perf_counter()
        try:
            response = await self.client.send(form.endpoint, body)
        except TransientError as error:
            if error.is_overload:
                self.terms.pace.overload()
            raise
        except (AskFailed, AutointerpError):
            held.release()  # refused, not answered
            raise
        self.terms.pace.succeed(time.perf_counter() - start)
        return response

    def _settle_failed(self, question: Question, held: Reservation, error: BaseException) -> None:
        if not isinstance(error, TransientError):
            return
        if not error.is_paid:
            held.release()
        elif self.terms.sent:
            self.terms.sent.lose(question.key, self.name, held.worst, str(error))

    def cost(self, read: Read, worst: Cost) -> Cost:
        """Return what was billed; the worst where the server does not say."""
        tokens = read.usage.tokens_in + read.usage.tokens_out
        return Cost(tokens, self._usd(read)) if tokens else worst

    def _usd(self, read: Read) -> float | None:
        """Return what the tokens cost; None when the price or the number of tokens is unknown."""
        price, usage = self.terms.price, read.usage
        if price is None or not usage.tokens_in + usage.tokens_out:
            return None
        return price.of(usage, is_batch=self.terms.is_batch)
