"""The model behind a configured name, its replies stored; a judge that is the subject shares its weights."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autointerp.core.protocols import LLM
from autointerp.llm.local import LocalLLM
from autointerp.llm.providers import make_remote
from autointerp.llm.registry import PROVIDERS, family, open_llm, pick
from autointerp.llm.replies import CachedLLM, ReplyStore
from autointerp.store.places import cache_of

if TYPE_CHECKING:
    from autointerp.pipeline.config import Config
    from autointerp.pipeline.run import Run

REMOTE = ("openai:", "anthropic:")
"""How names of models behind HTTP begin."""


def family_of(name: str) -> str:
    """Return the model family of a configured name, as far as its name tells."""
    return family(name)


def open_judge(name: str, run: "Run") -> LLM:
    """Return the model, asking only what the reply store does not hold.

    A local model that is also the subject, in the same number format, shares its weights: half a
    gigabyte and ten seconds of loading less.
    """
    config = run.config
    store = cache_of(run.home) / "replies.sqlite"
    is_subject = name == f"local:{config.subject}" and config.dtype == config.local.dtype
    if is_subject:
        subject = run.subject
        inner = LocalLLM.of(name, subject.model, subject.tokenizer, batch_tokens=config.local.batch_tokens)
        return CachedLLM(inner, ReplyStore(store))
    return open_llm(name, store_path=store, options=_options(name, run))


def check_model_names(names: Iterable[str]) -> None:
    """Raise ConfigError for a provider nobody knows; opens nothing."""
    for name in names:
        pick(PROVIDERS, name.partition(":")[0], what="provider")


def _options(name: str, run: "Run") -> dict[str, Any]:
    """Return the settings that the provider of *name* takes, under the run's ceiling."""
    options = options_of(name, run.config)
    return options | {"budget": run.budget} if name.startswith(REMOTE) else options


def options_of(name: str, config: "Config") -> dict[str, Any]:
    """Return what a configuration says of the provider of *name*."""
    provider = name.partition(":")[0]
    if provider == "local":
        return {"dtype": config.local.dtype, "batch_tokens": config.local.batch_tokens}
    sections = {"openai:": config.openai, "anthropic:": config.anthropic}
    return sections[f"{provider}:"].options if name.startswith(REMOTE) else {}


@contextmanager
def opened_unasked(name: str, config: "Config", *, home: Path) -> Iterator[LLM]:
    """Yield the model to count and price questions with: it knows what is stored, and nothing is written.

    Without a reply store there is nothing to know; none is made.
    """
    store = cache_of(home) / "replies.sqlite"
    provider, _, model = name.partition(":")
    if store.exists():
        llm = open_llm(name, store_path=store, options=options_of(name, config))
        try:
            yield llm
        finally:
            if close := getattr(llm, "close", None):  # a function keeps no store
                close()
    elif name.startswith(REMOTE):
        yield make_remote(provider, model, options_of(name, config))
    else:
        yield open_llm(name, options=options_of(name, config))
