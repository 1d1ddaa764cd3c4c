"""The model behind a configured name, its replies stored; a judge that is the subject shares its weights."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from autointerp.core.protocols import LLM
from autointerp.llm.local import LocalLLM
from autointerp.llm.registry import PROVIDERS, family, open_llm, pick
from autointerp.llm.replies import CachedLLM, ReplyStore

if TYPE_CHECKING:
    from autointerp.pipeline.run import Run


def family_of(name: str) -> str:
    """Return the model family of a configured name, as far as its name tells."""
    return family(name)


def open_judge(name: str, run: "Run") -> LLM:
    """Return the model, asking only what the reply store does not hold.

    A local model that is also the subject, in the same number format, shares its weights: half a
    gigabyte and ten seconds of loading less.
    """
    config = run.config
    store = run.home / "cache" / "replies.sqlite"
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
    """Return the settings that the provider of *name* takes."""
    local, http = run.config.local, run.config.http
    provider = name.partition(":")[0]
    if provider == "local":
        return {"dtype": local.dtype, "batch_tokens": local.batch_tokens}
    if provider == "openai":
        given = {"base_url": http.base_url} if http.base_url else {}
        return given | {"key_variable": http.api_key_variable}
    return {}
