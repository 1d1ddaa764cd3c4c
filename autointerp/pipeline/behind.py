"""Work that others need not wait for: done in order in one thread beside, while the next shard is read."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Behind:
    """Does calls one after the other in a thread of its own; what goes wrong is raised at a later call here."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="behind")
        self._waiting: deque[Future[object]] = deque()
        self._telling = threading.Lock()

    def do(self, call: Callable[[], object]) -> None:
        """Have it done soon. Raises what one that was to be done before has raised."""
        with self._telling:
            while self._waiting and self._waiting[0].done():
                self._waiting.popleft().result()
            self._waiting.append(self._worker.submit(call))

    def wait(self) -> None:
        """Return when all is done. Raises what one of them has raised."""
        while self._waiting:
            self._waiting.popleft().result()

    def close(self) -> None:
        """Leave out what is not begun, and return when the one under way is done."""
        self._worker.shutdown(cancel_futures=True)
        self._waiting.clear()
