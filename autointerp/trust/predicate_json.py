"""Predicates as JSON, the form in which ``data/zoo`` keeps them."""

from collections.abc import Callable, Mapping
from typing import Any

from autointerp.core.errors import ConfigError
from autointerp.trust.predicates import (
    Always,
    AndNot,
    Before,
    Context,
    Lexicon,
    Never,
    Noise,
    Predicate,
    Regex,
    Union,
    Within,
)


def read_predicate(value: Any) -> Predicate:
    """Build a predicate from its JSON form, ``{"kind": "lexicon", "words": ["king"]}``.

    Raises:
        ConfigError: The kind is unknown or its fields do not fit; the message shows the value.
    """
    try:
        fields = {name: field for name, field in value.items() if name != "kind"}
        return _READERS[value["kind"]](fields)
    except (AttributeError, KeyError, TypeError) as error:
        msg = f"zoo: {value!r} is not a predicate ({error}); kinds are {', '.join(_READERS)}"
        raise ConfigError(msg) from error


def write_predicate(predicate: Predicate) -> dict[str, Any]:
    """Return the JSON form; ``read_predicate`` of it equals the predicate."""
    match predicate:
        case Regex(pattern, is_case_sensitive, strength):
            return {
                "kind": "regex",
                "pattern": pattern,
                "is_case_sensitive": is_case_sensitive,
                "strength": strength,
            }
        case Lexicon(words, strength):
            return {"kind": "lexicon", "words": list(words), "strength": strength}
        case Context(cue, word, strength):
            return {"kind": "context", "cue": cue, "word": word, "strength": strength}
        case Union(parts):
            return {"kind": "union", "parts": [write_predicate(part) for part in parts]}
        case AndNot(left, right):
            return {"kind": "and_not", "left": write_predicate(left), "right": write_predicate(right)}
        case Within(inner, first, last):
            return {"kind": "within", "inner": write_predicate(inner), "first": first, "last": last}
        case Before(inner):
            return {"kind": "before", "inner": write_predicate(inner)}
        case Noise(share, seed):
            return {"kind": "noise", "share": share, "seed": seed}
        case Never():
            return {"kind": "never"}
        case Always():
            return {"kind": "always"}
    msg = f"{predicate!r} has no JSON form"
    raise TypeError(msg)


def _read_lexicon(fields: dict[str, Any]) -> Predicate:
    return Lexicon(tuple(fields.pop("words")), **fields)


def _read_union(fields: dict[str, Any]) -> Predicate:
    return Union(tuple(map(read_predicate, fields.pop("parts"))), **fields)


def _read_and_not(fields: dict[str, Any]) -> Predicate:
    return AndNot(**{name: read_predicate(field) for name, field in fields.items()})


def _read_within(fields: dict[str, Any]) -> Predicate:
    return Within(read_predicate(fields.pop("inner")), **fields)


_READERS: Mapping[str, Callable[[dict[str, Any]], Predicate]] = {
    "lexicon": _read_lexicon,
    "regex": lambda fields: Regex(**fields),
    "context": lambda fields: Context(**fields),
    "union": _read_union,
    "and_not": _read_and_not,
    "within": _read_within,
    "before": lambda fields: Before(read_predicate(fields.pop("inner")), **fields),
    "noise": lambda fields: Noise(**fields),
    "never": lambda fields: Never(**fields),
    "always": lambda fields: Always(**fields),
}
