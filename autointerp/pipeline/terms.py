"""Sections of the configuration that decide how fast and at what price models are asked, not what is found."""

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


HOW_FAST = set(HttpSection.model_fields) - {"base_url", "api"}
UNDECISIVE: Mapping[str, bool | set[str]] = {"budget": True, "openai": HOW_FAST, "anthropic": HOW_FAST}
"""Settings that decide when and at what price a run is done, not what it finds: a run may go on with others."""
