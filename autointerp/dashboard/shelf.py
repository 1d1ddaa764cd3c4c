"""The newest snapshot, held for as long as a request lasts; a newer one takes its place between two requests."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from autointerp.core.errors import StoreError
from autointerp.dashboard.compiling import Names
from autointerp.store.snapshot import current_snapshot, open_snapshot
from autointerp.store.snapshot_rows import MeasureColumn

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Row = dict[str, Any]
T = TypeVar("T")
MOST_KEPT = 256
"""Counts and comparisons a snapshot remembers; it never changes, so they stay true as long as it stands."""


class Snapshot:
    """An open snapshot; ``readers`` counts the requests that hold it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = open_snapshot(path)
        self.readers = 0
        self._kept: dict[object, Any] = {}
        self._keeping = threading.Lock()

    @property
    def key(self) -> str:
        """The key of the runs and parts it was made from."""
        return self.path.stem

    @cached_property
    def measures(self) -> tuple[MeasureColumn, ...]:
        """The measures that are columns, headlines first."""
        with self.connection.cursor() as cursor:
            rows = cursor.execute(
                "SELECT col, scorer, variant, metric, name, short, is_headline FROM measures"
            ).fetchall()
        return tuple(MeasureColumn(*row) for row in rows)

    @cached_property
    def names(self) -> Names:
        """What filters may name."""
        return Names.of(self.measures)

    def once(self, key: object, make: Callable[[], T]) -> T:
        """Return what was made under this key, made the first time it is asked for."""
        with self._keeping:
            if key in self._kept:
                found: T = self._kept[key]
                return found
        made = make()
        with self._keeping:
            if len(self._kept) >= MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = made
        return made

    def close(self) -> None:
        self.connection.close()


@dataclass
class Reader:
    """What one request reads with: one snapshot from its first query to its last. ``n_queries`` counts them.

    ``home``: where what no snapshot holds stands, firings and baselines.
    """

    snapshot: Snapshot
    cursor: "DuckDBPyConnection"
    home: Path
    n_queries: int = field(default=0)

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a query; values stand for its question marks."""
        self.n_queries += 1
        found = self.cursor.execute(sql, list(values))
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def frame(self, sql: str, values: Sequence[object] = ()) -> Any:
        """Return the rows of a query as a frame."""
        self.n_queries += 1
        return self.cursor.execute(sql, list(values)).df()

    def one(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        """Return the first row of a query, or None."""
        return next(iter(self.rows(sql, values)), None)


class Shelf:
    """The snapshots of a home that are in use: the newest, and older ones until their last request ends."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._changing = threading.Lock()
        self._newest: Snapshot | None = None

    @contextmanager
    def lease(self) -> Iterator[Reader]:
        """Yield a reader of the newest snapshot. Raises StoreError before there is one."""
        snapshot = self._take()
        try:
            with snapshot.connection.cursor() as cursor:
                yield Reader(snapshot, cursor, self.home)
        finally:
            self._give_back(snapshot)

    def _take(self) -> Snapshot:
        with self._changing:
            path = current_snapshot(self.home)
            if path is not None and (self._newest is None or self._newest.path != path):
                self._renew(path)
            if self._newest is None:
                msg = f"{self.home} has no snapshot yet: it is being made; look again in a moment"
                raise StoreError(msg)
            self._newest.readers += 1
            return self._newest

    def _renew(self, path: Path) -> None:
        before = self._newest
        try:
            self._newest = Snapshot(path)
        except StoreError:
            # A newer one may have taken its place and its file with it: the next request finds that one.
            if before is None:
                raise
            return
        if before is not None and before.readers == 0:
            _retire(before)

    def _give_back(self, snapshot: Snapshot) -> None:
        with self._changing:
            snapshot.readers -= 1
            if snapshot is not self._newest and snapshot.readers == 0:
                _retire(snapshot)

    def close(self) -> None:
        """Close the newest; requests that still run keep theirs."""
        with self._changing:
            newest, self._newest = self._newest, None
            if newest is not None and newest.readers == 0:
                newest.close()


def _retire(snapshot: Snapshot) -> None:
    """Close an older snapshot and remove its file."""
    snapshot.close()
    with contextlib.suppress(OSError):
        snapshot.path.unlink()
