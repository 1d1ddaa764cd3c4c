"""Prompt files: reading the text of one into a Prompt, and filling its holes."""

from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from autointerp.core.errors import ConfigError
from autointerp.core.types import Prompt

SEPARATOR = "--- prompt ---"

# Sandboxed: a prompt file may come from a stranger's run. No autoescape: prompts are not HTML.
ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=False, autoescape=False
)


def parse_prompt(name: str, text: str) -> Prompt:
    """Return the prompt of a file: the system part, a line ``--- prompt ---``, the prompt part.

    Raises:
        ConfigError: The line is missing or doubled, the prompt part is empty or not Jinja2.
    """
    parts = [part.strip("\n") for part in _split(text)]
    if len(parts) != 2 or not parts[1].strip():
        msg = f"prompt file {name}: write the system part, one line `{SEPARATOR}`, then the prompt part"
        raise ConfigError(msg)
    prompt = Prompt(name, parts[0], parts[1])
    for part in parts:
        _compile(name, part)
    return prompt


def render(prompt: Prompt, **holes: object) -> tuple[str, str]:
    """Return (system, prompt) with every hole filled; values are never read as templates.

    Raises:
        ConfigError: The file names a hole that is not among those given.
    """
    return _fill(prompt.name, prompt.system, holes), _fill(prompt.name, prompt.template, holes)


def _split(text: str) -> list[str]:
    """Return the parts of the file around its separator lines."""
    parts: list[list[str]] = [[]]
    for line in text.replace("\r\n", "\n").split("\n"):
        if line.strip() == SEPARATOR:
            parts.append([])
        else:
            parts[-1].append(line)
    return ["\n".join(lines) for lines in parts]


def _fill(name: str, source: str, holes: dict[str, object]) -> str:
    try:
        return _compile(name, source).render(holes)
    except TemplateError as error:
        msg = f"prompt file {name}: {error.message}; it may use {', '.join(sorted(holes))}"
        raise ConfigError(msg) from error


@lru_cache(maxsize=64)
def _compile(name: str, source: str) -> Template:
    try:
        return ENVIRONMENT.from_string(source)
    except TemplateError as error:
        msg = f"prompt file {name}: not a Jinja2 template: {error.message}"
        raise ConfigError(msg) from error
