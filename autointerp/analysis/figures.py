"""Numbers as text: a value never stands without its interval, its counts, chance and control."""

from autointerp.analysis.estimates import Estimate
from autointerp.analysis.summary import Against, Line


def number(value: float | None, *, digits: int = 2) -> str:
    """Return the number with a sign only where it has one, or ``none``.

    >>> number(-0.001), number(0.813)
    ('0.00', '0.81')
    """
    if value is None:
        return "none"
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def count(n: float) -> str:
    """Return a whole number with thousands separated: ``12,480``."""
    return f"{n:,.0f}"


def ranged(value: float | None, low: float | None, high: float | None) -> str:
    """Return ``0.81 [0.78, 0.84]``, without brackets where there is no interval, ``none`` where there is no number.

    >>> ranged(0.813, 0.78, 0.84), ranged(0.813, None, None), ranged(None, None, None)
    ('0.81 [0.78, 0.84]', '0.81', 'none')
    """
    if value is None or low is None or high is None:
        return number(value)
    return f"{number(value)} [{number(low)}, {number(high)}]"


def with_interval(e: Estimate, *, digits: int = 2) -> str:
    """Return ``0.81 [0.78, 0.84]``; one feature has no interval and none has no number, said in words."""
    if e.value is None:
        return "unscored"
    if e.low is None:
        return f"{number(e.value, digits=digits)} [no interval: 1 feature]"
    return f"{number(e.value, digits=digits)} [{number(e.low, digits=digits)}, {number(e.high, digits=digits)}]"


def main_control(line: Line) -> Against | None:
    """Return the control a line is printed with: another feature's label, else blank, else look-up."""
    return next((a for a in line.against if a.mean.n), None)


def line_text(line: Line) -> str:
    """Return ``0.81 [0.78, 0.84] · 412/430 scored · chance 0.50 · control 0.52 · excess 0.29 [0.26, 0.32]``."""
    against = main_control(line)
    parts = [
        with_interval(line.mean),
        f"{line.mean.n}/{line.n_asked} scored",
        f"chance {number(line.chance)}",
        f"control {number(against.mean.value)}" if against else "control none",
        f"excess {with_interval(against.excess)}" if against else "excess none",
    ]
    return " · ".join(parts) + (f" ({against.control})" if against else "")
