"""On another device than the CPU the same comes out."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from children import ENVIRONMENT, carried_out
from tiny_world import World

from autointerp.core.errors import EnvironmentProblem
from autointerp.llm.loading import Source, load
from autointerp.subject.loading import load_dictionary
from autointerp.subject.model import Subject

SCRIPT = Path(__file__).with_name("other_device.py")


@pytest.mark.usefixtures("third_parties")
def test_on_a_device_that_is_not_the_cpu(world: World, tmp_path: Path) -> None:
    """Encoders, a harvest, an appraisal, a local model and training give what the CPU gives, and never mix tensors."""
    carried_out([sys.executable, str(SCRIPT), str(world.root), str(tmp_path)], environment=ENVIRONMENT)


@pytest.mark.parametrize("name", ["gpu", "cuda:97", "meta:1:2"])
def test_a_device_that_is_not_here_is_named(world: World, name: str) -> None:
    """The error is about the device, not about the files that were to be loaded onto it."""
    source = next(path for path in sorted(world.ladder.iterdir()))
    loads: list[Callable[[], object]] = [
        lambda: Subject.load(str(world.model), device=name),
        lambda: load_dictionary(source, device=name),
        lambda: load(Source(str(world.model), None, "auto", name)),
    ]
    for attempt in loads:
        with pytest.raises(EnvironmentProblem, match=f'device = "{name}" cannot be used here: .*device = "cpu"'):
            attempt()
