"""A question as tokens of a local model: where its answer is read and which tokens count."""

import json
from dataclasses import dataclass
from typing import Any

from autointerp.core.errors import AskFailed, ConfigError
from autointerp.core.types import Digits, Json, Question, Reason, Text, YesNo

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
            names = tokenizer.convert_ids_to_tokens(tokens)
            find = find_ends if wants.follows else find_reads
            reads = find(names, coded["offset_mapping"], starts, wants.placeholder)
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
    body = prompt.strip()  # many templates strip, and none keeps less than this
    start = rendered.rfind(body)
    line = f"\n{body}".rfind(f"\n{wants.after}\n")
    if start < 0 or line < 0:
        raise unreadable(f"no line {wants.after!r} in the prompt after the chat template")
    found = find_all(rendered, wants.placeholder, (start + line + len(wants.after), start + len(body)))
    ends = {at for at in range(start, start + len(body)) if rendered[at] == "\n"} | {start + len(body)}
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


def find_ends(
    names: list[str], offsets: list[tuple[int, int]], starts: tuple[int, ...], placeholder: str
) -> tuple[int, ...]:
    """Return, for each placeholder, the index of the token that ends where it ends.

    Raises:
        AskFailed: A token holds the end of a placeholder and more: nothing could be predicted there.
    """
    del names
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
    vocabulary = tokenizer.get_vocab()
    classes = tuple(tuple(find_forms(vocabulary, words)) for words in (YES, NO))
    if not all(classes):
        msg = "the vocabulary has no single token for Yes or No; choose another judge"
        raise ConfigError(msg)
    return classes


def find_forms(vocabulary: dict[str, int], words: tuple[str, ...]) -> list[int]:
    """Return the ids of the words, bare and with a leading space, that are one token."""
    forms = [space + word for word in words for space in ("", *SPACES)]
    return [vocabulary[form] for form in forms if form in vocabulary]


def digit_classes(tokenizer: Any, scale: int) -> Classes:
    """Return one class of one id for each of "0" .. str(scale).

    Raises:
        ConfigError: A number is not one token of this vocabulary.
    """
    vocabulary = tokenizer.get_vocab()
    missing = [str(number) for number in range(scale + 1) if str(number) not in vocabulary]
    if missing:
        hint = "set scale = 9 for this judge" if missing == ["10"] else "choose another judge"
        msg = f"{', '.join(missing)} is not one token of this judge's vocabulary; {hint}"
        raise ConfigError(msg)
    return tuple((int(vocabulary[str(number)]),) for number in range(scale + 1))


def write_choice(wants: YesNo | Digits, rows: tuple[tuple[float, ...], ...]) -> str:
    """Return the likeliest answer as text: Yes or No, or a JSON list of integers."""
    best = [max(range(len(row)), key=row.__getitem__) for row in rows]
    return ("Yes", "No")[best[0]] if isinstance(wants, YesNo) else json.dumps(best)
