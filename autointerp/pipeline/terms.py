"""Sections of the configuration that decide how fast, where and at what price work is done, not what is found."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Section(BaseModel):
    """A table of the file: unknown keys are errors, values cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HttpSection(Section):
    """How a provider behind HTTP is asked; what is left out is the provider's own default.

    The key stands in the environment variable named here. ``timeout_s``: for one try. ``at_most``: calls at
    once. ``prices``: files with prices of your own, beside this machine's folder. ``batch``: through the
    provider's batch API: half the price, hours instead of minutes.
    """

    base_url: str = ""
    api_key_variable: str = ""
    timeout_s: float | None = Field(default=None, gt=0)
    api: Literal["chat", "responses"] | None = None
    at_most: int = Field(default=64, ge=1)
    requests_a_minute: float | None = Field(default=None, gt=0)
    tokens_a_minute: float | None = Field(default=None, gt=0)
    prices: tuple[str, ...] = ()
    batch: bool = False

    @field_validator("base_url")
    @classmethod
    def _holds_no_secret(cls, url: str) -> str:
        if "@" in url or "?" in url:
            msg = "an address is kept with the run, so no user, password or query may be in it; use api_key_variable"
            raise ValueError(msg)
        return url

    def shared_among(self, n: int) -> "HttpSection":
        """Return what each of *n* workers may do, so that all of them together keep to these limits."""
        rates = {"requests_a_minute": self.requests_a_minute, "tokens_a_minute": self.tokens_a_minute}
        mine = {name: rate / n if rate else None for name, rate in rates.items()}
        return self.model_copy(update={"at_most": max(1, self.at_most // n), **mine})

    @property
    def options(self) -> dict[str, Any]:
        """The settings by the names ``llm`` has for them; None where nothing is set."""
        return {
            "base_url": self.base_url or None,
            "key_variable": self.api_key_variable or None,
            "timeout_s": self.timeout_s,
            "api": self.api,
            "at_most": self.at_most,
            "requests_a_minute": self.requests_a_minute,
            "tokens_a_minute": self.tokens_a_minute,
            "prices": self.prices,
            "batch": self.batch,
        }


class BudgetSection(Section):
    """The ceiling of a run, over all of its attempts: money, tokens in and out, or both; none where left out."""

    usd: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    tokens: int | None = Field(default=None, ge=0)


class EngineSection(Section):
    """Who does the chunks: this process, one after the other, or workers that each open the run for themselves.

    ``n_workers``: kept busy at a time. ``address``: of a Ray or Dask cluster that is there already, or, of a
    Prefect work pool, the deployment that does chunks. ``threads_a_worker``: of torch; 0 leaves what the
    worker's process has. ``chunks_at_once``: handed over together, for one loading of the models.
    """

    kind: Literal["serial", "threads", "ray", "dask", "pool"] = "serial"
    n_workers: int = Field(default=2, ge=1)
    address: str = ""
    threads_a_worker: int = Field(default=0, ge=0)
    chunks_at_once: int = Field(default=1, ge=1)


class AnchorsSection(Section):
    """How many known-truth questions the judge is asked in every evaluation, half of them true; 0: none.

    They cost as many short questions, are asked afresh, and are what tells a judge that drifts from labels that do.
    """

    n_items: int = Field(default=0, ge=0, le=400, multiple_of=2)


class RepeatsSection(Section):
    """Which share of the judge's questions is asked a second time: how many verdicts turn by themselves. 0: none."""

    share: float = Field(default=0.0, ge=0, le=1)


HOW_FAST = set(HttpSection.model_fields) - {"base_url", "api"}
UNDECISIVE: Mapping[str, bool | set[str]] = {
    "budget": True,
    "engine": True,
    "anchors": True,
    "repeats": True,
    "gate": True,
    "openai": HOW_FAST,
    "anthropic": HOW_FAST,
}
"""Settings that decide when and at what price a run is done, not what it finds: a run may go on with others."""
