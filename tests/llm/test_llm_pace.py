"""How many at once and a minute, and any number of questions in constant memory."""

import asyncio
import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
import wire_shapes
from hypothesis import given
from hypothesis import strategies as st
from llm_builders import make_question, make_reply
from local_server import Got, LocalServer, Respond, Send

from autointerp.core.types import Question, Reply
from autointerp.llm.gather import answer_all, answer_stream, order_by_prefix
from autointerp.llm.pace import Adaptive, Allowance, Pace
from autointerp.llm.providers import make_remote
from autointerp.llm.retrying import Patience

Serve = Callable[[Respond], LocalServer]


def test_concurrency_grows_by_one_a_round_and_halves() -> None:
    """Additive increase, multiplicative decrease, once for all calls that were under way together."""
    adaptive = Adaptive(most=100, limit=8)
    for _ in range(8):
        adaptive.succeed(0.1, now=0.0)
    assert 8.9 < adaptive.limit < 9.1
    for _ in range(5):
        adaptive.overload(now=10.0)
    assert 4.4 < adaptive.limit < 4.6


@given(st.lists(st.floats(0.001, 100) | st.none(), max_size=200), st.integers(1, 50))
def test_concurrency_stays_between_one_and_the_most(events: list[float | None], most: int) -> None:
    """Whatever the provider does."""
    adaptive = Adaptive(most=most)
    for now, event in enumerate(events):
        if event is None:
            adaptive.overload(now=now)
        else:
            adaptive.succeed(event, now=now)
        assert 1 <= adaptive.limit <= most


def test_latency_is_overload_only_when_it_is_much() -> None:
    """A server of milliseconds that jitters is left alone; one that answers ten times as slowly is not."""
    fast = Adaptive(most=64)
    for n in range(100):
        fast.succeed(0.002 if n % 2 else 0.05, now=n)
    assert fast.limit > 8
    slow = Adaptive(most=64)
    slow.succeed(1.0, now=0)
    for n in range(100):
        slow.succeed(10.0, now=10.0 * n)
    assert slow.limit < 4


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 100)), min_size=2, max_size=60))
def test_a_minute_holds_no_more_than_allowed(arrivals: list[tuple[float, int]]) -> None:
    """Between any two admissions there lies the time that what was let in takes, less the burst."""
    allowance = Allowance(a_minute=600.0)
    now, let_in = 100.0, []
    for gap, amount in arrivals:
        now += gap
        let_in.append((now + allowance.take(amount, now=now), amount))
    for first in range(len(let_in)):
        total = sum(amount for _, amount in let_in[first:-1])
        assert let_in[-1][0] - let_in[first][0] >= total / 10 - allowance.burst_s - 1e-6


def test_slots_are_given_in_order_and_survive_cancelling() -> None:
    """Never more than the limit, first come first served; who gives up takes no place along."""

    async def run() -> list[int]:
        pace = Pace(most=2)
        order: list[int] = []

        async def call(n: int) -> None:
            async with pace.slot(tokens=1):
                assert pace.n_running <= 2
                order.append(n)
                await asyncio.sleep(0.001)

        tasks = [asyncio.create_task(call(n)) for n in range(10)]
        await asyncio.sleep(0)
        for n in (3, 4):
            tasks[n].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert pace.n_running == 0
        return order

    assert asyncio.run(run()) == [0, 1, 2, 5, 6, 7, 8, 9]


def test_a_provider_that_limits_the_rate_is_asked_less_at_once(serve: Serve) -> None:
    """It refuses more than four at once; all are answered, and the calls settle near what it bears."""

    def respond(_: Got) -> Send:
        return Send({}, 429, delay_s=0.002) if server.n_open > 4 else Send(wire_shapes.chat(), delay_s=0.01)

    server = serve(respond)
    patience = Patience(tries=50, total_s=60, first_s=0.005, longest_s=0.05)
    remote = make_remote("openai", "m", {"base_url": f"{server.url}/v1", "patience": patience})
    questions = [make_question(str(n)) for n in range(80)]
    replies = asyncio.run(answer_all(remote, questions, 64))
    assert all(isinstance(reply, Reply) for reply in replies)
    assert len(server.got) < 2 * len(questions)


def test_requests_a_minute_are_kept(serve: Serve) -> None:
    """Ten a second: after the first second's worth, one every tenth."""
    server = serve(lambda _: Send(wire_shapes.chat()))
    remote = make_remote("openai", "m", {"base_url": f"{server.url}/v1", "requests_a_minute": 600})
    start = time.perf_counter()
    asyncio.run(answer_all(remote, [make_question(str(n)) for n in range(16)], 16))
    assert time.perf_counter() - start >= 0.45


class Echo:
    """Answers at once."""

    name = "test:echo"

    async def answer(self, question: Question) -> Reply:
        await asyncio.sleep(0)
        return make_reply(question, text=question.prompt)


def test_questions_are_taken_only_when_there_is_room() -> None:
    """A reader that stops reading stops the asking: nothing piles up."""
    taken = 0

    def questions() -> Iterator[Question]:
        nonlocal taken
        while True:
            taken += 1
            yield make_question(str(taken))

    async def read_some() -> None:
        stream = answer_stream(Echo(), questions(), 4)
        for n in range(1, 50):
            await anext(stream)
            await asyncio.sleep(0.001)
            assert taken <= n + 3 * 4
        await stream.aclose()

    asyncio.run(read_some())


def test_memory_does_not_grow_with_the_number_of_questions() -> None:
    """From a generator: ten times as many take no more."""

    async def peak(n: int) -> int:
        gc.collect()
        tracemalloc.start()
        n_read = 0
        async for _ in answer_stream(Echo(), (make_question(f"q{i}") for i in range(n)), 16):
            n_read += 1
        assert n_read == n
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    asyncio.run(peak(100))
    few, many = asyncio.run(peak(300)), asyncio.run(peak(3000))
    assert many < 1.5 * few + 100_000


@given(st.lists(st.text(alphabet="ab", max_size=6), max_size=30))
def test_ordered_questions_share_the_most_with_their_neighbours(prompts: list[str]) -> None:
    """The same questions; the sum of shared beginnings is the largest there is, as in a sorted list."""
    ordered = order_by_prefix([make_question(prompt) for prompt in prompts])
    assert [question.prompt for question in ordered] == sorted(prompts)


@pytest.mark.parametrize("at_once", [1, 7])
def test_a_stream_gives_every_place_once(at_once: int) -> None:
    """Whatever the order."""

    async def places() -> list[int]:
        return [n async for n, _ in answer_stream(Echo(), [make_question(str(i)) for i in range(20)], at_once)]

    assert sorted(asyncio.run(places())) == list(range(20))
