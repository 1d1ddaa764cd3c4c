"""Corpora that are not nice: near-copies, one document, hardly any text, ten megabytes at once, broken characters."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from tiny_world import WIDTHS, World, make_text

from autointerp.core.errors import CorpusError
from autointerp.pipeline.planned import plan_text
from autointerp.store.parts import read_table
from autointerp.subject.dictionaries import SparseDictionary
from autointerp.subject.model import Subject

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


class Counting(Subject):
    """The subject, which also notes how many characters it was asked to tokenise at a time."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject.name, subject.model, subject.tokenizer)
        self.read: list[int] = []

    def token_ids(self, text: str) -> list[int]:
        self.read.append(len(text))
        return super().token_ids(text)


@pytest.mark.parametrize("unit", ["the river runs to the sea ", "a", "😀", "\n", "نهر"])
def test_ten_megabytes_at_once(
    world: World, subject: Subject, dictionaries: list[SparseDictionary], tmp_path: Path, unit: str
) -> None:
    """Of a huge document the beginning alone is tokenised, the others are read as ever, and each keeps its own text."""
    huge = (unit * (10_000_000 // len(unit.encode()) + 1))[:-1] + "x"
    corpus = write(tmp_path / "c.jsonl", [huge, *(make_text(number) for number in range(12))])
    config = world.config(corpus=[corpus], harvest={"max_tokens_per_document": 256})
    counting = Counting(subject)
    plan = plan_text(tmp_path, counting, config, dictionaries)
    contexts = read_table(tmp_path, "contexts").sort_values("start")
    mine = [int(i) for ids in contexts.loc[contexts["doc"] == "c/1", "token_ids"] for i in ids]
    assert len(mine) == 256
    assert huge.startswith("".join(subject.display_tokens(mine)).rstrip("\ufffd"))
    assert max(counting.read) <= 256 * 12
    assert plan.n_documents == 13


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ([make_text(0)], "none of the 1 documents read is on the side"),
        ([f"{make_text(0)} {n}" for n in range(9)], "9 documents read (9 of them near-duplicates, which share a side)"),
    ],
)
def test_nothing_to_test_on(world: World, carry_out: CarryOut, tmp_path: Path, texts: list[str], words: str) -> None:
    """One document, or many that say the same, leave no text to test labels on: an error before anything is run."""
    with pytest.raises(CorpusError) as caught:
        carry_out(world.config(corpus=[write(tmp_path / "c.jsonl", texts)]), tmp_path)
    assert caught.value.exit_code == 2
    assert words in str(caught.value)
    assert "cut a long text into several" in str(caught.value)
    assert not list(tmp_path.glob("cache/harvests/*/sketch_*/*"))


def test_fewer_tokens_than_a_batch(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """A dozen documents of a window or two: every feature has a state, none a score, and the report is written."""
    texts = [make_text(number)[:140] for number in range(12)]
    config = world.config(corpus=[write(tmp_path / "c.jsonl", texts)], features={"min_held_out": 20})
    outcome = carry_out(config, tmp_path, last="report")
    status = read_table(outcome.run, "features")["status"]
    assert len(status) == sum(WIDTHS)
    assert set(status) <= {"dead", "too_few_examples"}
    assert outcome.n_scores == 0
    assert outcome.report.stat().st_size > 1000


def test_odd_characters_reach_the_evidence(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """Right-to-left text, joined emoji, bidi controls and a lone half of a character are in the windows as they are."""
    odd = "مرحبا \u202e שלום 👩🏽\u200d🚀 🇩🇪 \ud83d "
    texts = [" ".join(odd + word for word in make_text(number, n_words=40).split(" ")) for number in range(20)]
    config = world.config(corpus=[write(tmp_path / "c.jsonl", texts)], features={"min_held_out": 2, "min_shown": 1})
    outcome = carry_out(config, tmp_path, last="evidence")
    windows = read_table(outcome.run, "evidence")["tokens"].map("".join)
    assert len(windows)
    whole = [text.replace("\ud83d", "\ufffd") for text in texts]
    assert all(any(window.strip("\ufffd") in text for text in whole) for window in windows)
