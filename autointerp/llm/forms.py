"""How a question is asked: the form that gives the best kind of answer a server has."""

from collections.abc import Mapping

from autointerp.core.types import Digits, Json, Text, Wants, YesNo
from autointerp.llm.capabilities import Capabilities
from autointerp.llm.chat import CHAT, CHAT_LOGPROBS, CHAT_SCHEMA
from autointerp.llm.decisions import DECISIONS
from autointerp.llm.messages import SharedPrefix, make_form
from autointerp.llm.prompt_logprobs import CHAT_PROMPT, ECHO
from autointerp.llm.responses import RESPONSES, RESPONSES_LOGPROBS, RESPONSES_SCHEMA
from autointerp.llm.wire import Form

MESSAGES = make_form(SharedPrefix())
PROMPT: Mapping[str, Form] = {"echo": ECHO, "chat": CHAT_PROMPT}


def pick_form(wants: Wants, capabilities: Capabilities) -> Form:
    """Return the form of a question: text, else decisions, log-probabilities or words, in this order."""
    if capabilities.api == "messages":
        return MESSAGES
    is_chat = capabilities.api == "chat"
    plain, schema, logprobs = (
        (CHAT, CHAT_SCHEMA, CHAT_LOGPROBS) if is_chat else (RESPONSES, RESPONSES_SCHEMA, RESPONSES_LOGPROBS)
    )
    in_words = schema if capabilities.json_schema else plain
    match wants:
        case Text():
            return plain
        case Json():
            return in_words
        case YesNo() if capabilities.decisions:
            return DECISIONS
        case YesNo() if capabilities.logprobs:
            return logprobs
        case Digits() if capabilities.prompt_logprobs:
            return PROMPT[capabilities.prompt_logprobs]
        case Digits() if capabilities.decisions:
            return DECISIONS
        case YesNo() | Digits():
            return in_words
