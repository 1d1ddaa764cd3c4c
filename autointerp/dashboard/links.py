"""Addresses of pages: everything a page shows is in its address."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode


def query(path: str, **names: object) -> str:
    """Return an address with what stands after the question mark; empty values are left out."""
    left = {name: value for name, value in names.items() if value not in ("", None)}
    return f"{path}?{urlencode(left, quote_via=quote)}" if left else path


def features(expression: str, *, sort: str = "", after: str = "") -> str:
    """Return the explorer's address for an expression of the filter language."""
    return query("/features", q=" ".join(filter(None, [expression, sort])), after=after)


def feature(dictionary: str, index: int, run: str = "", *, embed: str = "") -> str:
    return query(f"/f/{quote(dictionary)}/{index}", run=run, embed=embed)


def run(name: str) -> str:
    return f"/runs/{quote(name, safe='')}"


def dictionary(name: str, run_name: str = "") -> str:
    return query(f"/dictionaries/{quote(name)}", run=run_name)


def ladder(family: str, run_name: str = "") -> str:
    return query(f"/ladders/{quote(family)}", run=run_name)


def score(run_name: str, row: Mapping[str, object]) -> str:
    """Return the address of the evidence for a score, whose row names it."""
    path = f"/scores/{quote(run_name, safe='')}/{quote(str(row['dictionary']))}/{row['feature']}/{row['explanation']}"
    names = {"variant": row["variant"], "judge": row["judge"]}
    return query(f"{path}/{quote(str(row['scorer']), safe='')}", **names)


def asked(run_name: str, question: str) -> str:
    return f"/asked/{quote(run_name, safe='')}/{quote(question, safe='')}"


def scorer(name: str) -> str:
    return f"/docs/scorers/{quote(name, safe='')}"


def term(name: str, value: str) -> str:
    """Return ``name:value``, quoted where it has to be."""
    from autointerp.dashboard.filters import Term

    return str(Term(name, ":", value))
