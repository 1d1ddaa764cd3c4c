"""The progress lines on standard error: what, n of N, rate, time left."""

import sys
import time
from dataclasses import dataclass

REDRAW_S = 0.2
LOG_S = 10.0


@dataclass
class _Line:
    stage: str
    started: float
    first: int
    drawn: float = 0.0
    last: int = 0


def describe(stage: str, done: int, total: int, unit: str, *, seconds: float, since: int) -> str:
    """Return one line; the rate is of what was done in *seconds* since *since* were done.

    >>> describe("harvest", 3000, 9000, "tokens", seconds=2.0, since=0)
    'harvest     3,000 of 9,000 tokens · 1,500/s · 4 s left'
    """
    rate = (done - since) / seconds if seconds > 0 else 0.0
    text = f"{stage:9} {done:>7,} of {total:,} {unit}"
    if not rate:
        return text
    shown = f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"
    left = "done" if done >= total else f"{_duration((total - done) / rate)} left"
    return f"{text} · {shown} · {left}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


class StageLines:
    """One line a stage, redrawn in place on a terminal, a line every ten seconds elsewhere."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._line: _Line | None = None

    def show(self, stage: str, done: int, total: int, unit: str) -> None:
        """Draw the stage's line if it is time to."""
        now = time.monotonic()
        # A count that goes back is the next chunk's: its rate begins anew.
        if self._line is None or self._line.stage != stage or done < self._line.last:
            self.close()
            # What stood from an earlier run was not done at this rate.
            self._line = _Line(stage, now, done if done < total else 0, drawn=now if self._live else now - LOG_S)
        line = self._line
        line.last = done
        if done < total and now - line.drawn < (REDRAW_S if self._live else LOG_S):
            return
        line.drawn = now
        text = describe(stage, done, total, unit, seconds=now - line.started, since=line.first)
        sys.stderr.write(f"\r\x1b[2K{text}" if self._live else f"{text}\n")
        sys.stderr.flush()

    def close(self) -> None:
        """End the line that is being redrawn."""
        if self._line is not None and self._live:
            sys.stderr.write("\n")
        self._line = None
