"""Anthropic's Messages: what is sent, with the shared prefix marked for its cache, and what is read."""

from collections import OrderedDict
from typing import Any

from autointerp.core.errors import AskFailed, ConfigError
from autointerp.core.types import Question, Reason
from autointerp.llm.verbalised import ask_in_words, graded, n_tokens_for, read_answer, schema_for
from autointerp.llm.wire import Body, Form, Read, Server, Usage

ANTHROPIC = "https://api.anthropic.com"
# Below 512 tokens (by model up to 4,096) the provider caches nothing and says nothing.
WORTH_CACHING = 2048
CACHED = {"cache_control": {"type": "ephemeral"}}


class SharedPrefix:
    """Finds, from the prompts seen before, how much of the beginning of a prompt comes again.

    Questions are asked in the order of their prefixes, so that the last prompt of the same kind tells.
    """

    def __init__(self, size: int = 64) -> None:
        self._size = size
        self._last: OrderedDict[tuple[str, str], str] = OrderedDict()

    def split(self, system: str, prompt: str) -> tuple[str, str]:
        """Return the prompt as (what the last one had in common up to a line's end, the rest)."""
        kind = (system, prompt[:200])
        last = self._last.pop(kind, "")
        self._last[kind] = prompt
        while len(self._last) > self._size:
            self._last.popitem(last=False)
        end = prompt.rfind("\n", 0, n_common_characters(last, prompt)) + 1
        return prompt[:end], prompt[end:]


def n_common_characters(a: str, b: str) -> int:
    """Return how many first characters two texts share, by halving: a thousand times faster than one by one."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if a[:middle] == b[:middle] else (low, middle - 1)
    return low


def make_form(prefixes: SharedPrefix) -> Form:
    """Return the form for all questions: text, and graded answers in words by schema (kind ``verbalised``)."""

    def write(question: Question, server: Server) -> Body:
        return write_message(question, server, prefixes)

    return Form("messages", "verbalised", write, read_message)


def write_message(question: Question, server: Server, prefixes: SharedPrefix) -> Body:
    """Return the body. Raises ConfigError for sampling settings, which this provider does not take."""
    if question.sampling:
        names = ", ".join(name for name, _ in question.sampling)
        msg = f"anthropic:{server.model} takes no sampling setting ({names}); leave it out"
        raise ConfigError(msg)
    body: Body = {"model": server.model, "max_tokens": n_tokens_for(question)}
    schema = schema_for(question.wants, counts=False)
    if schema:
        body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    shared, rest = prefixes.split(question.system, ask_in_words(question))
    is_worth_it = len(question.system) + len(shared) >= WORTH_CACHING
    if question.system:
        body["system"] = [_block(question.system, is_cached=is_worth_it and not shared)]
    blocks = [_block(shared, is_cached=is_worth_it)] if shared and is_worth_it else []
    rest = rest if blocks else shared + rest
    body["messages"] = [{"role": "user", "content": [*blocks, _block(rest, is_cached=False)]}]
    return body


def _block(text: str, *, is_cached: bool) -> dict[str, Any]:
    return {"type": "text", "text": text} | (CACHED if is_cached else {})


def read_message(response: Any, question: Question, server: Server) -> Read:
    """Return what the message says. Raises AskFailed when it is none."""
    content = response.get("content") if isinstance(response, dict) else None
    if not isinstance(content, list) or response.get("type") != "message":
        raise AskFailed(Reason.PROVIDER_ERROR, f"{server.place} sent no message; check base_url")
    texts = [str(block.get("text", "")) for block in content if isinstance(block, dict) and block.get("type") == "text"]
    stop = response.get("stop_reason")
    is_refused = stop == "refusal"
    read = Read(
        model=str(response.get("model") or server.model),
        text="".join(texts),
        usage=read_message_usage(response.get("usage")),
        is_cut=stop in ("max_tokens", "model_context_window_exceeded"),
        failed=Reason.JUDGE_REFUSED.value if is_refused else "",
        detail="the provider stopped with refusal" if is_refused else "",
    )
    return graded(read, lambda read: read_answer(read, question.wants))


def read_message_usage(usage: Any) -> Usage:
    """Return the tokens as billed; Anthropic's ``input_tokens`` leave out what the cache read and wrote."""
    counts = usage if isinstance(usage, dict) else {}

    def count(name: str) -> int:
        value = counts.get(name)
        return value if isinstance(value, int) and value >= 0 else 0

    cached, written = count("cache_read_input_tokens"), count("cache_creation_input_tokens")
    return Usage(count("input_tokens") + cached + written, count("output_tokens"), cached, written)
