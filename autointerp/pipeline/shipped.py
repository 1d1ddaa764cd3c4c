"""Files that come with the package: prompts, the demo ladder, the zoo."""

from importlib import resources
from pathlib import Path

from autointerp.core.errors import EnvironmentProblem
from autointerp.core.types import Prompt
from autointerp.prompting.files import parse_prompt

DEMO_LADDER = "demo-ladder"


def shipped(kind: str) -> Path:
    """Return the folder of ``prompts``, ``ladder`` or ``zoo``: inside the wheel, or of the checkout."""
    package = Path(str(resources.files("autointerp")))
    in_checkout = {"prompts": "prompts", "ladder": "data/ladder", "zoo": "data/zoo"}[kind]
    for folder in (package / "_shipped" / kind, package.parent / in_checkout):
        if folder.is_dir():
            return folder
    msg = f"the files {kind!r} that come with autointerp are missing; install it again"
    raise EnvironmentProblem(msg)


def load_prompts() -> dict[str, Prompt]:
    """Return every prompt file by its name."""
    return {path.stem: parse_prompt(path.stem, path.read_text("utf-8")) for path in shipped("prompts").glob("*.jinja")}


def demo_ladder_folder() -> Path:
    """Return the folder of the ladder trained for the demo."""
    return next(p.parent for p in shipped("ladder").glob("*/manifest.json"))
