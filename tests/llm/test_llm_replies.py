"""The reply store: nothing lost, nothing asked twice, nothing foreign believed."""

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_builders import make_question, make_reply

from autointerp.core.errors import AskFailed, StoreError
from autointerp.core.types import Question, Reply
from autointerp.llm.replies import CachedLLM
from autointerp.llm.reply_store import ReplyStore, decode, encode

numbers = st.floats(0, 1)
replies = st.builds(
    Reply,
    question=st.text(),
    model=st.text(),
    text=st.text(),
    probabilities=st.lists(st.lists(numbers, max_size=4).map(tuple), max_size=3).map(tuple),
    kind=st.sampled_from(["logprob", "text"]),
    tokens_in=st.integers(0),
    tokens_out=st.integers(0),
    tokens_cached=st.integers(0),
    seconds=numbers,
    usd=st.none() | numbers,
)


class Counting:
    """Answers after a moment and counts its calls; raises ``error`` if there is one."""

    name = "test:counting"

    def __init__(self, error: Exception | None = None) -> None:
        self.calls = 0
        self.error = error

    async def answer(self, question: Question) -> Reply:
        self.calls += 1
        await asyncio.sleep(0.01)
        if self.error:
            raise self.error
        return make_reply(question, usd=0.5)


@pytest.fixture
def store(tmp_path: Path):  # type: ignore[no-untyped-def]
    store = ReplyStore(tmp_path / "cache" / "replies.sqlite")
    yield store
    store.close()


@given(replies)
def test_reply_survives_writing(reply: Reply) -> None:
    """Every field comes back exactly, floats and strange characters too."""
    assert decode(encode(reply)) == reply


def test_second_question_is_not_asked(store: ReplyStore) -> None:
    """Also by another instance: what was answered comes from the disk, marked as cached."""
    inner, question = Counting(), make_question()
    first = asyncio.run(CachedLLM(inner, store).answer(question))
    second = asyncio.run(CachedLLM(inner, store).answer(question))
    assert (first.cached, second.cached, inner.calls) == (False, True, 1)
    assert second.text == first.text


def test_what_decides_the_reply_decides_the_key(store: ReplyStore) -> None:
    """Another prompt, repeat or server is another question; what it is about is not."""
    inner = Counting()

    async def ask() -> None:
        for question in (make_question("a"), make_question("b"), make_question("a", repeat="2")):
            await CachedLLM(inner, store).answer(question)
        await CachedLLM(inner, store, provider="http://elsewhere").answer(make_question("a"))

    asyncio.run(ask())
    assert inner.calls == 4


def test_questions_in_flight_share_one_call(store: ReplyStore) -> None:
    """One pays, the others get it cached."""
    inner = Counting()
    llm = CachedLLM(inner, store)

    async def ask() -> list[Reply]:
        return await asyncio.gather(*(llm.answer(make_question()) for _ in range(5)))

    replies = asyncio.run(ask())
    assert inner.calls == 1
    assert [reply.cached for reply in replies].count(False) == 1


def test_a_failure_is_shared_and_not_kept(store: ReplyStore) -> None:
    """Everybody in flight hears of it; the next one asks again."""
    inner = Counting(AskFailed("timeout", "slow"))
    llm = CachedLLM(inner, store)

    async def ask() -> list[Reply | BaseException]:
        return await asyncio.gather(*(llm.answer(make_question()) for _ in range(3)), return_exceptions=True)

    assert all(isinstance(outcome, AskFailed) for outcome in asyncio.run(ask()))
    assert inner.calls == 1
    inner.error = None
    assert asyncio.run(llm.answer(make_question())).cached is False


def test_one_who_gives_up_does_not_take_the_call_along(store: ReplyStore) -> None:
    """The call goes on for the others; when all give up it is cancelled and may be asked again."""
    inner = Counting()
    llm = CachedLLM(inner, store)

    async def ask() -> Reply:
        impatient, patient = (asyncio.create_task(llm.answer(make_question())) for _ in range(2))
        await asyncio.sleep(0.001)
        impatient.cancel()
        return await patient

    async def give_up() -> Reply:
        alone = asyncio.create_task(llm.answer(make_question("b")))
        await asyncio.sleep(0.001)
        alone.cancel()
        await asyncio.wait([alone])
        return await llm.answer(make_question("b"))

    assert asyncio.run(ask()).text == "t"
    assert inner.calls == 1
    assert asyncio.run(give_up()).cached is False
    assert inner.calls == 3


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from autointerp.core.types import Question, Reply, Text
from autointerp.llm.reply_store import ReplyStore

async def main():
    store = ReplyStore(Path(sys.argv[1]))
    for n in range(1000):
        await store.put(str(n), Reply("q", "m", "t" * 2000, (), "text", 1, 1, 0, 0.1, None))
        print(n, flush=True)

asyncio.run(main())
"""


def test_a_killed_process_loses_nothing_it_used(tmp_path: Path) -> None:
    """Every reply that put returned for before SIGKILL is read afterwards."""
    path = tmp_path / "replies.sqlite"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    used = [process.stdout.readline().strip() for _ in range(20)]
    process.kill()
    used += process.stdout.read().split()
    process.wait()
    process.stdout.close()
    store = ReplyStore(path)
    assert all(store.get(key) for key in used)
    store.close()


def test_an_earlier_reply_stays(store: ReplyStore) -> None:
    """Writing under a taken key changes nothing: results already rest on the first reply."""

    async def write() -> None:
        await asyncio.gather(*(store.put("k", make_reply(make_question(), text=text)) for text in ("first", "second")))
        await store.put("k", make_reply(make_question(), text="third"))

    asyncio.run(write())
    assert store.get("k").text == "first"  # type: ignore[union-attr]


def write_garbage(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\x00" + b"garbage" * 1000)


def write_text(path: Path) -> None:
    path.write_text("notes " * 1000)


def write_foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()


def write_newer(path: Path) -> None:
    ReplyStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE format SET version = 99")
    connection.close()


@pytest.mark.parametrize("write", [write_garbage, write_text, write_foreign, write_newer])
def test_a_file_that_is_not_ours_is_refused(tmp_path: Path, write) -> None:  # type: ignore[no-untyped-def]
    """With its path and what to do; and it is left as it was."""
    path = tmp_path / "replies.sqlite"
    write(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"replies\.sqlite .*move it away"):
        ReplyStore(path)
    if write is not write_newer:
        assert path.read_bytes() == before


def test_a_damaged_row_is_not_believed(store: ReplyStore) -> None:
    """A reply changed behind our back is refused, not used."""
    asyncio.run(store.put("k", make_reply(make_question(), text="yes")))
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE replies SET reply = replace(reply, 'yes', 'no')")
    connection.close()
    with pytest.raises(StoreError, match="damaged reply"):
        store.get("k")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """The message says what to do."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="name a folder"):
        ReplyStore(tmp_path / "file" / "replies.sqlite")


def test_what_is_missing_is_found_in_bulk(store: ReplyStore) -> None:
    """The same as asking the store one by one, in order, over more than one look."""
    llm = CachedLLM(Counting(), store)
    questions = [make_question(str(n)) for n in range(1200)]

    async def keep() -> None:
        await asyncio.gather(*(store.put(llm.key(q), make_reply(q)) for q in questions[::3]))

    asyncio.run(keep())
    assert list(llm.missing(iter(questions))) == [q for n, q in enumerate(questions) if n % 3]


def test_a_paid_refusal_is_kept_and_not_asked_again(store: ReplyStore) -> None:
    """Its text too; a server's error is not kept: it may pass."""
    refused = make_reply(make_question(), failed="judge_refused", detail="no", text="I will not")
    inner = Counting(AskFailed("judge_refused", "no", reply=refused))
    for _ in range(2):
        with pytest.raises(AskFailed, match="judge_refused: no") as raised:
            asyncio.run(CachedLLM(inner, store).answer(make_question()))
        assert raised.value.reply is not None
        assert raised.value.reply.text == "I will not"
    assert inner.calls == 1
    passing = make_reply(make_question("b"), failed="provider_error")
    inner.error = AskFailed("provider_error", "down", reply=passing)
    for _ in range(2):
        with pytest.raises(AskFailed):
            asyncio.run(CachedLLM(inner, store).answer(make_question("b")))
    assert inner.calls == 3
