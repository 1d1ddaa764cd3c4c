"""What can be read out of a reply: a label, a yes or no, a digit a token; a failure where there is none."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise

from autointerp.core.types import Failure, Reason
from autointerp.prompting.windows import one_line

MAX_WORDS = 60

# No leading quote is passed over: `"I'm sorry" and other apologies` is a label.
REFUSAL = re.compile(
    r"""^[\s*]*(
        i(['\u2019]?m|\ am)\ (really\ |very\ |so\ )?sorry([,.!]|\ but|\ i\b)
      | (sorry|apologies|unfortunately)[,.!]\ (but\ )?i\b
      | i\ (can['\u2019]?t|cannot|can\ not|won['\u2019]t|will\ not|am\ (not\ able|unable)\ to)
        \ (help|assist|provide|comply|answer|do|fulfil|fulfill|complete|engage|continue|discuss|describe|explain)\b
      | i['\u2019]m\ (unable|not\ able)\ to
      | as\ an\ ai\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)
KEYS = ("label", "explanation", "description", "answer", "text")
MARKER = re.compile(
    rf"^\W*(?:(?:the|my|short|final|feature|{'|'.join(KEYS)})\s+)*(?:{'|'.join(KEYS)}|feature\s+\w)"
    r"\W*(?::|is:|$)\s*(?P<label>.*)$",
    re.IGNORECASE,
)
NARRATION = re.compile(
    r"^\W*(sure|certainly|of course|okay|ok|absolutely|here(['\u2019]s| is| are)|based on|looking at)\b[^:]*:"
    r"\s*(?P<label>.*)$",
    re.IGNORECASE,
)
QUOTES = "\"'\u201c\u201d\u2018\u2019`*_ \t"


def read_label(text: str, *, about: str = "", is_cut: bool = False) -> str | Failure:
    """Return the label in a reply, one line of 1 to 60 words, or why there is none.

    Takes the string of a JSON object, the text after ``Label:``, what follows a narrating line, or
    else the first line. A longer label is cut after a sentence that ends within 60 words. ``is_cut``:
    the reply ran into its limit of tokens; a label that reaches to its end is then half a label.
    """
    answer = _without_thoughts(text).strip()
    if not answer:
        return Failure("explain", about, Reason.EXPLAIN_FAILED, "empty reply")
    if REFUSAL.match(answer):
        return Failure("explain", about, Reason.EXPLAIN_REFUSED, _beginning(answer))
    found = _find_label(answer)
    label = _tidy(found) if found is not None else ""
    if not any(char.isalnum() for char in label):
        return Failure("explain", about, Reason.EXPLAIN_FAILED, f"no label in: {_beginning(answer)}")
    if label.endswith(":"):
        detail = f"announces a label and gives none: {_beginning(label)}"
        return Failure("explain", about, Reason.EXPLAIN_FAILED, detail)
    if is_cut and _is_at_the_end(label, answer):
        return Failure("explain", about, Reason.EXPLAIN_FAILED, f"cut off: {_beginning(label)}")
    short = _cut_to_sentence(label)
    if short is None:
        detail = f"{len(label.split())} words without a sentence end in the first {MAX_WORDS}"
        return Failure("explain", about, Reason.EXPLAIN_FAILED, detail)
    return short


def _is_at_the_end(label: str, answer: str) -> bool:
    """Return whether the label is the last thing of the reply and ends without a full stop."""
    return answer.rstrip().endswith(label[-20:]) and label[-1] not in ".!?"


def is_refusal(text: str) -> bool:
    """Return whether a reply declines to answer."""
    return REFUSAL.match(_without_thoughts(text).strip()) is not None


def read_yes_no(text: str) -> float | None:
    """Return 1.0 for a reply whose first word is yes, 0.0 for no, else None; None also for both at once.

    >>> read_yes_no("**Yes**, it does."), read_yes_no("Nothing of the kind"), read_yes_no("Yes or no")
    (1.0, None, None)
    """
    answer = _without_thoughts(text)
    found = re.match(r"\W*(?:answer\W+)?(yes|no)\b", answer, re.IGNORECASE)
    if found is None:
        return None
    is_yes = found[1].lower() == "yes"
    # "Yes, no doubt" takes nothing back; "No, wait: yes" and "Yes / No" do.
    taken_back = re.search(
        rf"(?:[.!?:/\n]|\bor|\band)\W*{'no' if is_yes else 'yes'}\b", answer[found.end() :], re.IGNORECASE
    )
    return None if taken_back else float(is_yes)


def read_digits(text: str, *, count: int, scale: int) -> tuple[int, ...] | None:
    """Return *count* integers in 0..scale from a JSON list or from ``token<tab>integer`` lines.

    None when the number of values or any one value is wrong: zeros in their place would be a guess
    nobody made (PROTOCOLS, section 3).
    """
    # Only thoughts at the beginning: a token of the window may be "<think>".
    answer = _without_thoughts(text) if text.lstrip().lower().startswith("<think>") else text
    values = _json_numbers(answer)
    if values is None:
        lines = [line for line in answer.split("\n") if line.strip()]
        values = [_number(line.rpartition("\t")[2]) for line in lines]
    if len(values) != count:
        return None
    whole = [value for value in values if value is not None and value == int(value) and 0 <= value <= scale]
    return tuple(int(value) for value in whole) if len(whole) == count else None


def _without_thoughts(text: str) -> str:
    """Return the text without ``<think>`` blocks; nothing after one that never ends."""
    closed = re.sub(r"<think>.*?</think>", "", text, flags=re.DOTALL | re.IGNORECASE)
    return re.split(r"<think>", closed, maxsplit=1, flags=re.IGNORECASE)[0]


def _find_label(answer: str) -> str | None:
    """Return the part of the answer that is the label; None when it is broken JSON or bare narration."""
    bare = re.sub(r"^```\w*\s*|\s*```$", "", answer).strip()
    quoted = _json_label(bare)
    if quoted is not None:
        return quoted
    if bare.startswith(("{", "[")):
        return None
    lines = [line.strip() for line in bare.splitlines() if line.strip(QUOTES + "-#>`")]
    return _after(lines, MARKER) or _after(lines, NARRATION) or _first_line(lines)


def _after(lines: list[str], pattern: re.Pattern[str]) -> str | None:
    """Return what follows the pattern, on its line or else on the next one."""
    for line, following in pairwise([*lines, ""]):
        found = pattern.match(line)
        if found:
            return found["label"] if found["label"].strip(QUOTES) else following or None
    return None


def _first_line(lines: list[str]) -> str | None:
    """Return the first line unless it only announces what never came."""
    return lines[0] if lines and not NARRATION.match(lines[0]) and not MARKER.match(lines[0]) else None


def _json_label(text: str) -> str | None:
    """Return the complete string under a key that means label, in JSON or what is left of it."""
    found = re.search(rf'"(?:{"|".join(KEYS)})"\s*:\s*("(?:[^"\\]|\\.)*")', text, re.IGNORECASE)
    if not found:
        return None
    try:
        return str(json.loads(found[1], strict=False))
    except ValueError:
        return None


def _json_numbers(text: str) -> list[float | None] | None:
    """Return the numbers of the outermost JSON list in the text, None for an item that is no number."""
    found = re.search(r"\[.*\]", text, re.DOTALL)
    if not found:
        return None
    try:
        items = json.loads(found[0])
    except (ValueError, RecursionError):
        return None
    # An entry without its token may have lost its place; the values after it would be shifted.
    named = [item.get("activation") if isinstance(item, dict) and "token" in item else item for item in items]
    return [_number(item) for item in named]


def _number(item: object) -> float | None:
    """Return the item as a finite number; None when it is not one."""
    if isinstance(item, bool) or not isinstance(item, int | float | str):
        return None
    text = str(item).strip()
    return float(text) if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text, re.ASCII) else None


def _tidy(label: str) -> str:
    """Return the label on one line without bullets and without quotes around the whole."""
    line = re.sub(r"^\s*(?:[-*•>#]+\s+|\d+[.)]\s+)", "", " ".join(_lines_of(label)))
    stripped = line.strip().strip("*_`").strip()
    for left, right in ('""', "''", "\u201c\u201d", "\u2018\u2019"):
        inside = stripped[1:-1]
        # `"red" or "blue"` begins and ends with a quote, too, but is not enclosed by one pair.
        if len(stripped) > 1 and stripped[0] == left and stripped[-1] == right and left not in inside:
            return inside.strip()
    return stripped


def _lines_of(label: str) -> Iterator[str]:
    for line in label.split():
        yield one_line(line)


def _cut_to_sentence(label: str) -> str | None:
    """Return the label, or its sentences that end within 60 words; None when none does."""
    words = label.split()
    if len(words) <= MAX_WORDS:
        return label
    ends = [i for i, word in enumerate(words[:MAX_WORDS]) if re.search(r"[.!?][\"')\]\u201d\u2019]*$", word)]
    return " ".join(words[: ends[-1] + 1]) if ends else None


def _beginning(text: str) -> str:
    """Return the first 80 characters on one line, for a failure row."""
    return one_line(text[:80])
