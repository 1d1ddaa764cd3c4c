"""What was spent, from the rows of the table ``calls``: sums a stage, scorer, feature or run."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autointerp.llm.budget import Cost

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Spent:
    """A sum over calls. Tokens, seconds and USD are those of this run: answers from the store cost nothing.

    ``usd`` sums the known prices; ``n_unpriced`` calls have none, so that a sum is never taken for
    whole when it is not.
    """

    n_calls: int = 0
    n_cached: int = 0
    n_failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    usd: float = 0.0
    n_unpriced: int = 0
    seconds: float = 0.0
    tries: int = 0

    @property
    def cost(self) -> Cost:
        """What a ``Budget`` counts as spent when the run is resumed."""
        return Cost(self.tokens_in + self.tokens_out, self.usd)

    def text(self) -> str:
        """Return one line for a person: ``120 calls (80 from the store) · 9,000 tokens · 0.0123 USD``."""
        told = (
            f"{self.n_calls:,} calls ({self.n_cached:,} from the store) · {self.tokens_in + self.tokens_out:,} tokens"
        )
        money = f"{self.usd:.4f} USD" if self.n_unpriced < self.n_calls - self.n_cached else "price unknown"
        unpriced = f" + {self.n_unpriced:,} calls of unknown price" if self.n_unpriced > 0 and "USD" in money else ""
        return f"{told} · {money}{unpriced}"


def sum_calls(rows: Iterable[Row], *, by: Sequence[str] = ()) -> dict[tuple[Hashable, ...], Spent]:
    """Return the sums of calls that agree in the columns *by*, in the order they first come.

    Sums of parts are the sum of the whole: ``by=()`` is the run, under the key ``()``.
    """
    sums: dict[tuple[Hashable, ...], Spent] = {}
    for row in rows:
        key = tuple(row.get(name) for name in by)
        sums[key] = add_call(sums.get(key, Spent()), row)
    return sums


def add_call(spent: Spent, row: Row) -> Spent:
    """Return the sum with one more call."""
    is_cached = bool(row["cached"])
    is_new = not is_cached
    usd = row.get("usd")
    is_priced = usd is not None and usd == usd  # a missing price is NaN in a frame
    return Spent(
        n_calls=spent.n_calls + 1,
        n_cached=spent.n_cached + is_cached,
        n_failed=spent.n_failed + bool(isinstance(row.get("failed"), str) and row["failed"]),
        tokens_in=spent.tokens_in + is_new * int(row["tokens_in"]),
        tokens_out=spent.tokens_out + is_new * int(row["tokens_out"]),
        tokens_cached=spent.tokens_cached + is_new * int(row["tokens_cached"]),
        usd=spent.usd + (float(usd) if is_new and is_priced and usd is not None else 0.0),
        n_unpriced=spent.n_unpriced + (is_new and not is_priced),
        seconds=spent.seconds + is_new * float(row["seconds"]),
        tries=spent.tries + is_new * int(row["tries"]),
    )
