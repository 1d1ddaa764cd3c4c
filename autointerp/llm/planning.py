"""What questions would cost, from their real prompts and what is stored already; asks nobody."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from autointerp.core.protocols import LLM
from autointerp.core.types import Question
from autointerp.llm.prices import Price
from autointerp.llm.probing import find_remote
from autointerp.llm.replies import CachedLLM
from autointerp.llm.verbalised import n_tokens_for
from autointerp.llm.wire import Usage

# Bytes a token: English prose in recent vocabularies 4 to 5, code, names and rare words 3, other alphabets 2.
BYTES_A_TOKEN = {"low": 5.0, "expected": 4.0, "high": 2.5}
# The share of ``max_tokens`` that answers take.
ANSWER = {"low": 0.1, "expected": 0.5, "high": 1.0}
# The share of calls that are tried twice, and paid for twice.
AGAIN = {"low": 0.0, "expected": 0.01, "high": 0.1}
OVERHEAD_TOKENS = {"low": 10, "expected": 20, "high": 60}
CASES = ("low", "expected", "high")


@dataclass(frozen=True, slots=True)
class Estimate:
    """Calls and tokens of questions; ``usd`` is None when the price is unknown, 0 when nobody bills.

    Each of ``tokens_in``, ``tokens_out`` and ``usd`` is (low, expected, high).
    """

    n_questions: int
    n_stored: int
    tokens_in: tuple[int, int, int]
    tokens_out: tuple[int, int, int]
    usd: tuple[float, float, float] | None

    @property
    def n_calls(self) -> int:
        """Questions that would be asked."""
        return self.n_questions - self.n_stored

    def text(self) -> str:
        """Return one line for a person."""
        low, expected, high = (a + b for a, b in zip(self.tokens_in, self.tokens_out, strict=True))
        told = f"{self.n_calls:,} calls ({self.n_stored:,} stored) · {expected:,} tokens [{low:,}, {high:,}]"
        if self.usd is None:
            return f"{told} · price unknown"
        return f"{told} · {self.usd[1]:.2f} USD [{self.usd[0]:.2f}, {self.usd[2]:.2f}]"


def estimate(llm: LLM, questions: Iterable[Question]) -> Estimate:
    """Return what asking would take; a question that comes twice, or is stored, costs once, or nothing.

    Any number of questions in the memory of their keys and of 16 bytes a stored reply. Prompts are
    measured in bytes: no tokenizer is needed, and the interval says what that is worth. No part of a
    prompt is taken to be cached by the provider.
    """
    seen: set[str] = set()
    n_questions = n_bytes = n_out = 0

    def counted() -> Iterator[Question]:
        nonlocal n_questions
        for question in questions:
            n_questions += 1
            yield question

    for question in llm.missing(counted()) if isinstance(llm, CachedLLM) else counted():
        if question.key in seen:
            continue
        seen.add(question.key)
        n_bytes += len(question.system.encode()) + len(question.prompt.encode())
        n_out += n_tokens_for(question)
    n_calls = len(seen)
    tokens_in = [round((n_bytes / BYTES_A_TOKEN[c] + n_calls * OVERHEAD_TOKENS[c]) * (1 + AGAIN[c])) for c in CASES]
    tokens_out = [round(n_out * ANSWER[c] * (1 + AGAIN[c])) for c in CASES]
    usd = price_tokens(llm, tokens_in, tokens_out)
    low_in, expected_in, high_in = tokens_in
    low_out, expected_out, high_out = tokens_out
    return Estimate(
        n_questions, n_questions - n_calls, (low_in, expected_in, high_in), (low_out, expected_out, high_out), usd
    )


def at_most(llm: LLM, n_questions: int, *, tokens_in: int, tokens_out: int) -> Estimate:
    """Return a bound where there is no prompt to count yet: so many questions, so many tokens of all of them."""
    bound = price_tokens(llm, [tokens_in] * 3, [tokens_out] * 3)
    return Estimate(n_questions, 0, (tokens_in,) * 3, (tokens_out,) * 3, bound)


def price_tokens(llm: LLM, tokens_in: Sequence[int], tokens_out: Sequence[int]) -> tuple[float, float, float] | None:
    """Return USD low, expected and high; zeros for a judge without a server, None for an unknown price."""
    remote = find_remote(llm)
    if remote is None:
        return 0.0, 0.0, 0.0
    price: Price | None = remote.terms.price
    if price is None:
        return None
    is_batch = remote.terms.is_batch
    plain = Price(price.input, price.output, price.cached, price.written, price.batch)  # a sum has no length limit
    costs = [plain.of(Usage(i, o), is_batch=is_batch) for i, o in zip(tokens_in, tokens_out, strict=True)]
    low, expected, high = (cost or 0.0 for cost in costs)
    return low, expected, high
