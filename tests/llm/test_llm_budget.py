"""Prices and ceilings: no call is sent that could overshoot, whatever runs at once."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wire_shapes
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_builders import answer, make_question
from local_server import LocalServer, Respond, Send

from autointerp.core.errors import BudgetReached, ConfigError
from autointerp.core.types import Question, Reply
from autointerp.llm.budget import NOTHING, Budget, Cost
from autointerp.llm.gather import answer_all
from autointerp.llm.prices import Price, PriceTable, read_prices
from autointerp.llm.probing import check_answerable
from autointerp.llm.providers import make_remote
from autointerp.llm.replies import CachedLLM
from autointerp.llm.reply_store import ReplyStore
from autointerp.llm.wire import Usage

Serve = Callable[[Respond], LocalServer]
calls = st.lists(st.tuples(st.integers(1, 20), st.floats(0, 1)), min_size=1, max_size=20)


@settings(deadline=None)
@given(calls, st.integers(1, 60))
def test_no_ceiling_is_overshot(costs: list[tuple[int, float]], ceiling: int) -> None:
    """At no moment is more spent or set aside than allowed, and who fits in the end is let in."""
    budget = Budget(tokens=ceiling)
    held = 0

    async def call(worst: int, share: float) -> bool:
        nonlocal held
        try:
            reservation = await budget.reserve(Cost(worst, None), name="m")
        except BudgetReached:
            return False
        held += worst
        assert budget.spent.tokens + held <= ceiling
        await asyncio.sleep(0)
        held -= worst
        reservation.settle(Cost(int(worst * share), None))
        return True

    async def all_at_once() -> list[bool]:
        return await asyncio.gather(*(call(worst, share) for worst, share in costs))

    let_in = asyncio.run(all_at_once())
    assert budget.spent.tokens <= ceiling
    assert let_in[0] == (costs[0][0] <= ceiling)
    left = ceiling - budget.spent.tokens
    assert all(worst > left for (worst, _), done in zip(costs, let_in, strict=True) if not done)


def test_what_may_have_been_paid_is_counted(tmp_path: Path) -> None:
    """A settlement counts once: what was released cannot be kept afterwards, nor the other way round."""
    del tmp_path
    budget = Budget(usd=1.0)

    async def three() -> None:
        answered, refused, lost = [await budget.reserve(Cost(10, 0.25), name="m") for _ in range(3)]
        answered.settle(Cost(4, 0.1))
        refused.release()
        lost.keep()
        for one in (answered, refused, lost):
            one.keep()

    asyncio.run(three())
    assert budget.spent == Cost(14, pytest.approx(0.35))


def test_a_ceiling_in_usd_needs_a_price(serve: Serve) -> None:
    """Unknown is not free: the run is refused before anything is sent."""
    server = serve(lambda _: Send(wire_shapes.chat()))
    remote = make_remote("openai", "m", {"base_url": f"{server.url}/v1", "budget": Budget(usd=5.0)})
    for refuse in (
        lambda: check_answerable(remote, [make_question()]),
        lambda: answer(remote, make_question()),
    ):
        with pytest.raises(ConfigError, match=r"price of openai:m is unknown.*price table"):
            refuse()
    assert server.got == []


def priced(server: LocalServer, folder: Path, **options: Any) -> dict[str, Any]:
    """Return options that name the server's model a price: 1 USD a thousand tokens."""
    table = folder / "prices.toml"
    url = f"{server.url}/v1"
    table.write_text(f'date = 2027-01-01\n["{url}"]\n"m" = {{ input = 1000.0, output = 1000.0 }}\n')
    return {"base_url": url, "prices": [table], **options}


@pytest.mark.parametrize("ceiling", [{"usd": 1.3}, {"tokens": 1300}])
def test_a_run_stops_at_the_ceiling_and_goes_on_from_there(
    serve: Serve, tmp_path: Path, ceiling: dict[str, Any]
) -> None:
    """Every answer had is in the store; with a higher ceiling only the rest is asked, and nobody is asked twice."""
    server = serve(lambda _: Send(wire_shapes.chat(), delay_s=0.01))
    store = ReplyStore(tmp_path / "replies.sqlite")
    questions = [make_question(f"question {n}") for n in range(40)]

    def run(budget: Budget) -> list[Any]:
        llm = CachedLLM(make_remote("openai", "m", priced(server, tmp_path, budget=budget)), store)
        return asyncio.run(answer_all(llm, questions, 16))

    first = Budget(**ceiling)
    with pytest.raises(BudgetReached, match="raise it and run the same command again") as reached:
        run(first)
    assert reached.value.exit_code == 6
    n_paid = len(server.got)
    assert 0 < n_paid < 40
    assert (first.spent.usd or 0) <= 1.3
    assert first.spent.tokens == 75 * n_paid
    replies = run(Budget())
    assert sum(isinstance(reply, Reply) and not reply.cached for reply in replies) == 40 - n_paid
    assert len(server.got) == 40
    store.close()


def test_what_was_spent_before_counts(serve: Serve, tmp_path: Path) -> None:
    """A resumed run has what is left."""
    server = serve(lambda _: Send(wire_shapes.chat()))
    budget = Budget(usd=10.0, spent=Cost(9500, 9.5))
    remote = make_remote("openai", "m", priced(server, tmp_path, budget=budget))
    with pytest.raises(BudgetReached, match=r"10\.00 USD is reached: 9\.5000 USD"):
        answer(remote, make_question())
    assert server.got == []


def test_replies_are_priced(serve: Serve, tmp_path: Path) -> None:
    """From the tokens as billed; without a price the cost is unknown, not 0."""
    server = serve(lambda _: Send(wire_shapes.chat()))

    def usd(options: dict[str, Any]) -> float | None:
        return answer(make_remote("openai", "m", options), make_question())[0].usd

    assert usd(priced(server, tmp_path)) == pytest.approx(0.075)
    assert usd({"base_url": f"{server.url}/v1"}) is None


def test_the_shipped_table_is_sound() -> None:
    """Dated; the cache is never dearer to read than to fill; a dated model name is found, a stranger is not."""
    table = read_prices()
    assert table.date >= "2026"
    assert all(0 < p.cached <= p.input <= max(p.written, p.input) < p.output for p in table.prices.values())
    assert table.find("openai", "gpt-4.1-2025-04-14") == table.find("openai", "gpt-4.1") != None  # noqa: E711
    assert table.find("anthropic", "claude-haiku-4-5-20251001") is not None
    assert table.find("openai", "gpt-none") is None
    assert table.find("http://localhost:1/v1", "gpt-4.1") is None


def test_a_price_table_of_the_user_wins(tmp_path: Path) -> None:
    """Over the shipped one, model by model."""
    path = tmp_path / "mine.toml"
    path.write_text('date = 2030-01-01\n[openai]\n"gpt-4.1" = { input = 7.0, output = 8.0 }\n')
    table = read_prices([path])
    found = table.find("openai", "gpt-4.1")
    assert found is not None
    assert (found.input, found.cached, table.date) == (7.0, 7.0, "2030-01-01")
    assert table.find("openai", "gpt-4o") is not None


@pytest.mark.parametrize(
    "text",
    [
        "[openai]\nx = { input = 1.0 }",
        "[openai]\nx = { input = -1.0, output = 1.0 }",
        "[openai]\nx = { input = 1.0, output = true }",
        "[openai]\nx = { input = 1.0, output = 1.0, outptu = 1.0 }",
        "[openai]\nx = 3",
        "openai = 3",
        "not toml",
    ],
)
def test_a_price_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """With the file; a typing error must not make a run free."""
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"mine\.toml"):
        read_prices([path])


tokens = st.integers(0, 10**6)


@given(st.builds(Usage, tokens, tokens, tokens, tokens))
def test_nothing_costs_more_than_was_set_aside(usage: Usage) -> None:
    """However the prompt's tokens are split between plain, cached and written."""
    price = Price(input=3.0, output=15.0, cached=0.3, written=3.75, batch=0.5)
    n_in = max(usage.tokens_in, usage.tokens_cached + usage.tokens_written)
    cost = price.of(usage)
    assert cost is not None
    assert cost <= price.at_most(tokens_in=n_in, tokens_out=usage.tokens_out) + 1e-9


def test_a_price_holds_up_to_its_limit() -> None:
    """Beyond it the price is unknown."""
    price = Price(1.0, 1.0, 1.0, 1.0, up_to_tokens=10)
    assert price.of(Usage(10, 1)) is not None
    assert price.of(Usage(11, 1)) is None
    assert PriceTable("", {}).find("a", "b") is None
    assert Cost(0, 0.0) == NOTHING


@given(st.text(max_size=200), st.text(max_size=50))
def test_no_text_has_more_tokens_than_are_set_aside(prompt: str, system: str) -> None:
    """A token is a byte at least."""
    remote = make_remote("openai", "m", {"base_url": "http://127.0.0.1:1/v1"})
    question = Question(system, prompt, 8, make_question().wants)
    assert remote.worst(question).tokens >= len((prompt + system).encode()) + 8
