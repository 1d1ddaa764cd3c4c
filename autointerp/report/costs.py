"""What a run cost: its calls summed by stage and scorer, and those that may have been paid for in vain."""

from collections.abc import Hashable, Iterator, Mapping, Sequence

from autointerp.analysis.figures import count
from autointerp.llm.ledger import Spent, sum_calls
from autointerp.llm.sent import Sent
from autointerp.report.grids import Grid
from autointerp.report.tables import RunTables

HEAD = (
    "stage", "scorer", "calls", "from the\nstore", "no answer", "tokens in", "tokens out", "of them read\nfrom a cache",
    "USD",
)  # fmt: skip
BY = ("stage", "scorer")


def cost_grid(run: RunTables) -> Grid:
    """Return one row a stage and scorer and one of all; answers from the store cost nothing again."""
    rows = [_named(row) for row in run["calls"].to_dict("records")]
    parts = sorted(sum_calls(rows, by=BY).items(), key=lambda part: [str(name) for name in part[0]])
    whole = [(("all", ""), spent) for spent in sum_calls(rows).values()]
    lines = [_line([str(name) for name in names], spent) for names, spent in [*parts, *whole]]
    return Grid(HEAD, tuple(lines), 2, "No language model was asked.")


def lost_sentence(sent: Sequence[Sent], models: Sequence[str]) -> str:
    """Return how many calls to these models may have been paid for without an answer, and what at worst."""
    mine = [one for one in sent if one.model in models]
    if not mine:
        return "No call is on record that may have been paid for without its answer arriving."
    prices = [one.usd for one in mine if one.usd is not None]
    unknown = f", and {count(len(mine) - len(prices))} of unknown price" if len(prices) < len(mine) else ""
    worst = f"{count(sum(one.tokens for one in mine))} tokens, {sum(prices):.4f} USD{unknown}"
    return (
        f"{count(len(mine))} calls to these models, in all runs of this home, may have been paid for without "
        f"their answer arriving (killed or cut off under way): at worst {worst}."
    )


def models_of(run: RunTables) -> list[str]:
    """Return the names of the models the run was made with."""
    return [str(run.manifest[name]) for name in ("explainer", "judge") if run.manifest.get(name)]


def _named(row: Mapping[Hashable, object]) -> dict[str, object]:
    """Return the row with words where stage or scorer stand empty."""
    named = {str(name): cell for name, cell in row.items()}
    return named | {name: named[name] if isinstance(named[name], str) else "" for name in BY}


def _line(names: Sequence[str], spent: Spent) -> tuple[str, ...]:
    return (*(name or "none" for name in names), *_figures(spent))


def _figures(spent: Spent) -> Iterator[str]:
    for n in (spent.n_calls, spent.n_cached, spent.n_failed, spent.tokens_in, spent.tokens_out, spent.tokens_cached):
        yield count(n)
    yield money(spent)


def money(spent: Spent) -> str:
    """Return USD, or that it is unknown, wholly or of some calls.

    >>> money(Spent(n_calls=2, n_unpriced=2)), money(Spent(n_calls=2, n_unpriced=1, usd=0.5)), money(Spent())
    ('unknown', '0.5000, and 1 call unknown', '0.0000')
    """
    n_paid, unknown = spent.n_calls - spent.n_cached, spent.n_unpriced
    if unknown and unknown == n_paid:
        return "unknown"
    return f"{spent.usd:.4f}" + (f", and {count(unknown)} call{'s' * (unknown > 1)} unknown" if unknown else "")
