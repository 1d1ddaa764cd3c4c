"""From the name of a language model in the configuration to one that answers."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from autointerp.core.errors import ConfigError
from autointerp.core.protocols import LLM
from autointerp.llm.loading import find_demo_judge
from autointerp.llm.local import LocalLLM
from autointerp.llm.providers import HTTP_OPTIONS, open_remote
from autointerp.llm.replies import CachedLLM, ReplyStore
from autointerp.llm.scripted import constant_llm

DEMO = "smollm2-135m-instruct"
FAMILIES = ("smollm3", "smollm2", "smollm", "claude", "llama", "qwen", "gemma", "mixtral", "mistral", "gpt", "phi")

Options = Mapping[str, Any]
LoadedModel = tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Opening:
    """What an opener is given beside the model's name. ``folder``: where replies are kept, None for nowhere."""

    options: Options
    loaded: LoadedModel | None = None
    folder: Path | None = None


Opener = Callable[[str, Opening], tuple[LLM, str]]

LOCAL_OPTIONS = ("dtype", "batch_tokens", "device")


def open_llm(
    spec: str,
    *,
    store_path: Path | None = None,
    options: Options | None = None,
    loaded: LoadedModel | None = None,
) -> LLM:
    """Return the language model that ``provider:model`` names; loads nothing and asks nobody.

    Args:
        spec: ``local:...``, ``anthropic:...``, ``openai:...`` or ``constant:0.5``.
        store_path: Where replies are kept; None, and a judge that costs nothing, keep none. In its folder
            stand what is known of servers, batches under way and calls possibly paid for in vain.
        options: LOCAL_OPTIONS and HTTP_OPTIONS by name; each provider takes its own, None is the default.
        loaded: (model, tokenizer) already in memory, used instead of the files of a local model.

    Raises:
        ConfigError: An unknown provider, option or model.
        EnvironmentProblem: The demo judge is not installed.
        StoreError: The file at ``store_path`` cannot be used.
    """
    provider, _, model = spec.partition(":")
    opener: Opener = pick(PROVIDERS, provider, what="provider")
    if not model:
        msg = f"{spec!r} names no model; write provider:model, for example local:{DEMO}"
        raise ConfigError(msg)
    folder = store_path.parent if store_path else None
    llm, server = opener(model, Opening(read_options(options or {}), loaded, folder))
    if store_path is None or provider == "constant":
        return llm
    return CachedLLM(llm, ReplyStore(store_path), provider=server)


def open_local(model: str, opening: Opening) -> tuple[LLM, str]:
    """Open ``smollm2-135m-instruct``, a folder, a .gguf file, a hub model, or what is loaded already."""
    name, options = f"local:{model}", opening.options
    if opening.loaded:
        return LocalLLM.of(name, *opening.loaded, **choose_options(options, ("batch_tokens",))), ""
    folder, gguf_file = find_files(model)
    return LocalLLM(name, folder, gguf_file, **choose_options(options, LOCAL_OPTIONS)), ""


def find_files(model: str) -> tuple[str | Path, str | None]:
    """Return folder (or hub name) and GGUF file. Raises ConfigError for a path that does not exist."""
    if model == DEMO:
        return find_demo_judge()
    path = Path(model).expanduser()
    if model.startswith(("/", ".", "~")) and not path.exists():
        msg = f"{path} does not exist; name a folder, a .gguf file, a hub model or {DEMO}"
        raise ConfigError(msg)
    if path.suffix == ".gguf":
        return path.parent, path.name
    return (path, None) if path.exists() else (model, None)


def open_openai(model: str, opening: Opening) -> tuple[LLM, str]:
    """Open a model behind an OpenAI-compatible server; its address is part of what a reply is stored under."""
    return open_remote("openai", model, choose_options(opening.options, HTTP_OPTIONS), folder=opening.folder)


def open_anthropic(model: str, opening: Opening) -> tuple[LLM, str]:
    """Open a model behind Anthropic's Messages."""
    return open_remote("anthropic", model, choose_options(opening.options, HTTP_OPTIONS), folder=opening.folder)


def open_constant(model: str, _opening: Opening) -> tuple[LLM, str]:
    """Open the judge that gives every question the same answer."""
    try:
        share = float(model)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        msg = f"constant:{model} needs a probability between 0 and 1, for example constant:0.5"
        raise ConfigError(msg)
    return constant_llm(share), ""


PROVIDERS: Mapping[str, Opener] = {
    "local": open_local,
    "anthropic": open_anthropic,
    "openai": open_openai,
    "constant": open_constant,
}


def read_options(options: Options) -> Options:
    """Return the options that are set. Raises ConfigError for a name nobody knows."""
    known = dict.fromkeys((*LOCAL_OPTIONS, *HTTP_OPTIONS))
    for name in options:
        pick(known, name, what="option")
    return {name: value for name, value in options.items() if value is not None}


def choose_options(options: Options, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the options of these names."""
    return {name: value for name, value in options.items() if name in names}


def pick(known: Mapping[str, Any], name: str, *, what: str) -> Any:
    """Return the entry, or raise ConfigError with the nearest name."""
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
    msg = f"unknown {what} {name!r}; {hint}"
    raise ConfigError(msg)


def family(name: str) -> str:
    """Return the model family a name points to, to flag a judge of the explainer's own family.

    A best effort: names say what their givers like.

    >>> family("local:smollm2-135m-instruct"), family("openai:meta-llama/Meta-Llama-3.1-8B"), family("constant:0.5")
    ('smollm2', 'llama', 'constant')
    """
    provider, _, model = name.lower().rpartition(":")
    if provider in ("constant", "oracle"):
        return provider
    last = model.rstrip("/").rpartition("/")[2]
    known = (known for known in FAMILIES if known in last)
    found = re.match(r"[a-z0-9]+", last)
    return next(known, found[0] if found else last)
