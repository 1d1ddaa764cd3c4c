"""A model behind HTTP, put together: server, client, what is known of it, and the terms it is asked under."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autointerp.core.errors import ConfigError
from autointerp.core.protocols import LLM
from autointerp.llm.budget import Budget
from autointerp.llm.capabilities import Capabilities, capabilities_key, load_capabilities
from autointerp.llm.chat import OPENAI
from autointerp.llm.clients import SdkClient, open_anthropic, open_openai
from autointerp.llm.messages import ANTHROPIC
from autointerp.llm.pace import Pace
from autointerp.llm.prices import Price, read_prices
from autointerp.llm.remote import RemoteLLM, Terms
from autointerp.llm.retrying import Patience
from autointerp.llm.sent import SentLog
from autointerp.llm.wire import Server

TIMEOUT_S = 60.0
BATCH_TIMEOUT_S = 900.0  # for a file of 100 MB
APIS = ("chat", "responses")
HTTP_OPTIONS = (
    "base_url",
    "key_variable",
    "timeout_s",
    "api",
    "at_most",
    "requests_a_minute",
    "tokens_a_minute",
    "prices",
    "budget",
    "patience",
    "batch",
)
"""What a provider behind HTTP takes.

``base_url``: OpenAI or Anthropic itself when left out. ``key_variable``: the environment variable with
the key. ``timeout_s``: for one try. ``api``: ``chat`` or ``responses``. ``at_most``: calls at once.
``requests_a_minute``, ``tokens_a_minute``: limits. ``prices``: paths of price tables. ``budget``: a
``Budget``, shared by all models of a run. ``patience``: a ``Patience``. ``batch``: True asks through
the provider's batch API.
"""


@dataclass(frozen=True, slots=True)
class Provider:
    """What is the same for all models of a provider."""

    url: str
    key_variable: str
    open_sdk: Any
    own: Capabilities
    others: Capabilities


PROVIDERS: Mapping[str, Provider] = {
    "openai": Provider(
        OPENAI,
        "OPENAI_API_KEY",
        open_openai,
        own=Capabilities(json_schema=True),
        # Half of the compatible servers ignore a schema in silence: none is sent before it was tried.
        others=Capabilities(json_schema=False),
    ),
    "anthropic": Provider(
        ANTHROPIC,
        "ANTHROPIC_API_KEY",
        open_anthropic,
        own=Capabilities(api="messages", logprobs=False, json_schema=True),
        others=Capabilities(api="messages", logprobs=False, json_schema=True),
    ),
}


def open_remote(
    provider: str, model: str, options: Mapping[str, Any], *, folder: Path | None = None
) -> tuple[LLM, str]:
    """Return the language model and what its replies are stored under beside its name.

    Args:
        provider: A name in PROVIDERS.
        model: As the server calls it.
        options: HTTP_OPTIONS by name.
        folder: Where capabilities, batches and calls under way are kept; None keeps none.

    Raises:
        ConfigError: An option is wrong, or a price table cannot be read.
        StoreError: Something in the folder cannot be used.
    """
    remote = make_remote(provider, model, options, folder=folder)
    if not options.get("batch"):
        return remote, remote.server.base_url
    if folder is None:
        msg = f"{remote.name} by batch needs a folder to keep the batches' names in; give a reply store"
        raise ConfigError(msg)
    from autointerp.llm.batching import open_batches

    return open_batches(remote, folder), remote.server.base_url


def make_remote(
    provider: str, model: str, options: Mapping[str, Any] | None = None, *, folder: Path | None = None
) -> RemoteLLM:
    """Return the language model that asks one question a call; see ``open_remote``."""
    given, made = options or {}, PROVIDERS[provider]
    server = Server(model, given.get("base_url") or made.url, given.get("key_variable") or made.key_variable)
    name = f"{provider}:{model}"
    client = SdkClient(
        server, made.open_sdk, timeout_s=given.get("timeout_s", BATCH_TIMEOUT_S if given.get("batch") else TIMEOUT_S)
    )
    return RemoteLLM(
        name,
        server,
        client,
        terms=make_terms(provider, server, given, folder=folder),
        capabilities=find_capabilities(provider, name, server, given.get("api"), folder=folder),
    )


def make_terms(provider: str, server: Server, options: Mapping[str, Any], *, folder: Path | None) -> Terms:
    """Return the terms that the options set, the rest by default."""
    pace = Pace(
        most=options.get("at_most", 64),
        requests_a_minute=options.get("requests_a_minute"),
        tokens_a_minute=options.get("tokens_a_minute"),
    )
    return Terms(
        price=find_price(provider, server, options.get("prices", ())),
        budget=options.get("budget") or Budget(),
        pace=pace,
        patience=options.get("patience") or Patience(),
        sent=SentLog(folder / "sent") if folder else None,
        is_batch=bool(options.get("batch")),
    )


def find_price(provider: str, server: Server, paths: Any) -> Price | None:
    """Return the price of the server's model; None when unknown. Another server's is not its namesake's."""
    owner = provider if server.base_url == PROVIDERS[provider].url else server.base_url
    return read_prices([Path(path).expanduser() for path in paths]).find(owner, server.model)


def find_capabilities(
    provider: str, name: str, server: Server, api: str | None, *, folder: Path | None
) -> Capabilities:
    """Return what was found out about this model, else what is assumed. Raises ConfigError for an unknown api."""
    from dataclasses import replace

    known = load_capabilities(folder, capabilities_key(name, server.place)) if folder else None
    made = PROVIDERS[provider]
    found = known or (made.own if server.base_url == made.url else made.others)
    if api is None or found.api == "messages":
        return found
    if api not in APIS:
        msg = f"unknown api {api!r}; use {' or '.join(APIS)}"
        raise ConfigError(msg)
    return replace(found, api=api)
