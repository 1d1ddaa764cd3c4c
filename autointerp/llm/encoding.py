"""A question as tokens of a local model: where its answer is read and which tokens count."""

import json
from dataclasses import dataclass
from typing import Any

from autointerp.core.errors import AskFailed, ConfigError
from autointerp.core.types import Digits, Json, Question, Reason, Text, YesNo
from autointerp.llm.placeholders import find_region

YES = ("Yes", "yes", "YES")
NO = ("No", "no", "NO")
# How vocabularies write a leading space: byte-level BPE, SentencePiece.
SPACES = ("Ġ", "▁")

Classes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """The tokens of one question and where to read.

    ``reads``: positions, increasing, whose next-token distribution is the answer. ``classes``: one
    tuple of token ids a class (the forms of Yes; the digit 3); empty when text is wanted.
    ``n_prompt``: tokens of the whole prompt, also those after the last read, which are never run.
    """

    tokens: tuple[int, ...]
    reads: tuple[int, ...]
    classes: Classes
    n_prompt: int


def encode_question(tokenizer: Any, question: Question) -> Encoded:
    """Return the question's tokens up to the last position that is read.

    Raises:
        AskFailed: Placeholders are missing or cut by a token (``parse_failed``).
        ConfigError: The vocabulary has no token for a digit that ``scale`` needs.
    """
    rendered = render_chat(tokenizer, question)
    coded = tokenizer(rendered, add_special_tokens=False, return_offsets_mapping=True)
    tokens = tuple(coded["input_ids"])
    match question.wants:
        case Text() | Json():
            return Encoded(tokens, (len(tokens) - 1,), (), len(tokens))
        case YesNo():
            return Encoded(tokens, (len(tokens) - 1,), yes_no_classes(tokenizer), len(tokens))
        case Digits() as wants:
            starts = find_placeholders(rendered, question.prompt, wants)
            offsets = coded["offset_mapping"]
            if wants.follows:
                reads = find_ends(offsets, starts, wants.placeholder)
            else:
                reads = find_reads(tokenizer.convert_ids_to_tokens(tokens), offsets, starts, wants.placeholder)
            return Encoded(tokens[: reads[-1] + 1], reads, digit_classes(tokenizer, wants.scale), len(tokens))


def render_chat(tokenizer: Any, question: Question) -> str:
    """Return the conversation up to where the assistant speaks, by the tokenizer's template or as ChatML."""
    turns = [("system", question.system)] if question.system else []
    turns.append(("user", question.prompt))
    if not tokenizer.chat_template:
        return "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in turns) + "<|im_start|>assistant\n"
    messages = [{"role": role, "content": text} for role, text in turns]
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def find_placeholders(rendered: str, prompt: str, wants: Digits) -> tuple[int, ...]:
    """Return where the placeholders to be read start in the rendered text, in characters.

    They stand after the last line that equals ``after``. A text that holds the placeholder itself
    does no harm as long as those to be read are the ones that end a line.

    Raises:
        AskFailed: There is no such line, or another number of placeholders after it.
    """
    region = find_region(rendered, prompt, wants.after)
    if region is None:
        raise unreadable(f"no line {wants.after!r} in the prompt after the chat template")
    found = find_all(rendered, wants.placeholder, region)
    ends = {at for at in range(*region) if rendered[at] == "\n"} | {region[1]}
    ending = tuple(at for at in found if at + len(wants.placeholder) in ends)
    for candidates in (ending, found):
        if len(candidates) == wants.count:
            return candidates
    raise unreadable(f"{len(found)} placeholders {wants.placeholder!r} after {wants.after!r}, not {wants.count}")


def find_all(text: str, part: str, region: tuple[int, int]) -> tuple[int, ...]:
    """Return the starts of the occurrences of *part* inside the region that do not overlap."""
    starts: list[int] = []
    at = text.find(part, *region)
    while at >= 0:
        starts.append(at)
        at = text.find(part, at + len(part), region[1])
    return tuple(starts)


def find_reads(
    names: list[str], offsets: list[tuple[int, int]], starts: tuple[int, ...], placeholder: str
) -> tuple[int, ...]:
    """Return, for each placeholder, the index of the token that ends immediately before it.

    Args:
        names: Tokens as the vocabulary writes them, [T].
        offsets: Start and end of each token in characters, [T].
        starts: Where the placeholders start, in characters, increasing.
        placeholder: What they look like; decides whether a token's leading space belongs to it.

    Raises:
        AskFailed: A placeholder starts inside a token: its digit could not have been predicted there.
    """
    # Some tokenizers leave a token's own leading space out of its offsets.
    first = {
        start: at
        for at, (start, _) in reversed(list(enumerate(offsets)))
        if placeholder.startswith(" ") or not names[at].startswith(SPACES)
    }
    inside = [start for start in starts if first.get(start, 0) < 1]
    if inside:
        at = starts.index(inside[0])
        raise unreadable(f"placeholder {at} starts inside a token; choose one that this tokenizer keeps apart")
    return tuple(first[start] - 1 for start in starts)


def find_ends(offsets: list[tuple[int, int]], starts: tuple[int, ...], placeholder: str) -> tuple[int, ...]:
    """Return, for each placeholder, the index of the token that ends where it ends.

    Raises:
        AskFailed: A token holds the end of a placeholder and more: nothing could be predicted there.
    """
    last = {end: at for at, (_, end) in enumerate(offsets)}
    ends = [start + len(placeholder) for start in starts]
    glued = [number for number, end in enumerate(ends) if end not in last]
    if glued:
        raise unreadable(f"separator {glued[0]} is glued to what follows by this tokenizer; set layout = 'lines'")
    return tuple(last[end] for end in ends)


def unreadable(detail: str) -> AskFailed:
    return AskFailed(Reason.PARSE_FAILED, detail)


def yes_no_classes(tokenizer: Any) -> Classes:
    """Return the ids of single-token forms of yes and of no. Raises ConfigError when there are none."""
    classes = tuple(tuple(find_forms(tokenizer, words)) for words in (YES, NO))
    if not all(classes):
        msg = "the vocabulary has no single token for Yes or No; choose another judge"
        raise ConfigError(msg)
    return classes


def find_forms(tokenizer: Any, words: tuple[str, ...]) -> list[int]:
    """Return the ids of the words, bare and with a leading space, that are one token."""
    found = [find_token(tokenizer, space + word) for word in words for space in ("", *SPACES)]
    return [token for token in found if token is not None]


def find_token(tokenizer: Any, name: str) -> int | None:
    """Return the id of a token of the vocabulary, None when there is none of this name.

    ``get_vocab`` would copy the vocabulary, some 30 ms, for every question.
    """
    token: int | None = tokenizer.convert_tokens_to_ids(name)  # of an unknown name the one for unknown, or None
    return token if token is not None and tokenizer.convert_ids_to_tokens(token) == name else None


def digit_classes(tokenizer: Any, scale: int) -> Classes:
    """Return one class of one id for each of "0" .. str(scale).

    Raises:
        ConfigError: A number is not one token of this vocabulary.
    """
    tokens = {str(number): find_token(tokenizer, str(number)) for number in range(scale + 1)}
    if missing := [number for number, token in tokens.items() if token is None]:
        hint = "set scale = 9 for this judge" if missing == ["10"] else "choose another judge"
        msg = f"{', '.join(missing)} is not one token of this judge's vocabulary; {hint}"
        raise ConfigError(msg)
    return tuple((token,) for token in tokens.values() if token is not None)


def write_choice(wants: YesNo | Digits, rows: tuple[tuple[float, ...], ...]) -> str:
    """Return the likeliest answer as text: Yes or No, or a JSON list of integers."""
    best = [max(range(len(row)), key=row.__getitem__) for row in rows]
    return ("Yes", "No")[best[0]] if isinstance(wants, YesNo) else json.dumps(best)
