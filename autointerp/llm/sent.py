"""Which calls are under way, on disk: after a kill, those are the ones that may have been paid for in vain."""

import fcntl
import json
import os
import threading
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from autointerp.core.errors import StoreError
from autointerp.llm.budget import Cost

RECORD = 512
BLANK = b" " * (RECORD - 1) + b"\n"
PERHAPS = "possibly_paid.jsonl"


@dataclass(frozen=True, slots=True)
class Sent:
    """One try of a call whose answer never arrived. ``usd`` at worst, None when the price is unknown."""

    question: str
    model: str
    tokens: int
    usd: float | None
    why: str


class SentLog:
    """One file a process in *folder*, one fixed record a call under way, overwritten when it ends.

    Nothing is flushed: a record must outlive this process, not the machine, and costs 5 microseconds.
    The file is locked while its process lives; records in a file that nobody locks are moved to
    ``possibly_paid.jsonl`` by the next one who opens the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._free: list[int] = []
        self._n_slots = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._path = folder / f"sent-{uuid.uuid4().hex}"
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            collect_orphans(folder, mine=self._path)
        except OSError as error:
            msg = f"{folder} cannot be written ({error.strerror}); name a folder that can"
            raise StoreError(msg) from error

    def begin(self, question: str, model: str, worst: Cost) -> int:
        """Note a call before it is sent; return its slot."""
        with self._lock:
            slot = self._free.pop() if self._free else self._n_slots
            self._n_slots = max(self._n_slots, slot + 1)
        sent = Sent(question, model[:100], worst.tokens, worst.usd, "killed while it was under way")
        os.pwrite(self._file, _line(sent).ljust(RECORD - 1) + b"\n", slot * RECORD)
        return slot

    def end(self, slot: int) -> None:
        """Note that how the call ended is known."""
        os.pwrite(self._file, BLANK, slot * RECORD)
        with self._lock:
            self._free.append(slot)

    def lose(self, question: str, model: str, worst: Cost, why: str) -> None:
        """Keep a call whose answer will never be known: timed out, or cut off half-way."""
        _append(self.folder, [Sent(question, model[:100], worst.tokens, worst.usd, why)])

    def close(self) -> None:
        """Remove the file if nothing is under way."""
        is_empty = not os.pread(self._file, self._n_slots * RECORD, 0).strip()
        os.close(self._file)
        if is_empty:
            self._path.unlink(missing_ok=True)


def possibly_paid(folder: Path) -> list[Sent]:
    """Return every try that may have been paid for without its answer arriving, in all runs so far."""
    path = folder / PERHAPS
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [Sent(**json.loads(line)) for line in lines if line.endswith("}")]


def collect_orphans(folder: Path, *, mine: Path) -> None:
    """Move the records of processes that are gone to ``possibly_paid.jsonl``."""
    for path in folder.glob("sent-*"):
        if path == mine:
            continue
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue  # its process lives
        else:
            if path.exists():
                _append(folder, _records(file))
                path.unlink()
        finally:
            os.close(file)


def _records(file: int) -> list[Sent]:
    content = os.pread(file, os.fstat(file).st_size, 0)
    lines = (line.strip(b" \0") for line in content.splitlines())
    return [Sent(**json.loads(line)) for line in lines if line.endswith(b"}")]


def _append(folder: Path, sent: Iterable[Sent]) -> None:
    content = b"".join(_line(one) + b"\n" for one in sent)
    if content:
        with (folder / PERHAPS).open("ab", buffering=0) as file:
            file.write(content)  # one write to a file opened for appending: others do not get between


def _line(sent: Sent) -> bytes:
    return json.dumps(asdict(sent), separators=(",", ":")).encode()
