"""What a server can do, found out by asking it a few small questions."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autointerp.core.errors import AskFailed, AutointerpError, ConfigError, ProviderUnavailable
from autointerp.core.protocols import LLM
from autointerp.core.types import Digits, Json, Question, Reason, Reply, Text, Wants, YesNo
from autointerp.llm.capabilities import Capabilities, capabilities_key, load_capabilities, save_capabilities
from autointerp.llm.prompt_logprobs import Token, echo_tokens, vllm_tokens, write_chat_prompt, write_echo
from autointerp.llm.remote import RemoteLLM
from autointerp.llm.retrying import Patience
from autointerp.llm.verbalised import UnreadableError

PATIENCE = Patience(tries=2, total_s=120.0, first_s=0.2, longest_s=2.0)

READY = "Reply with the one word: ready"
FOUR = "Is two and two four? Answer Yes or No."
# Nobody answers so without being held to the schema.
ANIMAL = "Which animal barks? Reply with a JSON object that has the key animal."
ONLY_ZEBRA = json.dumps(
    {
        "type": "object",
        "properties": {"animal": {"type": "string", "enum": ["zebra"]}},
        "required": ["animal"],
        "additionalProperties": False,
    }
)
# The third time a text is repeated, its tokens are among the likeliest in their own places: in others,
# the server's places are off by one.
REPEATED = "The quick brown fox jumps over the lazy dog.\n" * 3
FRACTION_IN_PLACE = 0.5


async def probe(judge: LLM) -> Capabilities:
    """Return what the server behind a judge can do; spends fewer than ten small questions, kept nowhere.

    A judge without a server (local, scripted) can do everything there is to ask of it.

    Raises:
        ProviderUnavailable: It cannot be asked at all.
        EnvironmentProblem: Its key is not set.
    """
    remote = find_remote(judge)
    if remote is None:
        return Capabilities(api="none", logprobs=True, probed=today())
    try:
        if remote.capabilities.api == "messages":
            return await probe_messages(remote)
        return await probe_openai(remote)
    finally:
        await remote.release()


async def prepare(judge: LLM, folder: Path) -> Capabilities:
    """Return what is known of the judge's server, finding it out and keeping it in *folder* the first time.

    The judge asks accordingly from then on. Raises what ``probe`` raises.
    """
    remote = find_remote(judge)
    if remote is None:
        return await probe(judge)
    key = capabilities_key(remote.name, remote.server.place)
    found = load_capabilities(folder, key)
    if found is None:
        found = await probe(judge)
        save_capabilities(folder, key, found)
    remote.capabilities = replace(found, api=_api(remote, found))
    return found


def _api(remote: RemoteLLM, found: Capabilities) -> str:
    """Return the api that was asked for, unless the server lacks it."""
    return remote.capabilities.api if remote.capabilities.api == "responses" else found.api


def check_answerable(judge: LLM, questions: Sequence[Question]) -> None:
    """Raise ConfigError, before anything is spent, when the judge cannot grade in a kind these questions need.

    Also when a ceiling in USD is set and the price is unknown.
    """
    remote = find_remote(judge)
    for question in questions if remote else ():
        assert remote is not None
        remote.form(question)
        remote.terms.budget.check(remote.worst(question), name=remote.name)


def find_remote(judge: Any) -> RemoteLLM | None:
    """Return the model behind HTTP inside a judge with a store or batches around it; None for another judge."""
    while judge is not None and not isinstance(judge, RemoteLLM):
        judge = getattr(judge, "inner", None)
    return judge


async def probe_openai(remote: RemoteLLM) -> Capabilities:
    """Return what a server with OpenAI's wire format can do."""
    api, model = await _find_api(remote)
    base = Capabilities(api=api, logprobs=False, model=model, probed=today())
    notes: dict[str, str] = {}
    logprobs = await _works(remote, replace(base, logprobs=True), FOUR, YesNo(), "logprobs", notes)
    schema = await _keeps_schema(remote, replace(base, json_schema=True), notes)
    decisions = await _works(remote, replace(base, decisions=True), FOUR, YesNo(), "decisions", notes)
    prompt = await _find_prompt_logprobs(remote, notes)
    return replace(
        base, logprobs=logprobs, json_schema=schema, decisions=decisions, prompt_logprobs=prompt, notes=notes
    )


async def probe_messages(remote: RemoteLLM) -> Capabilities:
    """Return what a server with Anthropic's wire format can do: graded answers come in words."""
    base = Capabilities(api="messages", logprobs=False, json_schema=True, probed=today())
    reply = await _ask(remote, base, READY, Text())
    notes = {"logprobs": "the wire format has none; graded answers are asked for as integers"}
    schema = await _keeps_schema(remote, base, notes)
    return replace(base, json_schema=schema, model=reply.model, notes=notes)


async def _find_api(remote: RemoteLLM) -> tuple[str, str]:
    """Return the api that answers and the model's own name. Raises what the preferred one raises."""
    preferred = remote.capabilities.api
    other = "responses" if preferred == "chat" else "chat"
    try:
        return preferred, (await _ask(remote, Capabilities(api=preferred), READY, Text())).model
    except (AskFailed, ProviderUnavailable) as error:
        try:
            return other, (await _ask(remote, Capabilities(api=other), READY, Text())).model
        except (AskFailed, AutointerpError):
            raise _as_unavailable(error) from error


def _as_unavailable(error: Exception) -> Exception:
    """Return the error as one that ends the probe: a server that answers nothing has no capabilities."""
    return error if isinstance(error, AutointerpError) else ProviderUnavailable(str(error))


async def _ask(remote: RemoteLLM, capabilities: Capabilities, prompt: str, wants: Wants) -> Reply:
    """Return the reply of the same server under these capabilities; an unreadable one counts as a reply."""
    trial = RemoteLLM(
        remote.name,
        remote.server,
        remote.client,
        terms=replace(remote.terms, patience=PATIENCE),
        capabilities=capabilities,
    )
    try:
        return await trial.answer(Question("", prompt, 32, wants))
    except AskFailed as failed:
        if failed.reply is None or failed.reason == Reason.PROVIDER_ERROR:
            raise
        return failed.reply


async def _works(
    remote: RemoteLLM, capabilities: Capabilities, prompt: str, wants: Wants, name: str, notes: dict[str, str]
) -> bool:
    """Return whether the server answers in this form; why not goes into the notes."""
    try:
        await _ask(remote, capabilities, prompt, wants)
    except (AskFailed, ProviderUnavailable, ConfigError) as error:
        notes[name] = _short(error)
        return False
    return True


async def _keeps_schema(remote: RemoteLLM, capabilities: Capabilities, notes: dict[str, str]) -> bool:
    """Return whether an answer is held to a schema that nothing but force would make it fit."""
    try:
        reply = await _ask(remote, capabilities, ANIMAL, Json(ONLY_ZEBRA))
        if json.loads(reply.text) == {"animal": "zebra"}:
            return True
        notes["json_schema"] = "accepted and ignored"
    except ValueError:
        notes["json_schema"] = "accepted and ignored"
    except (AskFailed, ProviderUnavailable) as error:
        notes["json_schema"] = _short(error)
    return False


async def _find_prompt_logprobs(remote: RemoteLLM, notes: dict[str, str]) -> str:
    """Return how log-probabilities of the prompt are had; the chat form first, for it keeps the chat template."""
    question = Question("", REPEATED, 1, Digits(1, "_", "", 9))
    for name, endpoint, write, read in (
        ("chat", "chat", write_chat_prompt, vllm_tokens),
        ("echo", "completions", write_echo, echo_tokens),
    ):
        try:
            response = await remote.client.send(endpoint, write(question, remote.server))
            if not isinstance(response, dict):
                continue
            if are_in_place(read(response)):
                return name
            notes["prompt_logprobs"] = f"{name}: sent, but for the wrong tokens"
        except UnreadableError as error:
            notes["prompt_logprobs"] = f"{name}: {error}"
        except Exception as error:
            if isinstance(error, TypeError | AssertionError):
                raise
            notes["prompt_logprobs"] = f"{name}: {_short(error)}"
    return ""


def are_in_place(tokens: Sequence[Token]) -> bool:
    """Return whether the tokens of a text's last third are among the likeliest of their own places."""
    last = [token for token in tokens[len(tokens) * 2 // 3 :] if token.rivals]
    if not last:
        return False
    n_in_place = sum(any(text == token.text for text, _ in token.rivals) for token in last)
    return n_in_place >= FRACTION_IN_PLACE * len(last)


def _short(error: Exception) -> str:
    return str(error)[:160]


def today() -> str:
    return datetime.now(UTC).date().isoformat()
