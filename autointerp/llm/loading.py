"""Tokenizer and weights of a local model, read once."""

from dataclasses import dataclass
from typing import Any

from autointerp.checkpoints import load_checkpoint
from autointerp.core.errors import ConfigError, EnvironmentProblem
from autointerp.llm.forward import Runner


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to answer. ``context``: tokens it can hold, or None when it does not say."""

    tokenizer: Any
    runner: Runner
    ends: frozenset[int]
    context: int | None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model comes from and how it is held; see LocalLLM."""

    model: str
    gguf_file: str | None
    dtype: str
    device: str


def load(source: Source) -> Loaded:
    """Return the model, some 20 seconds for a GGUF of 135M parameters.

    Raises:
        ConfigError: There is no such model, or this is not one.
        EnvironmentProblem: A package that this kind of file needs is missing, or the device.
    """
    try:
        tokenizer, model = read_files(source)
    except ImportError as error:
        msg = f"{source.model} cannot be loaded: {error}; install the packages of requirements.lock"
        raise EnvironmentProblem(msg) from error
    except (OSError, ValueError) as error:
        msg = f"{source.model} is no causal model that transformers can load ({error}); name a folder or a hub model"
        raise ConfigError(msg) from error
    return wrap(model, tokenizer)


def wrap(model: Any, tokenizer: Any) -> Loaded:
    """Return a model that is in memory already, ready to answer."""
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return Loaded(tokenizer, Runner(model.eval()), find_ends(model, tokenizer), context)


def read_files(source: Source) -> tuple[Any, Any]:
    """Return tokenizer and model on their device. Raises what transformers raises, and EnvironmentProblem."""
    device = pick_device(source.device)
    return load_checkpoint(source.model, source.gguf_file, dtype=pick_dtype(source.dtype, device), device=device)


def pick_device(name: str) -> str:
    """Return the device; ``auto`` is the GPU if there is one."""
    import torch

    return name if name != "auto" else "cuda" if torch.cuda.is_available() else "cpu"


def pick_dtype(name: str, device: str) -> Any:
    """Return the torch type; ``auto`` is bfloat16 on a GPU, else float32. Raises ConfigError for an unknown name."""
    import torch

    chosen = name if name != "auto" else "float32" if device == "cpu" else "bfloat16"
    dtype = getattr(torch, chosen, None)
    if not isinstance(dtype, torch.dtype):
        msg = f"dtype {name!r} is unknown; use auto, float32, bfloat16 or float16"
        raise ConfigError(msg)
    return dtype


def find_ends(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return every token that ends an answer, by the tokenizer, the generation settings and ChatML."""
    settings = getattr(model.generation_config, "eos_token_id", None)
    listed = settings if isinstance(settings, list) else [settings]
    chatml = tokenizer.get_vocab().get("<|im_end|>")
    return frozenset(end for end in (tokenizer.eos_token_id, chatml, *listed) if end is not None)
