"""One batch of a local model: which questions, and their replies."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autointerp.core.types import Digits, Question, Reply, YesNo
from autointerp.llm.batches import OVERHEAD_TOKENS, order_rows, plan_batches
from autointerp.llm.choosing import make_chooser
from autointerp.llm.encoding import Encoded, write_choice
from autointerp.llm.forward import Graded, Written

if TYPE_CHECKING:
    from autointerp.llm.loading import Loaded

# Planning looks at so many at a time: 10 ms, and more would not find better batches.
PLANNED_AT_ONCE = 512
# Written text costs a pass over all weights for every token: more rows a pass are nearly free.
WRITTEN = 4
# What a batch that writes costs however little it holds: a pass for each of some twenty tokens.
WRITING = 20 * OVERHEAD_TOKENS


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and its tokens."""

    question: Question
    encoded: Encoded


def choose_batch(waiting: Sequence[Encoded], limit: int) -> list[int]:
    """Return the places of the questions to run next: the first one, with those that go best with it."""
    classes = waiting[0].classes
    alike = [place for place, encoded in enumerate(waiting) if encoded.classes == classes][:PLANNED_AT_ONCE]
    ordered = [alike[at] for at in order_rows([waiting[place].tokens for place in alike])]
    rows = [waiting[place].tokens for place in ordered]
    batches = plan_batches(rows, limit) if classes else plan_batches(rows, WRITTEN * limit, overhead=WRITING)
    chosen = next(batch for batch in batches if ordered.index(0) in batch)
    return [ordered[at] for at in chosen]


def answer_batch(loaded: "Loaded", name: str, batch: Sequence[Asked]) -> list[Reply]:
    """Return the replies of questions that all want text, or all read the same classes."""
    start = time.perf_counter()
    encoded = [asked.encoded for asked in batch]
    if batch[0].encoded.classes:
        outcomes: Sequence[Graded | Written] = loaded.runner.grade(encoded)
    else:
        outcomes = loaded.runner.write(encoded, [make_chooser(asked.question, loaded.ends) for asked in batch])
    seconds = (time.perf_counter() - start) / len(batch)
    return [make_reply(loaded, name, *pair, seconds=seconds) for pair in zip(batch, outcomes, strict=True)]


def make_reply(loaded: "Loaded", name: str, asked: Asked, outcome: Graded | Written, *, seconds: float) -> Reply:
    """Return what came out as a reply."""
    wants = asked.question.wants
    if isinstance(outcome, Graded):
        assert isinstance(wants, YesNo | Digits)
        text, rows, n_out = write_choice(wants, outcome.rows), outcome.rows, 0
    else:
        text = loaded.tokenizer.decode(outcome.tokens, skip_special_tokens=True).strip()
        rows, n_out = (), outcome.n_chosen
    is_cut = isinstance(outcome, Written) and len(outcome.tokens) == outcome.n_chosen >= asked.question.max_tokens
    return Reply(
        question=asked.question.key,
        model=name,
        text=text,
        probabilities=rows,
        kind="logprob" if rows else "text",
        tokens_in=asked.encoded.n_prompt,
        tokens_out=n_out,
        tokens_cached=outcome.reused,
        seconds=seconds,
        usd=0.0,
        is_cut=is_cut,
    )
