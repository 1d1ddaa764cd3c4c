"""Looking up very many keys: the same answers as one look a key, from memory or from the disk."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_builders import make_question, make_reply

from autointerp.core.draws import content_key
from autointerp.core.errors import StoreError
from autointerp.llm.lookups import Lookups, are_among, split_halves
from autointerp.llm.reply_store import ReplyStore

# Few values a half, so that whole keys, upper halves and lower halves meet; 0 and 255 at the ends.
halves = st.sampled_from([bytes(8), b"\xff" * 8, b"\0" * 7 + b"\1", b"\1" + b"\0" * 7])
keys_of_16 = st.builds(lambda upper, lower: upper + lower, halves, halves)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ReplyStore]:
    store = ReplyStore(tmp_path / "replies.sqlite")
    yield store
    store.close()


def keep(store: ReplyStore, keys: list[str]) -> None:
    async def put_all() -> None:
        await asyncio.gather(*(store.put(key, make_reply(make_question(key))) for key in keys))

    asyncio.run(put_all())


def make_keys(n: int) -> list[str]:
    return [content_key(at, length=32) for at in range(n)]


def read_by_now(store: ReplyStore) -> Lookups:
    """Return lookups that have seen so many keys that those of the store are in memory."""
    lookups = Lookups(store)
    for _ in range(2):
        lookups.known(make_keys(500))
    return lookups


@given(st.sets(keys_of_16), st.lists(keys_of_16))
def test_no_key_is_found_that_is_not_stored(stored: set[bytes], wanted: list[bytes]) -> None:
    """Both halves must agree; and a stored key is found unless another one has the same upper half."""
    found = are_among(split_halves(b"".join(sorted(stored))), split_halves(b"".join(wanted))).tolist()
    uppers = [key[:8] for key in stored]
    for key, is_found in zip(wanted, found, strict=True):
        assert not is_found or key in stored
        assert is_found or key not in stored or uppers.count(key[:8]) > 1


def test_lookups_say_what_the_store_says(store: ReplyStore) -> None:
    """Batch by batch, before and after the keys are in memory."""
    keys = make_keys(2000)
    keep(store, keys[::3])
    lookups = Lookups(store)
    for start in range(0, len(keys), 250):
        part = keys[start : start + 250]
        assert lookups.known(part) == store.known(part) == set(part) & set(keys[::3])


def test_keys_in_memory_are_not_looked_up(store: ReplyStore) -> None:
    """Once read, a stored key is known without the file."""
    keys = make_keys(100)
    keep(store, keys)
    lookups = read_by_now(store)
    store.close()
    assert lookups.known(keys) == set(keys)


def test_a_reply_that_came_since_is_known(store: ReplyStore) -> None:
    """Also of two keys with the same upper half each is: what memory does not hold, the disk is asked for."""
    lookups = read_by_now(store)
    keep(store, ["ab" * 16])
    assert lookups.known(["ab" * 16, "cd" * 16]) == {"ab" * 16}
    twins = ["ab" * 8 + "00" * 8, "ab" * 16]
    keep(store, twins)
    assert read_by_now(store).known(twins) == set(twins)


def test_keys_of_another_length_are_not_in_the_way(store: ReplyStore) -> None:
    """Whoever keeps replies under short keys of his own does not stop the others."""
    keys = make_keys(10)
    keep(store, [*keys, "short", "of 32 letters and more, as nobody writes them"])
    assert read_by_now(store).known(keys) == set(keys)


@pytest.mark.parametrize("damaged", ["x" * 32, " " * 32, "ä" * 32])
def test_a_damaged_key_is_refused(store: ReplyStore, damaged: str) -> None:
    """With what to do; no wrong key is believed."""
    keep(store, make_keys(10))
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE replies SET key = ? WHERE key = ?", (damaged, make_keys(1)[0]))
    connection.close()
    with pytest.raises(StoreError, match="damaged key"):
        read_by_now(store)
