"""The ceiling on money and tokens: what a call can cost at worst is set aside before it is sent."""

import asyncio
from collections import deque
from dataclasses import dataclass

from autointerp.core.errors import BudgetReached, ConfigError


@dataclass(frozen=True, slots=True)
class Cost:
    """Tokens in and out together, and USD, None when the price is unknown."""

    tokens: int = 0
    usd: float | None = 0.0


NOTHING = Cost()


class Budget:
    """One ceiling for all calls of this process; it cannot be overshot, however many run at once.

    A call waits while calls under way hold what it needs, and is refused when nothing that may come
    back would make room for it.

    Args:
        usd: At most so much money, None for any.
        tokens: At most so many tokens, in and out, None for any.
        spent: What earlier attempts of the same run already cost (from its ledger).
    """

    def __init__(self, *, usd: float | None = None, tokens: int | None = None, spent: Cost = NOTHING) -> None:
        self._usd = usd
        self._tokens = tokens
        self.spent = spent
        self._reserved_usd = 0.0
        self._reserved_tokens = 0
        self._n_reserved = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def check(self, worst: Cost, *, name: str) -> None:
        """Raise ConfigError when the ceiling is in USD and the price unknown: it could not be kept."""
        if self._usd is not None and worst.usd is None:
            msg = (
                f"the price of {name} is unknown, so a ceiling in USD cannot be kept; "
                "add it to a price table, or set a ceiling in tokens"
            )
            raise ConfigError(msg)

    def grant(self, *, usd: float | None, tokens: int | None, spent: Cost) -> None:
        """Let so much be spent beyond *spent*, None for any; what was left of the ceiling before lapses.

        A worker is given its share of a run's ceiling this way, while nothing is under way.
        """
        self.spent = spent
        self._usd = None if usd is None else (spent.usd or 0.0) + usd
        self._tokens = None if tokens is None else spent.tokens + tokens

    async def reserve(self, worst: Cost, *, name: str) -> "Reservation":
        """Return once the worst is set aside.

        Raises:
            BudgetReached: It does not fit any more.
            ConfigError: The ceiling is in USD and the price is unknown.
        """
        self.check(worst, name=name)
        while not self._fits(worst):
            if not self._n_reserved:
                raise BudgetReached(self._told(worst))
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._n_reserved += 1
        self._reserved_usd += worst.usd or 0.0
        self._reserved_tokens += worst.tokens
        return Reservation(self, worst)

    def settle(self, worst: Cost, actual: Cost) -> None:
        """Count what was spent in place of what was set aside, and let the others look again."""
        self._n_reserved -= 1
        # Sums of floats drift; with nothing under way nothing is set aside.
        self._reserved_usd = self._reserved_usd - (worst.usd or 0.0) if self._n_reserved else 0.0
        self._reserved_tokens -= worst.tokens
        usd = worst.usd if actual.usd is None else actual.usd
        self.spent = Cost(self.spent.tokens + actual.tokens, (self.spent.usd or 0.0) + (usd or 0.0))
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)

    def _fits(self, worst: Cost) -> bool:
        usd = (self.spent.usd or 0.0) + self._reserved_usd + (worst.usd or 0.0)
        tokens = self.spent.tokens + self._reserved_tokens + worst.tokens
        return (self._usd is None or usd <= self._usd) and (self._tokens is None or tokens <= self._tokens)

    def _told(self, worst: Cost) -> str:
        ceiling = f"{self._usd:.2f} USD" if self._usd is not None else f"{self._tokens:,} tokens"
        spent = f"{self.spent.usd or 0.0:.4f} USD, {self.spent.tokens:,} tokens"
        needed = f"{worst.tokens:,} tokens" + (f", {worst.usd:.4f} USD" if worst.usd is not None else "")
        return (
            f"the ceiling of {ceiling} is reached: {spent} spent, and the next call may take {needed}; "
            "raise it and run the same command again, nothing is lost"
        )


@dataclass(slots=True)
class Reservation:
    """What is set aside for one try of a call; settled exactly once, the first settlement counts."""

    budget: Budget
    worst: Cost
    is_settled: bool = False

    def settle(self, actual: Cost) -> None:
        if not self.is_settled:
            self.is_settled = True
            self.budget.settle(self.worst, actual)

    def release(self) -> None:
        """Nothing was billed."""
        self.settle(NOTHING)

    def keep(self) -> None:
        """It may have been billed in full."""
        self.settle(self.worst)
