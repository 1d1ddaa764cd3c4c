"""A measured figure and the bar it is held against."""

import json
import operator
from collections.abc import Sequence
from dataclasses import dataclass

COMPARE = {"at least": operator.ge, "at most": operator.le}


@dataclass(frozen=True)
class Figure:
    """One number by name; without a bar it is reported only."""

    name: str
    value: float
    sense: str = ""
    bar: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the figure reaches its bar; a figure that is no number reaches none."""
        return self.bar is None or bool(COMPARE[self.sense](self.value, self.bar))

    def __str__(self) -> str:
        bar = f"  ({self.sense} {self.bar:g}{'' if self.is_met else ': FALLS SHORT'})" if self.sense else ""
        return f"{self.name} = {self.value:.4g}{bar}"


def at_least(name: str, value: float, bar: float) -> Figure:
    return Figure(name, float(value), "at least", bar)


def at_most(name: str, value: float, bar: float) -> Figure:
    return Figure(name, float(value), "at most", bar)


def report(name: str, value: float) -> Figure:
    return Figure(name, float(value))


def conclude(figures: Sequence[Figure], *, as_json: bool) -> int:
    """Say which figures fall short, as JSON too where that is asked for; return 1 when one does."""
    short = [figure.name for figure in figures if not figure.is_met]
    print(f"{len(short)} of {sum(f.bar is not None for f in figures)} figures fall short of their bars: {short or '-'}")
    if as_json:
        print(json.dumps({figure.name: figure.value for figure in figures} | {"falls_short": short}))
    return 1 if short else 0
