"""Planted features and the labels to tell apart: read from JSON, with the true worth of each label."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from autointerp.core.errors import ConfigError
from autointerp.core.types import Explanation, FeatureId, Labelled
from autointerp.trust.predicate_json import read_predicate
from autointerp.trust.predicates import Always, Never, Predicate, is_firing

DICTIONARY = "zoo"
RUNGS = ("exact", "paraphrase", "too_broad", "too_narrow", "half", "sibling", "generic", "shuffled", "blank")
HOLE = re.compile(r"\{(\w+)\}")
WORTHLESS = ("generic", "shuffled", "blank")
"""Rungs that say nothing about the feature, whatever their F1."""
NOISE = ("noise", "dense_noise")
"""Kinds whose exact label nobody can judge by reading; oracles can."""


class WindowLike(Protocol):
    """A place in a text; activations, if any, are not looked at."""

    @property
    def doc(self) -> str: ...

    @property
    def start(self) -> int: ...

    @property
    def tokens(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Rung:
    """A label for a feature, how it is wrong, and what it means by itself."""

    rung: str
    text: str
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class Templates:
    """Our own sentences with holes ``{name}``: ``firing`` ones, and ``near`` ones a broader label would take.

    Lines are joined by *between*: a blank in prose, a line break in code.
    """

    firing: tuple[str, ...]
    near: tuple[str, ...]
    holes: Mapping[str, tuple[str, ...]]
    between: str = " "


@dataclass(frozen=True, slots=True)
class ZooFeature:
    """A feature with known meaning and its ladder of labels, the exact one first.

    ``kind``: lexicon, regex, context, union, noise, ... ``density``: the share of firing tiles chosen
    for it, in (0, 1), which ``ZooStore`` plants; None keeps what the text gives.
    """

    name: str
    feature: FeatureId
    predicate: Predicate
    rungs: tuple[Rung, ...]
    templates: Templates
    kind: str = ""
    density: float | None = None

    @property
    def is_readable(self) -> bool:
        """Whether a reader can tell where it fires; a language model is not certified on the others."""
        return self.kind not in NOISE

    def labelled(self, rung: Rung) -> Labelled:
        """Return the rung as scorers take it: the label under test, so ``control`` is none."""
        explainer = "control:blank" if rung.rung == "blank" else f"zoo:{rung.rung}"
        return Labelled(Explanation(self.feature, rung.text, explainer, "none"))

    def pick(self, names: Iterable[str]) -> "ZooFeature":
        """Return the feature with only the named rungs, in the ladder's order."""
        kept = set(names)
        return replace(self, rungs=tuple(rung for rung in self.rungs if rung.rung in kept))


def meanings(zoo: Iterable[ZooFeature]) -> dict[str, Predicate]:
    """Return what each label's text means, for oracle judges."""
    return {rung.text: rung.predicate for feature in zoo for rung in feature.rungs}


def true_f1(rung: Rung, feature: ZooFeature, windows: Iterable[WindowLike]) -> float | None:
    """Return 2 TP / (2 TP + FP + FN) of the label's meaning against the feature's, counted over *windows*.

    A window counts as fired on when any of its tokens is. None when neither ever fires.
    """
    n_both = n_one = 0
    for window in windows:
        says, fires = is_firing(rung.predicate, window.tokens), is_firing(feature.predicate, window.tokens)
        n_both += says and fires
        n_one += says != fires
    return f1_of(n_both, n_one=n_one)


def f1_of(n_both: int, *, n_one: int) -> float | None:
    """Return F1 from the windows on which both fire and on which just one does; None when there are none."""
    return 2 * n_both / (2 * n_both + n_one) if n_both or n_one else None


# ---- reading


def read_zoo(texts: Iterable[str]) -> tuple[ZooFeature, ...]:
    """Return the features of the JSON *texts* (one feature a text, or a list of them), by index.

    Raises:
        ConfigError: A text is not a feature, two have one name or index, a rung borrows from a
            feature that is not there, or two labels with one text mean different things.
    """
    values = sorted((value for text in texts for value in _load(text)), key=lambda value: value["index"])
    by_name = {value["name"]: value for value in values}
    if len(by_name) != len(values) or len({value["index"] for value in values}) != len(values):
        msg = "zoo: two features have the same name or index; give each its own"
        raise ConfigError(msg)
    zoo = tuple(_feature(value, by_name) for value in values)
    _refuse_ambiguous(zoo)
    return zoo


def _load(text: str) -> Iterator[dict[str, Any]]:
    try:
        found = json.loads(text)
    except ValueError as error:
        msg = f"zoo: not JSON: {error}"
        raise ConfigError(msg) from error
    yield from map(_complete, found if isinstance(found, list) else [found])


def _complete(value: Mapping[str, Any]) -> dict[str, Any]:
    missing = {"name", "index", "predicate", "rungs", "templates"} - set(value)
    if missing:
        msg = f"zoo: feature {value.get('name', str(value)[:40])!r} has no {', '.join(sorted(missing))}"
        raise ConfigError(msg)
    return dict(value)


def _feature(value: Mapping[str, Any], by_name: Mapping[str, Any]) -> ZooFeature:
    rungs = tuple(_rung(value, rung, by_name) for rung in value["rungs"])
    if not rungs or rungs[0].rung != "exact" or len({rung.rung for rung in rungs}) != len(rungs):
        msg = f"zoo: {value['name']}: rungs must begin with exact and each stand once"
        raise ConfigError(msg)
    return ZooFeature(
        name=value["name"],
        feature=FeatureId(DICTIONARY, int(value["index"])),
        predicate=read_predicate(value["predicate"]),
        rungs=rungs,
        templates=_templates(value),
        kind=value.get("kind", ""),
        density=_density(value),
    )


def _density(owner: Mapping[str, Any]) -> float | None:
    density = owner.get("density")
    if density is not None and not 0 < density < 1:
        msg = f"zoo: {owner['name']}: density {density} must lie in (0, 1)"
        raise ConfigError(msg)
    return density


def _rung(owner: Mapping[str, Any], value: Mapping[str, Any], by_name: Mapping[str, Any]) -> Rung:
    """Return a rung; exact and paraphrase mean the feature itself, a shuffled one is another feature's exact label."""
    name = value.get("rung")
    if name not in RUNGS:
        msg = f"zoo: {owner['name']}: unknown rung {name!r}; rungs are {', '.join(RUNGS)}"
        raise ConfigError(msg)
    match name:
        case "blank":
            return Rung(name, "", Never())
        case "generic":
            return Rung(name, _text(owner, value), Always())
        case "exact" | "paraphrase":
            return Rung(name, _text(owner, value), read_predicate(owner["predicate"]))
        case "shuffled":
            other = by_name.get(value.get("of", ""))
            if other is None or other is owner:
                msg = f"zoo: {owner['name']}: shuffled needs `of`, another feature's name; not {value.get('of')!r}"
                raise ConfigError(msg)
            return Rung(name, _text(other, other["rungs"][0]), read_predicate(other["predicate"]))
    return Rung(name, _text(owner, value), read_predicate(value.get("predicate")))


def _text(owner: Mapping[str, Any], value: Mapping[str, Any]) -> str:
    text = value.get("text")
    if not isinstance(text, str) or not text.strip():
        msg = f"zoo: {owner['name']}: rung {value.get('rung')} has no text"
        raise ConfigError(msg)
    return text


def _templates(owner: Mapping[str, Any]) -> Templates:
    value = owner["templates"]
    holes = {name: tuple(words) for name, words in value.get("holes", {}).items()}
    firing, near = tuple(value.get("firing", ())), tuple(value.get("near", ()))
    unfilled = {hole for line in (*firing, *near) for hole in HOLE.findall(line)} - {
        name for name in holes if holes[name]
    }
    if not firing or not near or unfilled:
        msg = f"zoo: {owner['name']}: templates need firing and near lines, and words for {sorted(unfilled)}"
        raise ConfigError(msg)
    return Templates(firing, near, holes, value.get("between", " "))


def _refuse_ambiguous(zoo: Iterable[ZooFeature]) -> None:
    known: dict[str, Predicate] = {}
    for feature in zoo:
        for rung in feature.rungs:
            if known.setdefault(rung.text, rung.predicate) != rung.predicate:
                msg = f"zoo: {feature.name}: the label {rung.text!r} has two meanings; an oracle could not judge it"
                raise ConfigError(msg)
