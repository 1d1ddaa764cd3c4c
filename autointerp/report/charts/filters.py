"""Filters of the shared filter language that name the features behind a mark: terms with blanks between, all hold."""


def score_name(scorer: str, variant: str, metric: str) -> str:
    """Return the name a filter knows a measure by, in full: a scorer's alone may stand for another of its variants.

    >>> score_name("detection", "", "auroc"), score_name("simulation", "random_only", "correlation")
    ('detection.auroc', 'simulation.random_only.correlation')
    """
    return ".".join(part for part in (scorer, variant, metric) if part)


def in_bar(name: str, low: float, high: float, *, is_last: bool = False) -> str:
    """Return the filter of what a bar counts: ``low <= x < high``, of the last one ``low <= x <= high``.

    Numbers are written in full, so that the filter's are the very ones the bar was counted by.

    >>> in_bar("detection", 0.5, 0.55), in_bar("detection", 0.95, 1.0, is_last=True)
    ('detection:0.5..0.55', 'detection>=0.95 detection<=1.0')
    """
    low, high = float(low), float(high)
    return f"{name}>={low!r} {name}<={high!r}" if is_last else f"{name}:{low!r}..{high!r}"


def scored(name: str) -> str:
    """Return the filter of all features with this score: none is below -1."""
    return f"{name}>=-1.0"


def all_of(*terms: str) -> str:
    """Return the terms as one filter; empty ones are left out.

    >>> all_of("dictionary:toy/512", "", "status:dead")
    'dictionary:toy/512 status:dead'
    """
    return " ".join(term for term in terms if term)
