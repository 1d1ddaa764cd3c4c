"""What a provider bills, from a dated table that the user can override; an unknown price is None, never 0."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from autointerp.core.errors import ConfigError, EnvironmentProblem
from autointerp.llm.wire import Usage

PER = 1e6
FIELDS = ("input", "output", "cached", "written", "batch", "up_to_tokens")


@dataclass(frozen=True, slots=True)
class Price:
    """USD for a million tokens: prompt, answer, prompt read from and written to the provider's cache.

    ``batch`` is the factor of its batch API; above ``up_to_tokens`` of prompt the price is unknown.
    """

    input: float
    output: float
    cached: float
    written: float
    batch: float = 1.0
    up_to_tokens: int | None = None

    def of(self, usage: Usage, *, is_batch: bool = False) -> float | None:
        """Return USD for what was used; None where this price does not hold."""
        if self.up_to_tokens is not None and usage.tokens_in > self.up_to_tokens:
            return None
        plain = max(0, usage.tokens_in - usage.tokens_cached - usage.tokens_written)
        total = (
            plain * self.input
            + usage.tokens_cached * self.cached
            + usage.tokens_written * self.written
            + usage.tokens_out * self.output
        )
        return total * (self.batch if is_batch else 1.0) / PER

    def at_most(self, *, tokens_in: int, tokens_out: int, is_batch: bool = False) -> float:
        """Return USD that such a call cannot exceed: all of its prompt at the dearest rate."""
        dearest = max(self.input, self.written, self.cached)
        return (tokens_in * dearest + tokens_out * self.output) * (self.batch if is_batch else 1.0) / PER


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices by provider and model. ``date``: when they were looked up; the newest table's."""

    date: str
    prices: Mapping[tuple[str, str], Price]

    def find(self, provider: str, model: str) -> Price | None:
        """Return the price of a model, also under a name with its release date; None when unknown.

        Args:
            provider: ``anthropic``, ``openai``, or the base URL of another server.
            model: As requested.
        """
        undated = re.sub(r"-(\d{8}|\d{4}-\d{2}-\d{2})$", "", model)
        return self.prices.get((provider, model)) or self.prices.get((provider, undated))


def read_prices(paths: Sequence[Path] = ()) -> PriceTable:
    """Return the shipped table, its prices replaced by those of *paths*, the last one winning.

    Raises:
        ConfigError: A file cannot be read, or a price is not one.
    """
    tables = [_read(path) for path in (shipped_prices(), *paths)]
    return PriceTable(
        date=max(date for date, _ in tables), prices={key: p for _, prices in tables for key, p in prices.items()}
    )


def shipped_prices() -> Path:
    """Return the table that comes with the package: inside the wheel, or of the checkout."""
    package = Path(str(resources.files("autointerp")))
    for path in (package / "_shipped" / "prices.toml", package.parent / "data" / "prices.toml"):
        if path.is_file():
            return path
    msg = "the price table that comes with autointerp is missing; install it again"
    raise EnvironmentProblem(msg)


def _read(path: Path) -> tuple[str, dict[tuple[str, str], Price]]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f'price table {path}: {error}; write [provider."model"] with input and output in USD a million tokens'
        raise ConfigError(msg) from error
    date = str(content.pop("date", ""))
    content.pop("source", None)
    return date, {
        (provider, model): _price(fields, where=f'{path}: [{provider}."{model}"]')
        for provider, models in content.items()
        for model, fields in _mapping(models, f"{path}: [{provider}]").items()
    }


def _price(fields: Any, *, where: str) -> Price:
    """Return the price; what the cache costs is the plain input price where it is not said."""
    values = _mapping(fields, where)
    wrong = [name for name, value in values.items() if name not in FIELDS or not _is_amount(value)]
    missing = [name for name in ("input", "output") if name not in values]
    if wrong or missing:
        told = ", ".join([*(f"{name} is no price" for name in wrong), *(f"{name} is missing" for name in missing)])
        msg = f"{where}: {told}; known: {', '.join(FIELDS)}, numbers >= 0"
        raise ConfigError(msg)
    limit = values.get("up_to_tokens")
    return Price(
        input=float(values["input"]),
        output=float(values["output"]),
        cached=float(values.get("cached", values["input"])),
        written=float(values.get("written", values["input"])),
        batch=float(values.get("batch", 1.0)),
        up_to_tokens=None if limit is None else int(limit),
    )


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        msg = f'{where}: write a table [provider."model"] with input and output'
        raise ConfigError(msg)
    return value


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
