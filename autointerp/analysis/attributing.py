"""What differs between two runs, in words, and to what a difference of their scores may be put down."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LABELS, JUDGE, TEST, TEXT, DICTIONARIES, PROGRAM = (
    "what writes the labels", "the judge", "how labels are tested", "the text", "the dictionaries", "the program",
)  # fmt: skip

KINDS = {
    "explain": LABELS,
    "prompts.explain": LABELS,
    "score.judge": JUDGE,
    "local": JUDGE,
    "openai": JUDGE,
    "anthropic": JUDGE,
    "score": TEST,
    "prompts": TEST,
    "features": TEST,
    "evidence": TEST,
    "subject": DICTIONARIES,
    "site": DICTIONARIES,
    "dtype": DICTIONARIES,
    "shuffle_weights": DICTIONARIES,
    "dictionaries": DICTIONARIES,
    "baselines": DICTIONARIES,
    "corpus": TEXT,
    "corpus_contents": TEXT,
    "harvest": TEXT,
    "seed": TEXT,
}
"""Which part of a run a setting belongs to, by how its name begins; the longest beginning counts."""

UNTOLD = ("name", "budget", "engine", "gate", "anchors", "repeats", "certify")
"""Settings that cannot change a score."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is other in run b than in run a."""

    kind: str
    name: str
    a: str
    b: str

    def __str__(self) -> str:
        return f"{self.name}: {self.a} → {self.b}"


def changes_between(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return what differs between two manifests, in the order of their settings; what cannot matter is left out."""
    before, after = dict(_facts(a)), dict(_facts(b))
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return tuple(
        Change(kind_of(name), name, _said(before, name), _said(after, name))
        for name in names
        if name.split(".")[0] not in UNTOLD
    )


def fingerprint_change(a: Sequence[str], b: Sequence[str]) -> tuple[Change, ...]:
    """Return the change of the systems that answered as the judge; empty where a run names none."""
    if not a or not b or set(a) == set(b):
        return ()
    return (Change(JUDGE, "the judge's fingerprint", ", ".join(sorted(a)), ", ".join(sorted(b))),)


def kind_of(name: str) -> str:
    """Return the part of a run that a setting belongs to.

    >>> kind_of("score.judge"), kind_of("score.n_top"), kind_of("prompts.explain_full"), kind_of("versions.torch")
    ('the judge', 'how labels are tested', 'what writes the labels', 'the program')
    """
    found = [known for known in KINDS if name == known or name.startswith((f"{known}.", f"{known}_"))]
    return KINDS[max(found, key=len)] if found else PROGRAM


def attribution(changes: Sequence[Change], *, alarm: str = "") -> str:
    """Return to what a difference may be put down, as one sentence.

    Args:
        changes: What differs between the runs.
        alarm: What known-truth anchors say against the judge; "" where they say nothing.
    """
    kinds = list(dict.fromkeys(change.kind for change in changes if change.kind != PROGRAM))
    if alarm and JUDGE not in kinds:
        kinds.append(JUDGE)
    also = " The program differs, too, which should change no score." if len(kinds) < _n_kinds(changes) else ""
    return _sentence(kinds, alarm) + also


def _n_kinds(changes: Sequence[Change]) -> int:
    return len({change.kind for change in changes})


def _sentence(kinds: Sequence[str], alarm: str) -> str:
    others = [kind for kind in kinds if kind != LABELS]
    if not kinds:
        return "Nothing that decides a score differs: a difference is chance, or a model that changed behind its name."
    if not others:
        return "Only what writes the labels differs: a difference is attributable to the labels."
    because = f" ({alarm})" if alarm else ""
    if LABELS in kinds:
        return f"{_both(others)} also changed{because}, so this is **not** attributable to the labels."
    if len(others) == 1:
        return f"Only {others[0]} changed{because}: a difference is attributable to that, **not** to the labels."
    return f"{_both(others)} changed together{because}: a difference is attributable to none of them alone."


def _both(kinds: Sequence[str]) -> str:
    text = kinds[0] if len(kinds) == 1 else f"{', '.join(kinds[:-1])} and {kinds[-1]}"
    return text[:1].upper() + text[1:]


def _facts(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every fact of a manifest that may differ, by a dotted name."""
    yield from _flat("", manifest.get("config", {}))
    for name in ("prompts", "corpus_contents", "versions"):
        yield from _flat(f"{name}.", manifest.get(name, {}))
    for name, sha256 in manifest.get("dictionaries", {}).items():
        yield f"dictionaries.{name}", str(sha256)[:12]
    yield "git commit", str(manifest.get("git_commit", ""))[:12]


def _flat(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", _written(value)


def _written(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_written, value)) or "none"
    return "none" if value is None else str(value)


def _said(facts: Mapping[str, str], name: str) -> str:
    return facts.get(name, "not set") or "empty"
