"""Corpora that are not nice: near-copies, one document, hardly any text, ten megabytes at once, broken characters."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tiny_world import World, make_text

from autointerp.store.parts import read_table

CarryOut = Callable[..., Any]


def write(path: Path, texts: Iterable[str]) -> str:
    """Write one document a line and return the corpus' name."""
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), "utf-8")
    return f"jsonl:{path}"


def edited(text: str) -> str:
    """Return the text in other lines, with another end."""
    words = text.split(" ")
    return "\n".join(" ".join(words[i : i + 9]) for i in range(0, len(words) - 8, 9)) + "\nthe end"


def harvested(home: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the harvest's manifest and the side of every document."""
    folder = next(home.glob("cache/harvests/*"))
    contexts = read_table(folder, "contexts")
    sides = contexts.groupby("doc")["side"].agg(set)
    assert all(len(side) == 1 for side in sides)
    return json.loads((folder / "manifest.json").read_text()), {str(d): next(iter(s)) for d, s in sides.items()}


def test_near_duplicates_share_a_side(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """A document and its edited copy are on one side, and manifest and progress say how many there are."""
    texts = [make_text(number) for number in range(40)]
    corpus = write(tmp_path / "c.jsonl", [*texts, *map(edited, texts[:20])])
    said: list[tuple[Any, ...]] = []
    carry_out(world.config(corpus=[corpus]), tmp_path, last="harvest", on_progress=lambda *line: said.append(line))
    facts, sides = harvested(tmp_path)
    assert all(sides[f"c/{n}"] == sides[f"c/{n + 40}"] for n in range(1, 21))
    assert len(set(sides.values())) == 3
    assert (facts["n_documents_near_duplicate"], facts["n_groups_of_near_duplicates"]) == (40, 20)
    assert ("text", 40, 60, "documents in 20 groups of near-duplicates") in said


def test_threshold_of_near_duplicates(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """At 1 only texts of the same words share a side: edited copies are divided like any other documents."""
    texts = [make_text(number) for number in range(20)]
    corpus = write(tmp_path / "c.jsonl", [*texts, *map(edited, texts), texts[0].upper()])
    carry_out(world.config(corpus=[corpus], harvest={"near_duplicate": 1.0}), tmp_path, last="harvest")
    facts, sides = harvested(tmp_path)
    assert any(sides[f"c/{n}"] != sides[f"c/{n + 20}"] for n in range(1, 21))
    assert facts["n_groups_of_near_duplicates"] == 1
    assert sides["c/1"] == sides["c/41"]


def test_more_text_changes_no_side(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """A harvest of more tokens leaves every document of the smaller one on its side, groups among them."""
    texts = [make_text(number) for number in range(30)]
    corpus = write(tmp_path / "c.jsonl", [*texts, *map(edited, texts)])
    found = []
    for n_tokens in (8000, 40_000):
        home = tmp_path / str(n_tokens)
        carry_out(world.config(corpus=[corpus], harvest={"n_tokens": n_tokens}), home, last="harvest")
        found.append(harvested(home)[1])
    few, many = found
    assert len(few) < len(many)
    assert few.items() <= many.items()
