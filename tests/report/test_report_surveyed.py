"""Concepts asked of a run: the table, the text, the page and the command say the same, and errors what to do."""

import json
from pathlib import Path

import pytest
from tiny_world import WIDTHS, FinishedRun
from typer.testing import CliRunner

from autointerp.cli import app
from autointerp.core.errors import ConfigError
from autointerp.metrics.concepts import ABOUT, MIN_MENTIONS, TOP_FEATURES
from autointerp.pipeline.pooled import pool_tokens
from autointerp.report.surveyed import Survey, survey_run, surveys_of
from autointerp.store.parts import read_table
from autointerp.subject.contexts import TILE_TOKENS

PROMPT = "a text of {concept}"


@pytest.fixture(scope="module")
def copied(finished_run: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's folder in a home of its own, its harvest with it."""
    return finished_run.copied(tmp_path_factory.mktemp("surveyed"))


@pytest.fixture(scope="module")
def surveyed(copied: Path) -> list[Survey]:
    """Words of the run's own text."""
    return survey_run(copied, prompt=PROMPT, n_words=30)


def test_every_dictionary_is_asked_for_every_concept(copied: Path, surveyed: list[Survey]) -> None:
    """One row each, and a control for each that is frequent enough; found is what its share says."""
    assert [s.dictionary for s in surveyed] == [f"tiny/{width}" for width in WIDTHS]
    rows = read_table(copied, "concepts")
    own = rows[rows["control"] == "none"]
    assert set(own.groupby("dictionary").size()) == {own["concept"].nunique()}
    assert rows["features"].map(len).max() <= TOP_FEATURES
    frequent = rows["n_mentions"] >= MIN_MENTIONS
    assert (frequent == (rows["status"] != "too_rare")).all()
    assert ((rows["share"] >= ABOUT)[frequent] == (rows["status"] == "found")[frequent]).all()
    (harvest,) = (copied.parents[1] / "cache" / "harvests").iterdir()
    assert set(rows["n_tokens"]) == {pool_tokens(harvest).n}
    assert surveys_of(rows) == surveyed


def test_frequencies_are_those_of_the_text(copied: Path, surveyed: list[Survey]) -> None:
    """Counted again in the pool's text, a word at a time."""
    assert surveyed
    from autointerp.pipeline.finding import config_of
    from autointerp.subject.model import Subject

    subject = Subject.load(config_of(copied).subject)
    (harvest,) = (copied.parents[1] / "cache" / "harvests").iterdir()
    pool = read_table(harvest, "pool")
    words = " ".join("".join(subject.display_tokens(list(ids), start=1)) for ids in pool["token_ids"]).lower().split()
    rows = read_table(copied, "concepts").drop_duplicates("concept")
    for concept, n in zip(rows["concept"], rows["n_mentions"], strict=True):
        assert n == sum(word.strip(".,;:!?()\"'") in (concept, concept + "s") for word in words), concept


def test_the_command_says_what_the_table_holds(copied: Path, tmp_path: Path) -> None:
    """Named concepts, a comment left out; as JSON and in words, with the rule and the caution."""
    named = tmp_path / "concepts.txt"
    named.write_text("# of the text\nriver\n runs \n\nno such word\n")
    command = ["features", "concepts", str(copied), "--concepts", str(named), "--home", str(copied.parents[1])]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0, told.output
    assert f"stretches of {TILE_TOKENS} tokens" in told.output
    assert "Control:" in told.output
    found = json.loads(CliRunner().invoke(app, [*command, "--json"]).output)
    rows = read_table(copied, "concepts")
    assert set(rows["concept"]) == {"river", "runs", "no such word"}
    assert set(rows.loc[rows["concept"] == "no such word", "status"]) == {"too_rare"}
    assert [one["n_rare"] for one in found] == [1] * len(WIDTHS)


@pytest.mark.parametrize(
    ("concepts", "prompt", "why"),
    [(["red"], PROMPT, "two are needed"), (["red", "…"], PROMPT, "no letter"),
     (["a", "b"], "{concept} is", "has to end"), (["a", "b"], "plain", "has to end")],
)  # fmt: skip
def test_what_cannot_be_asked_says_why(copied: Path, concepts: list[str], prompt: str, why: str) -> None:
    """Before anything is written."""
    with pytest.raises(ConfigError, match=why):
        survey_run(copied, concepts, prompt=prompt, n_words=30)
