"""The model behind a configured name, with its replies stored; the subject's own weights are shared."""

from typing import TYPE_CHECKING

from autointerp.core.protocols import LLM

if TYPE_CHECKING:
    from autointerp.pipeline.run import Run


def family_of(name: str) -> str:
    """Return the model family of a configured name, as far as its name tells."""
    from autointerp.llm.registry import family

    return family(name)


def open_judge(name: str, run: "Run") -> LLM:
    """Return the model, asking only what the reply store does not hold.

    A local model that is also the subject shares its weights, when those are in float32: 0.5 GB and
    ten seconds of loading less.
    """
    from autointerp.llm.registry import open_llm

    config = run.config
    options = {
        "dtype": config.local.dtype,
        "batch_tokens": config.local.batch_tokens,
        "base_url": config.http.base_url,
        "api_key_variable": config.http.api_key_variable,
    }
    shared = None
    if name == f"local:{config.subject}" and config.dtype == config.local.dtype and "subject" in vars(run):
        shared = (run.subject.model, run.subject.tokenizer)
    return open_llm(name, store_path=run.home / "cache" / "replies.sqlite", options=options, loaded=shared)
