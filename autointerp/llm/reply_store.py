"""Replies kept on disk for all runs."""

import asyncio
import json
import sqlite3
import threading
from binascii import unhexlify
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from autointerp.core.draws import content_key
from autointerp.core.errors import StoreError
from autointerp.core.types import Reply

FORMAT = "autointerp replies"
VERSION = 1

TABLES = """
CREATE TABLE IF NOT EXISTS format (name TEXT NOT NULL, version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, digest TEXT NOT NULL, reply TEXT NOT NULL) WITHOUT ROWID;
"""
# Another process may hold the write lock while it waits for its disk.
BUSY_S = 30.0
READ_AT_ONCE = 10_000


class ReplyStore:
    """One SQLite file of replies; safe with several processes and with being killed at any moment.

    A reply that ``put`` has returned for is on the disk (write-ahead log, synchronous=FULL). Waiting
    replies share one commit: a commit of its own costs each some 5 ms.

    Raises:
        StoreError: The file is damaged, another program's, or of another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._waiting: list[tuple[str, Reply, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        with self._world():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            with self._world():
                self._open()
        except BaseException:
            self._connection.close()
            raise

    def get(self, key: str) -> Reply | None:
        """Return the stored reply, or None when there is none. Raises StoreError when its row is damaged."""
        with self._world(), self._lock:
            row = self._connection.execute("SELECT digest, reply FROM replies WHERE key = ?", (key,)).fetchone()
        return None if row is None else self._decode(key, digest=row[0], text=row[1])

    def known(self, keys: Sequence[str]) -> set[str]:
        """Return those of some hundred keys that have a reply, unread; one look for all is five times faster."""
        marks = ",".join("?" * len(keys))
        with self._world(), self._lock:
            rows = self._connection.execute(f"SELECT key FROM replies WHERE key IN ({marks})", keys)
            return {key for (key,) in rows}

    def n_pages(self) -> int:
        """Return the pages of the file: reading all keys takes about as long as looking up a quarter as many."""
        with self._world(), self._lock:
            return int(self._connection.execute("PRAGMA page_count").fetchone()[0])

    def all_keys(self) -> bytes:
        """Return the keys of 32 hexadecimal digits, 16 bytes each, ascending. Raises StoreError for a damaged one."""
        with self._world(), self._lock:
            rows = self._connection.execute("SELECT key FROM replies WHERE length(key) = 32 ORDER BY key")
            parts = iter(lambda: rows.fetchmany(READ_AT_ONCE), [])
            try:
                return b"".join([unhexlify("".join([key for (key,) in part])) for part in parts])
            except ValueError as error:
                raise self._refuse("has a damaged key") from error

    async def put(self, key: str, reply: Reply) -> None:
        """Keep the reply; an earlier one under this key stays. Returns when it is on the disk."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((key, reply, written))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_waiting())
        await written

    def close(self) -> None:
        self._connection.close()

    async def _write_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(self._commit, [(key, reply) for key, reply, _ in batch])
            except StoreError as error:
                settle([written for _, _, written in batch], error)
            else:
                settle([written for _, _, written in batch], None)

    def _commit(self, batch: list[tuple[str, Reply]]) -> None:
        rows = [(key, content_key(key, text), text) for key, text in ((key, encode(reply)) for key, reply in batch)]
        with self._world(), self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany("INSERT OR IGNORE INTO replies VALUES (?, ?, ?)", rows)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _open(self) -> None:
        tables = {name for (name,) in self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and not {"format", "replies"} <= tables:
            raise self._refuse("is another program's database")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(f"BEGIN IMMEDIATE; {TABLES} {insert_format()} COMMIT;")
        found = self._connection.execute("SELECT name, version FROM format").fetchall()
        if found != [(FORMAT, VERSION)]:
            raise self._refuse(f"has format {found}, and this program reads {FORMAT} {VERSION}")

    def _decode(self, key: str, *, digest: str, text: str) -> Reply:
        if digest != content_key(key, text):
            raise self._refuse(f"has a damaged reply under key {key}")
        return decode(text)

    def _refuse(self, what: str) -> StoreError:
        return StoreError(
            f"{self.path} {what}; move it away and run the same command again (its questions are asked anew), "
            "or restore it from a backup"
        )

    @contextmanager
    def _world(self) -> Iterator[None]:
        """Turn what SQLite and the file system say into StoreError with what to do."""
        try:
            yield
        except sqlite3.OperationalError as error:
            msg = f"{self.path} cannot be used ({error}); check its permissions, the free space and who else holds it"
            raise StoreError(msg) from error
        except sqlite3.DatabaseError as error:
            raise self._refuse(f"is damaged or not a SQLite file ({error})") from error
        except OSError as error:
            msg = f"{self.path} cannot be made ({error.strerror}); name a folder that can be written"
            raise StoreError(msg) from error


def insert_format() -> str:
    """Return the statement that names format and version in a new file and does nothing in an old one."""
    return f"INSERT INTO format SELECT '{FORMAT}', {VERSION} WHERE NOT EXISTS (SELECT 1 FROM format);"


def settle(futures: list[asyncio.Future[None]], error: Exception | None) -> None:
    """Wake everybody who still waits, with the error if there is one."""
    for future in futures:
        if future.done():
            continue
        if error:
            future.set_exception(error)
        else:
            future.set_result(None)


def encode(reply: Reply) -> str:
    """Return the reply as one line of JSON; floats survive exactly."""
    return json.dumps(asdict(reply), separators=(",", ":"))


def decode(text: str) -> Reply:
    """Return the reply that ``encode`` wrote."""
    fields = json.loads(text)
    return Reply(**{**fields, "probabilities": tuple(tuple(row) for row in fields["probabilities"])})
