"""The command line: reads options, calls one function, prints. stdout is the answer, stderr the progress."""

import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from autointerp.cli import doing, flowing, looking, reviewing, serving, watching
from autointerp.cli.app import app
from autointerp.core.errors import AutointerpError
from autointerp.machine import prepare

__all__ = ["app", "doing", "flowing", "looking", "main", "reviewing", "serving", "watching"]

INTERRUPTED, TERMINATED = 130, 143


def main() -> None:
    """Run the command line; errors of the world are one sentence and an exit code, bugs a traceback."""
    prepare()
    try:
        with _sigterm_ends():
            app()
    except AutointerpError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(error.exit_code) from None
    except SystemExit as stop:
        # Typer turns Ctrl-C into its code without a word.
        if stop.code in {INTERRUPTED, TERMINATED}:
            print(_how_to_go_on(), file=sys.stderr, flush=True)  # noqa: T201
        raise


@contextmanager
def _sigterm_ends() -> Iterator[None]:
    """Let SIGTERM unwind the program as Ctrl-C does, so that files are closed and progress lines ended."""
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(number: int, _frame: FrameType | None) -> None:
    # Once is enough: a second one while the first unwinds would cut that short.
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(TERMINATED)


def _how_to_go_on() -> str:
    command = shlex.join(["autointerp", *sys.argv[1:]])
    return f"\ninterrupted; what was finished is kept. Go on with the same command: {command}"
