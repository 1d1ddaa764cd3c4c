"""Prompt files: two parts, strict holes, errors that name the file; the shipped ones are in order."""

from pathlib import Path

import pytest

from autointerp.core.errors import ConfigError
from autointerp.prompting.files import parse_prompt, render

FOLDER = Path(__file__).parents[2] / "prompts"


def test_parts_and_holes():
    """The system part, the line, the prompt part; a value that looks like a template is only text."""
    prompt = parse_prompt("x", "Be brief.\r\n--- prompt ---\r\nSay {{ word }}\n\n")
    assert render(prompt, word="{{ 7 * 7 }}") == ("Be brief.", "Say {{ 7 * 7 }}")


def test_version_follows_the_words():
    """One changed word is another version."""
    one, two = (parse_prompt("x", f"a\n--- prompt ---\n{word}") for word in ("b", "c"))
    assert one.version != two.version


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no separator",
        "a\n--- prompt ---\n",
        "a\n--- prompt ---\nb\n--- prompt ---\nc",
        "a\n--- prompt ---\n{% if %}",
    ],
)
def test_broken_files_name_themselves(text):
    """A damaged prompt file is an error that says which."""
    with pytest.raises(ConfigError, match="prompt file broken"):
        parse_prompt("broken", text)


def test_unknown_hole_is_an_error():
    """A hole nobody fills would ask a blank question of every feature."""
    prompt = parse_prompt("x", "s\n--- prompt ---\n{{ labell }}")
    with pytest.raises(ConfigError, match=r"labell.*label"):
        render(prompt, label="a")


def test_a_prompt_file_cannot_run_code():
    """A stranger's template reaches nothing of Python."""
    prompt = parse_prompt("x", "s\n--- prompt ---\n{{ label.__class__.__mro__ }}")
    with pytest.raises(ConfigError):
        render(prompt, label="a")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.jinja")), ids=lambda path: path.stem)
def test_shipped_prompts_parse(path):
    """Every prompt of the repository is whole."""
    assert parse_prompt(path.stem, path.read_text()).system
