"""Batches handed to a provider, on disk before and after: none is forgotten, none is handed in twice."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autointerp.core.errors import StoreError

TABLES = """
CREATE TABLE IF NOT EXISTS batches (
    intent TEXT PRIMARY KEY, judge TEXT NOT NULL, id TEXT, n INTEGER NOT NULL, made REAL NOT NULL,
    ended INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS items (judge TEXT NOT NULL, item TEXT NOT NULL, intent TEXT NOT NULL, result TEXT,
    PRIMARY KEY (judge, item)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS items_of ON items (intent);
"""
BUSY_S = 30.0


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch. ``intent`` is our name for it, ``id`` the provider's, None when we never heard it."""

    intent: str
    id: str | None
    n: int
    made: float


class BatchStore:
    """One SQLite file for all batches of all judges; every method returns when its change is on the disk.

    An item (a question's key) belongs to one batch at a time: the last one it was handed in with.

    Raises:
        StoreError: The file is damaged or cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        with self._world():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(TABLES)

    def intend(self, judge: str, intent: str, items: Sequence[str]) -> None:
        """Note that these items are about to be handed in together."""
        with self._change() as connection:
            row = (intent, judge, None, len(items), time.time(), 0)
            connection.execute("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?)", row)
            rows = [(judge, item, intent) for item in items]
            connection.executemany("INSERT OR REPLACE INTO items VALUES (?, ?, ?, NULL)", rows)

    def name(self, intent: str, batch_id: str) -> None:
        """Keep the provider's name of the batch."""
        with self._change() as connection:
            connection.execute("UPDATE batches SET id = ? WHERE intent = ?", (batch_id, intent))

    def abandon(self, intent: str) -> None:
        """Forget a batch that the provider never took, or will not finish: its unanswered items are free again."""
        with self._change() as connection:
            connection.execute("DELETE FROM items WHERE intent = ? AND result IS NULL", (intent,))
            connection.execute("UPDATE batches SET ended = 1 WHERE intent = ?", (intent,))

    def finish(self, intent: str, results: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Keep the results of a batch, all or none; items without a result are free again."""
        with self._change() as connection:
            rows = ((json.dumps(result), item, intent) for item, result in results)
            connection.executemany("UPDATE items SET result = ? WHERE item = ? AND intent = ?", rows)
            connection.execute("DELETE FROM items WHERE intent = ? AND result IS NULL", (intent,))
            connection.execute("UPDATE batches SET ended = 1 WHERE intent = ?", (intent,))

    def free(self, judge: str, item: str) -> None:
        """Forget an item and its result: it will be handed in again."""
        with self._change() as connection:
            connection.execute("DELETE FROM items WHERE judge = ? AND item = ?", (judge, item))

    def running(self, judge: str) -> list[Batch]:
        """Return the batches that have not ended, the oldest first."""
        with self._world(), self._lock:
            rows = self._connection.execute(
                "SELECT intent, id, n, made FROM batches WHERE judge = ? AND NOT ended ORDER BY made", (judge,)
            ).fetchall()
        return [Batch(*row) for row in rows]

    def find(self, judge: str, item: str) -> tuple[bool, Mapping[str, Any] | None]:
        """Return whether the item is in a batch, and its result if it has one."""
        with self._world(), self._lock:
            row = self._connection.execute(
                "SELECT result FROM items WHERE judge = ? AND item = ?", (judge, item)
            ).fetchone()
        if row is None:
            return False, None
        return True, None if row[0] is None else json.loads(row[0])

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._world(), self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _world(self) -> Iterator[None]:
        """Turn what SQLite and the file system say into StoreError with what to do."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            msg = f"{self.path} cannot be used ({error}); check its permissions, the free space and who else holds it"
            raise StoreError(msg) from error
        except OSError as error:
            msg = f"{self.path} cannot be made ({error.strerror}); name a folder that can be written"
            raise StoreError(msg) from error
